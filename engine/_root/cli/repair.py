"""``senso repair``: the good frames of a damaged run."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import click

from sensorium.cli.options import json_option

__all__ = ["command"]


@click.command("repair")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Default RUN.repaired.h5.")
@json_option
def command(run: Path, output: Path | None, as_json: bool) -> None:
    """Copy every frame of RUN that can be read to a new, whole file; RUN stays as it is."""
    from sensorium.io.repair import repair

    target = output or run.with_suffix(".repaired.h5")
    found = repair(run, target)
    if as_json:
        click.echo(json.dumps({"file": str(target), **asdict(found)}))
        return
    click.echo(target)
    click.echo(f"{found.copied} frames copied")
    if found.lost:
        click.echo(f"lost frames: {', '.join(map(str, found.lost))}", err=True)
