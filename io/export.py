"""Export: a run in the format of another program."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sensorium.engine.errors import OutputError
from sensorium.engine.naming import did_you_mean
from sensorium.io.exports import binary, tables, text
from sensorium.io.parts import replacing
from sensorium.io.run import PopulationRun, Run

__all__ = ["FORMATS", "export", "format_of"]

Particles = Callable[[Run, PopulationRun, Path], None]
Table = Callable[[Run, str, Path], None]

PARTICLES: dict[str, Particles] = {
    "extxyz": text.write_extxyz,
    "lammps": text.write_lammps,
    "gsd": binary.write_gsd,
    "vtkhdf": binary.write_vtkhdf,
}
TABLES: dict[str, Table] = {"csv": tables.write_csv, "parquet": tables.write_parquet}
FORMATS = (*PARTICLES, *TABLES, "transpose")
ENDINGS = {
    ".xyz": "extxyz", ".extxyz": "extxyz", ".dump": "lammps", ".lammpstrj": "lammps", ".gsd": "gsd",
    ".vtkhdf": "vtkhdf", ".csv": "csv", ".parquet": "parquet", ".pq": "parquet", ".h5": "transpose",
}  # fmt: skip


def format_of(output: Path) -> str:
    """The format that the ending of a file name means.

    Raises
    ------
    OutputError
        If it means none.
    """
    try:
        return ENDINGS[output.suffix.lower()]
    except KeyError:
        known = ", ".join(ENDINGS)
        raise OutputError(f"{output}: the ending says no format; name one, or end in one of {known}") from None


def export(
    run: str | Path | Run,
    output: str | Path,
    *,
    format: str | None = None,
    population: str | None = None,
    table: str = "series",
) -> Path:
    """Write `run` to `output` in another format; the file appears when it is whole.

    Parameters
    ----------
    run
        A trajectory, complete or not, or a part of one (``sm.open("run.h5")[::10]``).
    output
        The new file.
    format
        One of :data:`FORMATS`; by the ending of `output` unless given.
    population
        Which population, for formats of particles; the first with positions unless given.
    table
        What goes into a CSV or Parquet file: ``series``, ``events`` or the name of a population.

    Raises
    ------
    OutputError
        If the format or population is unknown, the run cannot be read, or the file cannot be written.
    """
    output = Path(output)
    kind = format or format_of(output)
    if kind not in FORMATS:
        raise OutputError(f"no format '{kind}' (there are: {', '.join(FORMATS)})" + did_you_mean(kind, FORMATS))
    opened = run if isinstance(run, Run) else Run(run)
    try:
        with replacing(output) as fresh:
            if kind in PARTICLES:
                PARTICLES[kind](opened, _spatial(opened, population), fresh)
            elif kind in TABLES:
                TABLES[kind](opened, _table(opened, table), fresh)
            else:
                tables.write_transposed(opened, fresh)
    finally:
        if opened is not run:
            opened.close()
    return output


def _spatial(run: Run, name: str | None) -> PopulationRun:
    found = {n: p for n, p in run.populations.items() if "position" in p}
    if not found:
        raise OutputError(f"{run.path}: no population has positions")
    if name is None:
        return next(iter(found.values()))
    if name not in found:
        have = ", ".join(found)
        raise OutputError(
            f"{run.path}: no population '{name}' with positions (there are: {have})" + did_you_mean(name, found)
        )
    return found[name]


def _table(run: Run, name: str) -> str:
    known = ("series", "events", *run.populations)
    if name not in known:
        raise OutputError(f"{run.path}: no table '{name}' (there are: {', '.join(known)})" + did_you_mean(name, known))
    return name
