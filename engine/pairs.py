"""Pairs: a list of pairs of rows, divided into slabs of cells so that it can be worked on in parallel."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import PARALLEL_FROM, kernel
from sensorium.engine.kernel_threads import threads
from sensorium.engine.neighbor_search import mark_pair, prune_slab
from sensorium.engine.primitives import nonnegative

__all__ = ["Pairs"]

Array = npt.NDArray[Any]

SPARE = 1.25  # room beyond what is asked for, so that a growing list does not move each time


@kernel(tasks=True, cost=1000.0)
def move_slab(t, source, source_start, count, target, start):
    """Copy the entries of one slab to another place."""
    for k in range(count[t]):
        target[nonnegative(start[t] + k)] = source[nonnegative(source_start[t] + k)]


class Pairs:
    """Pairs of rows, each once, grouped by slabs of cells.

    A pair of slab `s` touches rows of slabs `s` and ``s + 1`` (cyclically) only: all even slabs may be worked on at
    once, then all odd ones. Which pairs there are beyond those that touch, and their order, depends on the age of the
    lists: what is computed from them must not.

    Attributes
    ----------
    first, second
        Rows of each pair, int32.
    start, count
        ``(slabs,)`` int64: where each slab begins in `first` and `second`, and the number of its pairs.
    slabs
        Number of slabs, even or 1; it follows from the cells alone, never from the threads. 1 on a GPU.
    total
        Number of all pairs.
    """

    __slots__ = ("count", "device", "first", "second", "slabs", "start", "total")

    def __init__(self, on: Device) -> None:
        self.device = on
        self.first, self.second = on.zeros(0, np.int32), on.zeros(0, np.int32)
        self.allot([0])

    def allot(self, places: Sequence[int]) -> None:
        """Make room for ``places[s]`` pairs in each slab s, and forget all pairs."""
        ends = np.concatenate([[0], np.cumsum(np.asarray(places, np.int64))])
        if len(self.first) < ends[-1]:
            room = int(ends[-1] * SPARE)
            self.first, self.second = self.device.empty(room, np.int32), self.device.empty(room, np.int32)
        self.start = self.device.array(ends[:-1])
        self.count = self.device.zeros(len(places), np.int64)
        self.slabs, self.total = len(places), 0

    def allot_like(self, other: Pairs) -> None:
        """Make room for the pairs of `other`, each slab at the place that it has there, and forget all pairs."""
        if len(self.first) < len(other.first):
            room = len(other.first)
            self.first, self.second = self.device.empty(room, np.int32), self.device.empty(room, np.int32)
        if self.start is not other.start:
            self.start, self.count = other.start, self.device.zeros(other.slabs, np.int64)
        self.slabs, self.total = other.slabs, 0

    def fill(self, first: Array, second: Array) -> None:
        """Hold the pairs of two host arrays of rows, as one slab."""
        self.allot([len(first)])
        self.total = len(first)
        self.first[: self.total], self.second[: self.total] = self.device.array(first), self.device.array(second)
        self.count[:] = self.total

    def colours(self, cost: float = 1.0) -> Iterator[tuple[Rows, int, int]]:
        """Launches that together visit each slab once, no two slabs that share a row in the same one.

        Yields tasks, colour and stride: task t works on slab ``stride * t + colour``. One thread takes all slabs in one
        launch, one after the other.

        Parameters
        ----------
        cost
            Estimated time of a pair in ns.
        """
        work, on = cost * self.total, self.device
        if self.slabs == 1 or (on.kind == "cpu" and (work < PARALLEL_FROM or threads() == 1)):
            yield Rows(self.slabs, on, work=0.0), 0, 1
            return
        for colour in (0, 1):
            yield Rows((self.slabs + 1 - colour) // 2, on, work=work / 2), colour, 2

    def rows(self) -> tuple[npt.NDArray[np.int32], npt.NDArray[np.int32]]:
        """First and second rows of all pairs, on the host."""
        start, count = self.device.host(self.start), self.device.host(self.count)
        places = np.concatenate([np.arange(s, s + c) for s, c in zip(start, count)])
        return self.device.host(self.first)[places], self.device.host(self.second)[places]

    def select(self, source: Pairs, position: Array, radius: Array, skin: float, geometry: tuple[float, ...]) -> None:
        """Take over those pairs of `source` that are within `skin` of touching now.

        There must be room for all pairs of each slab of `source`.
        """
        on, xp = self.device, self.device.xp
        if on.kind != "cuda":
            prune_slab(
                Rows(source.slabs, on), source.first, source.second, source.start, source.count,
                position, radius, skin, self.first, self.second, self.start, self.count, *geometry,
            )  # fmt: skip
            self.total = int(self.count.sum())
            return
        marked = on.zeros(source.total, np.bool_)  # a thread per pair, then a gather
        mark_pair(Rows(source.total, on), source.first, source.second, position, radius, skin, marked, *geometry)
        kept = xp.flatnonzero(xp.asarray(marked))
        self.total = len(kept)
        self.first[: self.total] = xp.asarray(source.first)[kept]
        self.second[: self.total] = xp.asarray(source.second)[kept]
        self.count[:] = self.total

    def close_up(self, source: Pairs) -> None:
        """Take over all pairs of `source`, without gaps between the slabs."""
        on = self.device
        self.allot(on.host(source.count).tolist())
        for target, origin in ((self.first, source.first), (self.second, source.second)):
            move_slab(Rows(source.slabs, on), origin, source.start, source.count, target, self.start)
        self.count[:] = source.count
        self.total = source.total
