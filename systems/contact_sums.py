"""Sums over contacts in 64-bit integers, in units of a power of two.

The sum of integers does not depend on their order: what a row gets from its contacts has the same bits whatever the age
of the neighbour lists, the order of the rows, the number of threads, or the device. A term is an odd function of the
direction of its pair, so that what one row gets the other loses, exactly.
"""

from __future__ import annotations

import math

import numpy as np

from sensorium.engine.device import Device
from sensorium.engine.kernel import device
from sensorium.engine.primitives import atomic_add, nonnegative

__all__ = ["SUM_BITS", "add_opposite", "atomic_opposite", "power_of_two"]

SUM_BITS = 52  # of the largest possible term; the rest of an int64 leaves room for 1024 such terms on one row


@device
def add_opposite(first, second, x, y, z, sums):
    """Add (x, y, z), whole numbers, to the sums of the first row, and take it from those of the second."""
    i = nonnegative(first)
    j = nonnegative(second)
    sums[i, 0] += x
    sums[i, 1] += y
    sums[i, 2] += z
    sums[j, 0] -= x
    sums[j, 1] -= y
    sums[j, 2] -= z


@device
def atomic_opposite(i, j, x, y, z, sum_x, sum_y, sum_z):
    """`add_opposite` for a GPU, whose atomic additions take flat columns."""
    atomic_add(sum_x, i, x)
    atomic_add(sum_y, i, y)
    atomic_add(sum_z, i, z)
    atomic_add(sum_x, j, -x)
    atomic_add(sum_y, j, -y)
    atomic_add(sum_z, j, -z)


def power_of_two(bound: float, on: Device) -> float:
    """The largest power of two <= `bound`, as far as the working real can hold it: scaling by it rounds nothing."""
    most = 1000 if on.real == np.float64 else 100
    return 2.0 ** max(-most, min(most, math.frexp(bound)[1] - 1))
