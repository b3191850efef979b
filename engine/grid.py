"""Box: the periodic volume of a run and the grid of nodes that covers it."""

from __future__ import annotations

import math
from collections.abc import Sequence

from sensorium.engine.errors import ScenarioError

__all__ = ["Box"]


class Box:
    """A periodic box with its origin at 0, covered by a grid of nodes.

    Values of a grid live at the **nodes**: node ``(i, j, k)`` lies at ``(i hx, j hy, k hz)``, and a particle that
    sits exactly on a node gives it all that it has. Arrays of node values have the shape of `cells`, z fastest.

    Parameters
    ----------
    edges
        Edge lengths along x, y, z [length], > 0.
    cells
        Number of cells (equally: of nodes) along x, y, z, >= 1; odd and unequal counts are fine.

    Attributes
    ----------
    spacing
        Edge lengths of a cell, ``edges / cells``.
    volume, cell_volume
        Volume of the box and of one cell.
    nodes
        Number of nodes.

    Raises
    ------
    ScenarioError
        If an edge is not finite and > 0, or a count is not a whole number >= 1.
    """

    __slots__ = ("cell_volume", "cells", "edges", "nodes", "spacing", "volume")

    def __init__(self, edges: Sequence[float], cells: Sequence[int] = (64, 64, 64)) -> None:
        if len(edges) != 3 or len(cells) != 3:
            raise ScenarioError(f"box: three edges and three cell counts are needed, not {edges} and {cells}")
        if not all(math.isfinite(edge) and edge > 0 for edge in edges):
            raise ScenarioError(f"box: edges {tuple(edges)} must be finite and > 0")
        if not all(count == int(count) and count >= 1 for count in cells):
            raise ScenarioError(f"box: cells {tuple(cells)} must be whole numbers >= 1")
        self.edges = (float(edges[0]), float(edges[1]), float(edges[2]))
        self.cells = (int(cells[0]), int(cells[1]), int(cells[2]))
        (x, y, z), (nx, ny, nz) = self.edges, self.cells
        self.spacing = (x / nx, y / ny, z / nz)
        self.volume = math.prod(self.edges)
        self.nodes = math.prod(self.cells)
        self.cell_volume = self.volume / self.nodes

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Box) and (other.edges, other.cells) == (self.edges, self.cells)

    def __hash__(self) -> int:
        return hash((self.edges, self.cells))

    def __repr__(self) -> str:
        return f"Box(edges={self.edges}, cells={self.cells})"
