"""Cells: points of a periodic box sorted into cells that are no narrower than the reach of a search."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import device, kernel, real
from sensorium.engine.math import floor
from sensorium.engine.population import Population
from sensorium.engine.primitives import nonnegative

__all__ = ["FEWEST", "CellGrid", "SortedRows", "sort_rows"]

Array = npt.NDArray[Any]

HASHED = 64  # cells along an open axis before they repeat
FEWEST = 3  # with fewer, the two neighbours of a cell are the same cell
CELLS_PER_POINT = 1.0  # more cells than this cost memory and find nothing sooner


class CellGrid:
    """A grid of cells, each at least `reach` wide: points within `reach` lie in the same or in adjacent cells.

    An axis too short for three cells has one cell and is searched whole. An open axis (edge 0) has cells that repeat
    with a period: that finds some pairs too many, which the distance excludes, and never one too few.

    Parameters
    ----------
    edges
        Edges of the box [length]; 0 for an open axis.
    reach
        Greatest distance that a search asks for [length], > 0.
    points
        Number of points: the grid is not made finer than about one cell per point.
    whole
        True for a single cell: every pair is a candidate.

    Attributes
    ----------
    axes
        The axis of the box along each axis of the grid; the one with the most cells comes first.
    counts
        Cells along the axes of the grid.
    inverses
        Cells per length along the axes of the grid; 0 where there is one cell.
    """

    __slots__ = ("axes", "counts", "inverses")

    def __init__(self, edges: Sequence[float], reach: float, points: int, *, whole: bool = False) -> None:
        fitting = [1 if whole else _count(edge, reach) for edge in edges]
        crowd = math.prod(fitting) / max(CELLS_PER_POINT * points, FEWEST**3)
        if crowd > 1:
            thin = crowd ** (1 / sum(count > 1 for count in fitting))
            fitting = [max(FEWEST, int(count / thin)) if count > 1 else 1 for count in fitting]
        self.axes = tuple(sorted(range(3), key=lambda axis: -fitting[axis]))
        self.counts = tuple(fitting[axis] for axis in self.axes)
        self.inverses = tuple(
            0.0 if fitting[axis] == 1 else fitting[axis] / edges[axis] if edges[axis] else 1 / reach
            for axis in self.axes
        )

    @property
    def cells(self) -> int:
        """Number of cells."""
        return math.prod(self.counts)

    def __repr__(self) -> str:
        return f"CellGrid({' x '.join(map(str, self.counts))})"


def _count(edge: float, reach: float) -> int:
    count = int(min(edge / reach, 1 << 20)) if edge else HASHED
    return count if count >= FEWEST else 1


@device
def coordinate(x, inverse, count):
    """Cell of a coordinate along one axis, whatever multiple of the period it is off."""
    whole = floor(x * inverse)
    cell = int(whole - floor(whole / real(count)) * real(count))
    return min(max(cell, 0), count - 1)


@kernel(cost=4.0)
def label(i, cell, position, a, b, c, inverse_a, inverse_b, inverse_c, count_a, count_b, count_c):
    """The cell of every row; the last axis runs fastest."""
    row = coordinate(position[i, a], inverse_a, count_a) * count_b + coordinate(position[i, b], inverse_b, count_b)
    cell[i] = row * count_c + coordinate(position[i, c], inverse_c, count_c)


@kernel(tasks=True)
def counting_sort(t, cell, n, cells, start, order):
    """Stable sort of rows by cell in O(n + cells); one task, since each entry depends on those before."""
    for k in range(cells + 1):
        start[nonnegative(k)] = 0
    for i in range(n):
        start[nonnegative(cell[nonnegative(i)])] += 1
    first = 0
    for k in range(cells):
        k = nonnegative(k)
        inside = start[k]
        start[k] = first
        first += inside
    for i in range(n):
        i = nonnegative(i)
        k = nonnegative(cell[i])
        order[nonnegative(start[k])] = i
        start[k] += 1
    for k in range(cells):  # each start has moved on to the start of the next cell
        k = nonnegative(cells - k)
        start[k] = start[k - 1]
    start[0] = 0


class SortedRows:
    """Rows in the order of their cells.

    Attributes
    ----------
    grid
        The cells.
    cell
        ``(n,)`` int32: cell of each row.
    order
        ``(n,)`` int32: rows, cell by cell, in each cell by row.
    start
        ``(cells + 1,)`` int32: where each cell begins in `order`.
    """

    __slots__ = ("cell", "device", "grid", "order", "start")

    def __init__(self, on: Device) -> None:
        self.device = on
        self.cell = self.order = self.start = on.zeros(0, np.int32)

    def sort(self, grid: CellGrid, position: Array, n: int) -> None:
        """Sort `n` rows of `position` ``(>= n, 3)``."""
        on, xp = self.device, self.device.xp
        self.grid = grid
        if len(self.cell) < n:
            self.cell, self.order = on.empty(n, np.int32), on.empty(n, np.int32)
        if len(self.start) < grid.cells + 1:
            self.start = on.empty(grid.cells + 1, np.int32)
        label(Rows(n, on), self.cell, position, *grid.axes, *grid.inverses, *grid.counts)
        if on.kind == "cuda":
            cell = xp.asarray(self.cell)[:n]
            order = xp.argsort(cell, kind="stable")
            self.order[:n] = order.astype(np.int32)
            bounds = xp.searchsorted(cell[order], xp.arange(grid.cells + 1, dtype=np.int32))
            self.start[: grid.cells + 1] = bounds.astype(np.int32)
        else:
            counting_sort(Rows(1, on), self.cell, n, grid.cells, self.start, self.order)


def sort_rows(population: Population, position: Array, edges: Sequence[float], reach: float) -> Array:
    """Put the rows of `population` in the order of cells at least `reach` wide: what lies close is stored close.

    Parameters
    ----------
    population
        The rows to move.
    position
        Their positions ``(n, 3)``, on the population's device.
    edges, reach
        As in :class:`CellGrid`.

    Returns
    -------
    Array
        ``(n,)`` int32: the former row of each row.
    """
    n, on = population.n, population.device
    rows = SortedRows(on)
    rows.sort(CellGrid(edges, reach, n), population.storage.get(id(position), position), n)
    order: Array = rows.order[:n]
    population.reorder(on.xp.asarray(order))
    return order
