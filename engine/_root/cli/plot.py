"""``senso plot``: a picture of a run."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command", "draw"]


@click.command("plot")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The picture; default RUN.png.")
@click.option("--view", default="dashboard", show_default=True, help="One view alone: energy, carriers, order ...")
def command(run: Path, output: Path | None, view: str) -> None:
    """Draw RUN, finished or not: energies and their balance, carriers, order, and where the particles are."""
    click.echo(draw(run, output, view))


def draw(run: Path, output: Path | None, view: str = "dashboard") -> Path:
    """Draw `run` into `output`, by default a PNG beside it; returns the picture."""
    from sensorium.cli.stored import trajectory_of
    from sensorium.io.plot import plot

    path = trajectory_of(run)
    own = path.with_suffix(".png") if view == "dashboard" else path.with_name(f"{path.stem}-{view}.png")
    return plot(path, output or own, view=view)
