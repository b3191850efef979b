"""``senso movie``: a run as moving pictures."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("movie")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="MP4 or GIF; default RUN.gif.")
@click.option("--view", default="particles", show_default=True, help="particles, phases, gates or density.")
@click.option("--rate", type=click.IntRange(1, 120), default=20, show_default=True, help="Pictures per second.")
@click.option("--frames", type=click.IntRange(min=1), default=300, show_default=True, help="At most so many pictures.")
def command(run: Path, output: Path | None, view: str, rate: int, frames: int) -> None:
    """Draw RUN as a movie. MP4 needs ffmpeg, or the package imageio-ffmpeg; GIF needs nothing."""
    from sensorium.cli.stored import trajectory_of
    from sensorium.io.movie import movie

    path = trajectory_of(run)
    click.echo(movie(path, output or path.with_suffix(".gif"), view=view, rate=rate, frames=frames))
