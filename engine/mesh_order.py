"""The order of rows on the mesh: which of them may be deposited at once, and when they are worth sorting.

The grid is cut into slabs of whole x planes. A row adds to the planes below and above it, so slabs of one colour of
two never meet, and all slabs of a colour are deposited in parallel, each from a list of its rows. Sums of integers
do not show the order in which they were made, so lists, threads and sorting change the speed and not a bit of it.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.cells import counting_sort
from sensorium.engine.device import Device, Rows
from sensorium.engine.grid import Box
from sensorium.engine.kernel import kernel
from sensorium.engine.mesh_cloud import lower_node
from sensorium.engine.primitives import nonnegative

__all__ = ["cell_order", "disorder", "slab_lists"]

CHUNK = 8192  # rows that one task looks at


@kernel(tasks=True, signature="i8[:], real[:,:], int, int, real, int")
def measure_disorder(t, distance, position, n, chunk, inverse_x, nx):
    """Sum over the rows of one chunk of the planes between the row and the row in the middle, around the ring."""
    first, last = t * chunk, min(n, (t + 1) * chunk)
    middle = lower_node(position[nonnegative((first + last) // 2), 0], inverse_x, nx)
    total = 0
    for row in range(first, last):
        plane = lower_node(position[nonnegative(row), 0], inverse_x, nx)
        away = abs(plane - middle)
        total += min(away, nx - away)
    distance[t] = total


@kernel(tasks=True, signature="i8[:,:], real[:,:], int, int, int, real, int")
def count_slabs(t, counts, position, n, chunk, slabs, inverse_x, nx):
    """Rows of each slab in one chunk of rows."""
    for s in range(slabs):
        counts[t, nonnegative(s)] = 0
    for row in range(t * chunk, min(n, (t + 1) * chunk)):
        plane = lower_node(position[nonnegative(row), 0], inverse_x, nx)
        counts[t, nonnegative(plane * slabs // nx)] += 1


@kernel(tasks=True, signature="u4[:], i8[:,:], real[:,:], int, int, int, real, int")
def place_rows(t, order, place, position, n, chunk, slabs, inverse_x, nx):
    """Write each row of one chunk to the next place of its slab."""
    for row in range(t * chunk, min(n, (t + 1) * chunk)):
        i = nonnegative(row)
        plane = lower_node(position[i, 0], inverse_x, nx)
        s = nonnegative(plane * slabs // nx)
        order[nonnegative(place[t, s])] = i
        place[t, s] += 1


@kernel(cost=3.0, signature="i4[:], real[:,:], real, real, real, int, int, int")
def number_cells(i, cell, position, inverse_x, inverse_y, inverse_z, nx, ny, nz):
    """Flat index of the cell of each row, z fastest."""
    x = lower_node(position[i, 0], inverse_x, nx)
    y = lower_node(position[i, 1], inverse_y, ny)
    z = lower_node(position[i, 2], inverse_z, nz)
    cell[i] = (x * ny + y) * nz + z


def disorder(position: Any, n: int, box: Box, device: Device) -> float:
    """Planes by which a row is off the place that sorting would give it, on average; about nx / 4 for random rows."""
    chunks = -(-n // CHUNK)
    distance = np.empty(chunks, np.int64)
    measure_disorder(Rows(chunks, device), distance, position, n, CHUNK, 1 / box.spacing[0], box.cells[0])
    return float(distance.sum()) / n - 0.25 * box.cells[0] / max(chunks, 1)


def slab_lists(position: Any, n: int, box: Box, device: Device) -> tuple[npt.NDArray[Any], npt.NDArray[np.int64]]:
    """Rows listed by slab, in row order within each.

    Returns
    -------
    order, start
        Rows of slab ``s`` are ``order[start[s]:start[s + 1]]``. The number of slabs is even, or 1 for a single plane.
    """
    nx = box.cells[0]
    slabs = max(1, nx & ~1)
    chunks = -(-n // CHUNK)
    counts = np.empty((chunks, slabs), np.int64)
    count_slabs(Rows(chunks, device), counts, position, n, CHUNK, slabs, 1 / box.spacing[0], nx)
    start = np.zeros(slabs + 1, np.int64)
    np.cumsum(counts.sum(axis=0), out=start[1:])
    place = start[:-1] + np.cumsum(counts, axis=0) - counts
    order = np.empty(n, np.uint32)
    place_rows(Rows(chunks, device), order, place, position, n, CHUNK, slabs, 1 / box.spacing[0], nx)
    return order, start


def cell_order(position: Any, n: int, box: Box, device: Device) -> npt.NDArray[Any]:
    """The permutation that sorts rows by cell, x plane by x plane; rows of one cell keep their order."""
    cell, order = np.empty(n, np.int32), np.empty(n, np.int32)
    start = np.empty(box.nodes + 1, np.int32)
    number_cells(Rows(n, device), cell, position, *(1 / spacing for spacing in box.spacing), *box.cells)
    counting_sort(Rows(1, device), cell, n, box.nodes, start, order)
    return order
