"""Tables: rows of plain values as CSV, and as Parquet where pyarrow is installed."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sensorium.io.parts import replacing

__all__ = ["write_table"]


def write_table(rows: Sequence[Mapping[str, Any]], stem: str | Path) -> list[Path]:
    """Write `rows` to ``STEM.csv``, and to ``STEM.parquet`` when pyarrow is installed.

    Parameters
    ----------
    rows
        Numbers, text, truth values and None by column; lists and mappings become JSON text.
        Columns are those of all rows, in the order in which they first appear.
    stem
        The files without their endings.

    Returns
    -------
    list of Path
        What was written.

    Raises
    ------
    OutputError
        If a file cannot be written.
    """
    names = list(dict.fromkeys(name for row in rows for name in row))
    plain = [{name: _flat(row.get(name)) for name in names} for row in rows]
    written = [Path(f"{stem}.csv")]
    text = io.StringIO()
    writer = csv.DictWriter(text, names, lineterminator="\n")
    writer.writeheader()
    writer.writerows(plain)  # csv writes floats by repr: they read back as the same numbers
    with replacing(written[0]) as fresh:
        fresh.write_bytes(text.getvalue().encode())
    try:
        import pyarrow
        from pyarrow import parquet
    except ImportError:
        return written
    columns = {name: pyarrow.array(_uniform([row[name] for row in plain])) for name in names}
    sink = pyarrow.BufferOutputStream()
    parquet.write_table(pyarrow.table(columns), sink)
    written.append(Path(f"{stem}.parquet"))
    with replacing(written[1]) as fresh:
        fresh.write_bytes(sink.getvalue().to_pybytes())
    return written


def _flat(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, list | dict | tuple) else value


def _uniform(values: list[Any]) -> list[Any]:
    """Values of one type: numbers stay numbers, anything mixed becomes text."""
    kinds = {type(value) for value in values if value is not None}
    if len(kinds) <= 1 or kinds == {int, float}:
        return [float(v) if v is not None else None for v in values] if kinds == {int, float} else values
    return [None if value is None else str(value) for value in values]
