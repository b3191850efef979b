"""Sums over contacts in 64-bit integers, in units of a power of two.

The sum of integers does not depend on their order: what a row gets from its contacts has the same bits whatever the age
of the neighbour lists, the order of the rows, the number of threads, or the device. A term is an odd function of the
direction of its pair, so that what one row gets the other loses, exactly.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import kernel
from sensorium.engine.pairs import Pairs
from sensorium.engine.primitives import atomic_add, nonnegative

__all__ = ["SUM_BITS", "ContactSums", "power_of_two"]

Array = npt.NDArray[Any]

SUM_BITS = 52  # of the largest possible term; the rest of an int64 leaves room for 1024 such terms on one row


@kernel(tasks=True)
def sum_vectors(t, colour, first, second, start, count, normal, amount, scale, sum_x, sum_y, sum_z):
    """Add ``amount * normal`` to the first row of every contact of a slab, and take it from the second."""
    slab = 2 * t + colour
    for k in range(start[slab], start[slab] + count[slab]):
        p = nonnegative(k)
        i = nonnegative(first[p])
        j = nonnegative(second[p])
        scaled = amount[p] * scale
        x = int(normal[p, 0] * scaled)
        y = int(normal[p, 1] * scaled)
        z = int(normal[p, 2] * scaled)
        sum_x[i] += x
        sum_y[i] += y
        sum_z[i] += z
        sum_x[j] -= x
        sum_y[j] -= y
        sum_z[j] -= z


@kernel(tasks=True)
def sum_shares(t, colour, first, second, start, count, shares, scale, total):
    """Add ``shares[p, 0]`` to the first row of every contact of a slab, and ``shares[p, 1]`` to the second."""
    slab = 2 * t + colour
    for k in range(start[slab], start[slab] + count[slab]):
        p = nonnegative(k)
        total[nonnegative(first[p])] += int(shares[p, 0] * scale)
        total[nonnegative(second[p])] += int(shares[p, 1] * scale)


@kernel(cost=20.0, signature="i4[:], i4[:], real[:,:], real[:], real, i8[:], i8[:], i8[:]")
def sum_vector(p, first, second, normal, amount, scale, sum_x, sum_y, sum_z):
    """`sum_vectors` for a GPU: one contact, atomic sums."""
    scaled = amount[p] * scale
    x = int(normal[p, 0] * scaled)
    y = int(normal[p, 1] * scaled)
    z = int(normal[p, 2] * scaled)
    atomic_add(sum_x, first[p], x)
    atomic_add(sum_y, first[p], y)
    atomic_add(sum_z, first[p], z)
    atomic_add(sum_x, second[p], -x)
    atomic_add(sum_y, second[p], -y)
    atomic_add(sum_z, second[p], -z)


@kernel(cost=10.0, signature="i4[:], i4[:], real[:,:], real, i8[:]")
def sum_share(p, first, second, shares, scale, total):
    """`sum_shares` for a GPU: one contact, atomic sums."""
    atomic_add(total, first[p], int(shares[p, 0] * scale))
    atomic_add(total, second[p], int(shares[p, 1] * scale))


class ContactSums:
    """Workspace of sums on each row: a vector, and a scalar.

    Attributes
    ----------
    vector
        ``(3, n)`` int64; a kernel that uses up the sums sets them to 0.
    scalar
        ``(n,)`` int64.
    """

    __slots__ = ("_on", "scalar", "vector")

    def __init__(self, on: Device) -> None:
        self._on = on
        self.vector, self.scalar = on.zeros((3, 0), np.int64), on.zeros(0, np.int64)

    def fit(self, n: int) -> None:
        """Make room for `n` rows, all sums 0."""
        if len(self.scalar) != n:
            self.vector, self.scalar = self._on.zeros((3, n), np.int64), self._on.zeros(n, np.int64)

    def add_vectors(self, pairs: Pairs, normal: Array, amount: Array, scale: float) -> None:
        """Sum ``scale * amount * normal`` on the first row of every pair, and its negative on the second."""
        self._launch(sum_vectors, sum_vector, pairs, normal, amount, scale, *self.vector)

    def add_shares(self, pairs: Pairs, shares: Array, scale: float) -> None:
        """Sum ``scale * shares`` ``(>= total, 2)`` on both rows of every pair."""
        self._launch(sum_shares, sum_share, pairs, shares, scale, self.scalar)

    def _launch(self, by_slab: Any, by_pair: Any, pairs: Pairs, *arguments: Any) -> None:
        if self._on.kind == "cuda":
            by_pair(Rows(pairs.total, self._on), pairs.first, pairs.second, *arguments)
            return
        for colour, slabs in enumerate(pairs.colours()):
            lists = pairs.first, pairs.second, pairs.start, pairs.count
            by_slab(Rows(slabs, self._on), colour, *lists, *arguments)


def power_of_two(bound: float, on: Device) -> float:
    """The largest power of two <= `bound`, as far as the working real can hold it: scaling by it rounds nothing."""
    most = 1000 if on.real == np.float64 else 100
    return 2.0 ** max(-most, min(most, math.frexp(bound)[1] - 1))
