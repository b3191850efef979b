"""``senso report``: a run as one HTML page."""

from __future__ import annotations

from pathlib import Path

import click

__all__ = ["command"]


@click.command("report")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The page; default RUN.html.")
def command(run: Path, output: Path | None) -> None:
    """Write one self-contained HTML page on RUN, pictures inside; it opens without a network."""
    from sensorium.cli.stored import trajectory_of
    from sensorium.io.report import report

    path = trajectory_of(run)
    click.echo(report(path, output or path.with_suffix(".html")))
