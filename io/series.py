"""Series: scalars gathered step by step, written in blocks."""

from __future__ import annotations

from collections.abc import Container, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

__all__ = ["Block", "Row", "SeriesBuffer", "first_seen", "series_block", "series_unit"]

Array = npt.NDArray[Any]
Block = tuple[Array, Array, dict[str, Array]]  # steps, times, columns by name

_UNITS = {
    "energy": "energy",
    "temperature": "temperature",
    "momentum": "mass length/time",
    "potential": "energy",
}


def series_unit(name: str) -> str:
    """Unit of a series by its group: ``energy/total`` is an energy, ``energy/residual`` a ratio."""
    return "1" if name == "energy/residual" else _UNITS.get(name.partition("/")[0], "1")


Row = tuple[int, float, tuple[str, ...], tuple[float, ...]]  # step, time, names, values


class SeriesBuffer:
    """Rows of scalars that wait to be written. Names may come and go; absent values are NaN."""

    def __init__(self) -> None:
        self._names: tuple[str, ...] = ()
        self._rows: list[Row] = []

    def __len__(self) -> int:
        return len(self._rows)

    def add(self, step: int, time: float, values: Mapping[str, float]) -> None:
        """Keep the values of one step."""
        names = tuple(values)
        if names == self._names:
            names = self._names  # one tuple for all rows, so that blocks compare by identity
        self._names = names
        self._rows.append((step, time, names, tuple(values.values())))

    def take(self) -> list[Row]:
        """Everything kept since the last call."""
        rows, self._rows = self._rows, []
        return rows


def series_block(rows: list[Row]) -> Block:
    """Rows as columns."""
    steps = np.array([row[0] for row in rows], np.int64)
    times = np.array([row[1] for row in rows], np.float64)
    if not rows:
        return steps, times, {}
    if all(row[2] is rows[0][2] for row in rows):
        table = np.array([row[3] for row in rows], np.float64).reshape(len(rows), -1)
        return steps, times, {name: table[:, k] for k, name in enumerate(rows[0][2])}
    columns: dict[str, Array] = {}
    for k, (_, _, names, values) in enumerate(rows):
        for name, value in zip(names, values, strict=True):
            if name not in columns:
                columns[name] = np.full(len(rows), np.nan)
            columns[name][k] = value
    return steps, times, columns


def first_seen(rows: list[Row], known: Container[str]) -> dict[str, int]:
    """Names that are not in `known`, each with the row at which it appears."""
    seen: dict[str, int] = {}
    last: tuple[str, ...] | None = None
    for k, (_, _, names, _) in enumerate(rows):
        if names is not last:
            last = names
            for name in names:
                if name not in known:
                    seen.setdefault(name, k)
    return seen
