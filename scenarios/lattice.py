"""Regular positions: lattices stretched to fill a box, and a path that visits a lattice site by site."""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

__all__ = ["BASES", "lattice_sites"]

Points = npt.NDArray[np.float64]

BASES = {
    "sc": ((0.5, 0.5, 0.5),),
    "fcc": ((0.25, 0.25, 0.25), (0.75, 0.75, 0.25), (0.75, 0.25, 0.75), (0.25, 0.75, 0.75)),
    "path": ((0.5, 0.5, 0.5),),
}


def lattice_sites(kind: str, count: int, edges: Sequence[float]) -> tuple[Points, float]:
    """Positions of `count` sites in the box, and the distance of nearest neighbours.

    The cells are as cubic as the box allows and there are at least `count` sites; when there are more, the empty
    ones are spread evenly, so that no region is empty. ``path`` is a simple cubic lattice walked row by row, each
    row and layer in the opposite sense of the last, so that successive sites are nearest neighbours (with empty
    sites at most two apart).

    Returns
    -------
    points
        ``(count, 3)`` in the order of the lattice.
    distance
        The smallest distance of two sites of the full lattice.
    """
    basis = BASES[kind]
    cells = _cells(math.ceil(count / len(basis)), edges)
    sites = math.prod(cells) * len(basis)
    chosen = np.arange(count, dtype=np.int64) * sites // max(count, 1)
    cell, member = np.divmod(chosen, len(basis))
    nx, ny, _ = cells
    layer, rest = np.divmod(cell, ny * nx)
    row, column = np.divmod(rest, nx)
    if kind == "path":
        row = np.where(layer % 2 == 0, row, ny - 1 - row)
        # rows run to and fro over the whole path, also from one layer to the next
        column = np.where((cell // nx) % 2 == 0, column, nx - 1 - column)
    corner = np.stack([column, row, layer], axis=1).astype(np.float64)
    size = np.asarray(edges, np.float64) / cells
    points = (corner + np.asarray(basis)[member]) * size
    return points, _nearest(kind, size)


def _nearest(kind: str, size: Points) -> float:
    a, b, c = (float(s) for s in size)
    diagonals = (math.hypot(a, b) / 2, math.hypot(a, c) / 2, math.hypot(b, c) / 2)
    return min(a, b, c, *(diagonals if kind == "fcc" else ()))


def _cells(wanted: int, edges: Sequence[float]) -> tuple[int, int, int]:
    """The smallest number of cells that is at least `wanted` among nearly cubic ones."""
    side = (math.prod(edges) / max(wanted, 1)) ** (1 / 3)
    choices = [sorted({max(1, math.floor(edge / side)), max(1, math.ceil(edge / side))}) for edge in edges]
    best: tuple[int, int, int] | None = None
    for nx in choices[0]:
        for ny in choices[1]:
            for nz in choices[2]:
                enough = nx * ny * nz >= wanted
                if enough and (best is None or nx * ny * nz < math.prod(best)):
                    best = (nx, ny, nz)
    if best is None:  # a very flat or long box: one axis makes up for the others
        floor = [c[-1] for c in choices]
        longest = max(range(3), key=lambda axis: edges[axis])
        others = math.prod(floor) // floor[longest]
        floor[longest] = math.ceil(wanted / others)
        best = (floor[0], floor[1], floor[2])
    return best
