"""What a contact can bear: the shortest impact that the speeds allow, and overlaps that are no contact any more."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.pairs import Pairs
from sensorium.systems.contact_hertz import contact_time

__all__ = ["fastest_approach", "overlaps", "shortest_unit_contact"]

Array = npt.NDArray[Any]

CLASSES = 8  # of mass and of radius per factor of two


def shortest_unit_contact(mass: Array, radius: Array, modulus: float) -> float:
    """A lower bound of the duration of any Hertz impact at speed 1; at speed v it lasts v^(-1/5) times that.

    Masses and radii are taken in classes of 9%, so that all pairs of classes can be tried, each by its smallest mass
    and largest radius; bodies that are equal, or of a few kinds, give the exact value.

    Parameters
    ----------
    mass, radius
        ``(n,)`` on the host; rows of radius 0 have no contacts, and one row at least must have some radius.
    modulus
        Effective modulus E*.
    """
    solid = radius > 0
    mass, radius = mass[solid].astype(np.float64), radius[solid].astype(np.float64)
    keys = np.floor(CLASSES * np.log2(np.stack([mass, radius]))).astype(np.int64)
    keys -= keys.min(axis=1, keepdims=True)
    _, label, members = np.unique(keys[0] * (keys[1].max() + 1) + keys[1], return_inverse=True, return_counts=True)
    lightest, largest = np.full(label.max() + 1, np.inf), np.zeros(label.max() + 1)
    np.minimum.at(lightest, label, mass)
    np.maximum.at(largest, label, radius)
    reduced = 1 / (1 / lightest[:, None] + 1 / lightest)
    effective = 1 / (1 / largest[:, None] + 1 / largest)
    quickness = reduced**2 / effective
    alone = np.flatnonzero(members == 1)
    quickness[alone, alone] = np.inf  # a body does not meet itself
    worst = np.unravel_index(quickness.argmin(), quickness.shape)
    if not np.isfinite(quickness[worst]):
        return math.inf
    return contact_time(float(reduced[worst]), float(effective[worst]), modulus, 1.0)


def fastest_approach(velocity: Array) -> tuple[float, int]:
    """A speed above which no two rows approach, and the fastest row.

    Twice the largest speed relative to the mean velocity; for two bodies alone, that is their relative speed.
    """
    relative = velocity - velocity.mean(axis=0, dtype=np.float64)
    squared = np.einsum("ij,ij->i", relative, relative)
    fastest = int(squared.argmax())
    return 2 * float(np.sqrt(squared[fastest])), fastest


def overlaps(pairs: Pairs, position: Array, radius: Array, edges: tuple[float, ...]) -> tuple[Array, Array]:
    """Rows ``(2, k)`` of the touching pairs, and their overlaps in units of the smaller radius, on the host."""
    rows = np.stack(pairs.rows())
    position, radius = pairs.device.host(position).astype(np.float64), pairs.device.host(radius).astype(np.float64)
    apart = position[rows[0]] - position[rows[1]]
    for axis, edge in enumerate(edges):
        if edge:
            apart[:, axis] -= edge * np.rint(apart[:, axis] / edge)
    sizes = radius[rows]
    depth = sizes.sum(axis=0) - np.linalg.norm(apart, axis=1)
    smaller = sizes.min(axis=0)
    return rows, np.divide(depth, smaller, out=np.zeros_like(depth), where=smaller > 0)
