"""``senso plot``: a picture of a run."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command", "draw"]


@click.command("plot")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The picture; default RUN.png.")
def command(run: Path, output: Path | None) -> None:
    """Draw RUN: energies and their balance, and what the populations do."""
    click.echo(draw(run, output))


def draw(run: Path, output: Path | None) -> Path:
    """Draw `run` into `output`, by default a PNG beside it; returns the picture."""
    from sensorium.cli.stored import trajectory_of
    from sensorium.io.plot import plot

    path = trajectory_of(run)
    return Path(plot(path, output or path.with_suffix(".png")))
