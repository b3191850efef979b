"""``senso export``: a run in the format of another program."""

from __future__ import annotations

import re
from pathlib import Path

import click

__all__ = ["command"]

SUFFIXES = {
    "extxyz": ".extxyz", "lammps": ".dump", "gsd": ".gsd", "vtkhdf": ".vtkhdf", "csv": ".csv", "parquet": ".parquet",
    "transpose": ".transposed.h5",
}  # fmt: skip


@click.command("export")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="The file.")
@click.option("--format", "kind", type=click.Choice(list(SUFFIXES)), help="Default: by the ending of the file.")
@click.option("--population", help="For formats of particles; default the first with positions.")
@click.option("--table", help="For csv and parquet: series (default), events, or a population.")
@click.option("--frames", metavar="FIRST:LAST:STEP", help="Only these frames, as a Python slice: 100: or ::10.")
@click.option("--transpose", is_flag=True, help="Chunks along time: quick to read one particle over the whole run.")
def command(
    run: Path,
    output: Path | None,
    kind: str | None,
    population: str | None,
    table: str | None,
    frames: str | None,
    transpose: bool,
) -> None:
    """Write RUN for another program: extxyz (OVITO, ASE), LAMMPS dump, GSD, VTKHDF (ParaView), CSV, Parquet.

    Without -o the file lies beside the run; without a format it is extxyz.
    """
    from sensorium.cli.stored import trajectory_of
    from sensorium.io.export import export
    from sensorium.io.run import open as open_run

    path = trajectory_of(run)
    chosen = "transpose" if transpose else kind
    if output is None:
        output = path.with_suffix(SUFFIXES[chosen or ("csv" if table else "extxyz")])
    with open_run(path) as opened:
        part = opened[_slice(frames)] if frames else opened
        click.echo(export(part, output, format=chosen, population=population, table=table or "series"))


def _slice(text: str) -> slice:
    if not re.fullmatch(r"-?\d*(:-?\d*){1,2}", text) or (text.endswith(":0") and text.count(":") == 2):
        raise click.BadParameter(f"'{text}' is no slice; write FIRST:LAST or FIRST:LAST:STEP", param_hint="--frames")
    return slice(*(int(part) if part else None for part in text.split(":")))
