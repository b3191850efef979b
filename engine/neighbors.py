"""Neighbors: the pairs of spheres that may touch, kept in two nested lists that are renewed when motion asks for it."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.cells import FEWEST, CellGrid, SortedRows
from sensorium.engine.device import Device, Rows
from sensorium.engine.errors import PhysicsError
from sensorium.engine.neighbor_search import CHUNK, farthest, find_neighbors, list_pairs
from sensorium.engine.pairs import Pairs

__all__ = ["Neighbors"]

Array = npt.NDArray[Any]

SPACING = 3.0  # pairs per row that the outer skin should add to those in contact, were the rows placed at random
THINNEST, THICKEST, OPEN_SKIN = 0.3, 4.0, 0.5  # outer skin, in largest radii
INNER_SKIN = 0.06  # in largest radii
SLABS = 64  # at most; even, so that two colours close around the box
PLACES = 16  # neighbours per row at first; more are allotted when a row needs them


class Neighbors:
    """Finds the pairs of spheres that may touch, in O(N), and renews the answer no later than it must.

    An outer list holds pairs within a skin of touching, an inner one, taken from it, those within a thinner skin. A
    pair that is not in a list can come to touch only after its two members have together moved by the skin. Twice
    the largest displacement of any row since a list was made bounds that; a list is renewed before the bound reaches
    its skin. Displacements are measured, not integrated from velocities: whoever moves rows, the lists are not late.

    Parameters
    ----------
    on
        Where the rows live.
    edges
        Edges of the box [length]; 0 for an open axis.
    owner
        Name of the system in errors.
    brute_force
        Make every pair a candidate, for tests; the pairs that touch are the same.

    Attributes
    ----------
    rebuilds, prunes
        How often the outer and the inner list have been made.
    largest, skin
        Largest radius when the outer list was made, and its skin.
    geometry
        Edges and inverse edges (0 on open axes), as kernels take them to find the nearest image.
    """

    def __init__(
        self, on: Device, edges: Sequence[float], owner: str = "neighbors", *, brute_force: bool = False
    ) -> None:
        self.device, self.owner, self.brute_force = on, owner, brute_force
        self.edges = tuple(float(edge) for edge in edges)
        self.rebuilds = self.prunes = 0
        self.geometry = (*self.edges, *(1 / edge if edge else 0.0 for edge in self.edges))
        # positions near the far edge are rounded to about this; it is kept between the bound and the skin
        self._rounding = 8 * float(np.finfo(on.real).eps) * max(self.edges)
        self._sorted = SortedRows(on)
        self._width, self._n = PLACES, -1
        self.largest = self.skin = self._spent = 0.0
        self._neighbor = self._count = self._peak = on.zeros(0, np.int32)
        self._reference = on.zeros((3, 0)).T
        self._outer, self._pairs, self._found, self._touching = (Pairs(on) for _ in range(4))

    def reach_of(self, radius: Array, n: int) -> float:
        """Greatest distance of a pair in the outer list of `n` rows of such radii: the least width of a cell."""
        largest = float(radius[:n].max())
        return 2 * largest + self._outer_skin(largest, n)

    def invalidate(self) -> None:
        """Make new lists at the next update: rows came, went or changed places, or radii changed."""
        self._n = -1

    def reorder(self, order: Array) -> None:
        """Follow rows that changed places: what was row ``order[i]`` is row i now."""
        if self._n != len(order) or not self.largest:
            return
        xp = self.device.xp
        order = xp.asarray(order)
        place = xp.empty_like(order)
        place[order] = xp.arange(len(order), dtype=order.dtype)
        for pairs in (self._outer, self._pairs):
            for rows in (pairs.first, pairs.second):
                rows[:] = place.take(xp.asarray(rows), mode="clip")  # what lies in the gaps may be any number
        self._reference[:] = xp.asarray(self._reference)[order]

    def touching(self, position: Array, radius: Array, n: int) -> Pairs:
        """The pairs of the first `n` rows that touch now (distance below the sum of the radii), without gaps.

        Takes the arguments of :meth:`update` and raises what it raises.
        """
        near = self.update(position, radius, n)
        self._found.allot_like(near)
        self._found.select(near, position, radius, 0.0, self.geometry)
        self._touching.close_up(self._found)
        return self._touching

    def update(self, position: Array, radius: Array, n: int) -> Pairs:
        """The pairs of the first `n` rows that may touch soon; every pair that touches now is among them.

        Parameters
        ----------
        position
            ``(>= n, 3)``, columns contiguous; need not be wrapped into the box.
        radius
            ``(>= n,)``, >= 0.

        Raises
        ------
        PhysicsError
            If a sphere spans more than half of the box, so that two could touch on both sides at once, or a
            position is not finite.
        """
        if n != self._n:
            self._rebuild(position, radius, n)
        elif self.largest:
            moved = 2 * self._displacement(position)
            if moved + self._rounding > INNER_SKIN * self.largest:
                self._spent += moved + self._rounding
                if self._spent + INNER_SKIN * self.largest > self.skin:
                    self._rebuild(position, radius, n)
                else:
                    self._prune(position, radius)
        return self._pairs

    def _displacement(self, position: Array) -> float:
        """Largest distance of a row from where it was when the inner list was made."""
        chunks = len(self._peak)
        farthest(Rows(chunks, self.device), self._n, position, self._reference, self._peak, *self.geometry)
        bits = np.array([int(self._peak.max())], np.int64)
        squared = bits.view(np.float64) if self.device.real == np.float64 else bits.astype(np.int32).view(np.float32)
        if not np.isfinite(squared[0]):
            host = self.device.host(position)[: self._n]
            bad = np.flatnonzero(~np.isfinite(host).all(axis=1))
            raise PhysicsError(self.owner, f"{len(bad)} positions are not finite, the first in row {bad[0]}")
        return float(np.sqrt(squared[0]))

    def _rebuild(self, position: Array, radius: Array, n: int) -> None:
        """Sort into cells and make the outer list, then the inner one."""
        on = self.device
        largest = float(radius[:n].max()) if n else 0.0
        self._check(largest)
        self.largest, self.skin, self._spent = largest, self._outer_skin(largest, n), 0.0
        if n != self._n:
            self._n = n
            self._count = on.zeros(n, np.int32)
            self._peak = on.zeros((n + CHUNK - 1) // CHUNK, np.int64)
            self._reference = on.zeros((3, n)).T
        if not largest:
            for pairs in (self._outer, self._pairs):
                pairs.allot([0])
            return
        grid = CellGrid(self.edges, 2 * largest + self.skin, n, whole=self.brute_force)
        self._sorted.sort(grid, position, n)
        self._search(grid, position, radius)
        self._list(grid)
        self.rebuilds += 1
        self._prune(position, radius)

    def _outer_skin(self, largest: float, n: int) -> float:
        """A skin that lasts: thick where rows are sparse and pairs are few, thin where they are dense."""
        volume = math.prod(self.edges)
        if not volume or not n:
            return OPEN_SKIN * largest
        contact = 2 * largest
        skin = math.cbrt(contact**3 + 3 * SPACING * volume / (2 * math.pi * n)) - contact
        # not so thick that an edge has fewer than three cells, if it can have three
        room = min(self.edges) / FEWEST * (1 - 1e-6) - contact
        return max(min(skin, THICKEST * largest, room), THINNEST * largest)

    def _check(self, largest: float) -> None:
        shortest = min((edge for edge in self.edges if edge), default=np.inf)
        if not 2 * largest <= shortest / 2:
            raise PhysicsError(
                self.owner,
                f"radius {largest:g} is too large for the box: a contact spans {2 * largest:g},"
                f" more than half of the edge {shortest:g}",
            )

    def _search(self, grid: CellGrid, position: Array, radius: Array) -> None:
        rows = self._sorted
        while True:
            if len(self._neighbor) < self._n * self._width:
                self._neighbor = self.device.empty(self._n * self._width, np.int32)
            find_neighbors(
                Rows(self._n, self.device), rows.cell, rows.order, rows.start, *grid.counts, position, radius,
                self.skin, self._width, self._neighbor, self._count, *self.geometry,
            )  # fmt: skip
            most = int(self._count.max())
            if most < self._width:
                return
            self._width = most + most // 4 + 1

    def _list(self, grid: CellGrid) -> None:
        """Make pairs of the rows and their neighbours, and divide them into slabs of cells."""
        on, xp = self.device, self.device.xp
        start = xp.zeros(self._n + 1, np.int64)
        xp.cumsum(xp.asarray(self._count)[xp.asarray(self._sorted.order)[: self._n]], out=start[1:])
        planes = grid.counts[0]
        slabs = min(planes & ~1, SLABS) if planes > 1 and on.kind != "cuda" else 1
        edges = [slab * planes // slabs * (grid.cells // planes) for slab in range(slabs + 1)]
        places = np.diff(on.host(start)[on.host(self._sorted.start)[edges]])
        self._outer.allot(places)
        found = self._width, self._neighbor, self._count
        list_pairs(
            Rows(self._n, on), self._sorted.order, *found, on.array(start), self._outer.first, self._outer.second
        )
        self._outer.count[:] = on.array(places)
        self._outer.total = int(places.sum())
        self._pairs.allot(places)

    def _prune(self, position: Array, radius: Array) -> None:
        """Make the inner list from the outer one."""
        self._reference[:] = position[: self._n]
        self._pairs.select(self._outer, position, radius, INNER_SKIN * self.largest, self.geometry)
        self.prunes += 1
