"""Hard-sphere impacts: touching bodies that approach exchange momentum at once, with a coefficient of restitution.

J = (1 + e) m* v_n along the line of centres; the motion loses m* v_n^2 (1 - e^2) / 2, half of it to each heat. Impacts
are carried out one after the other, in the order of the ids of their bodies, so that a body in several contacts meets
them in an order that depends neither on rows nor on lists.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import kernel
from sensorium.engine.math import sqrt
from sensorium.engine.neighbor_search import nearest_image
from sensorium.engine.pairs import Pairs
from sensorium.engine.primitives import nonnegative
from sensorium.systems.contact_bodies import Bodies

__all__ = ["exchange_impulses"]

Array = npt.NDArray[Any]


@kernel(tasks=True)
def exchange(t, first, second, pairs, position, velocity, mass, heat, restitution,
             edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):  # fmt: skip
    """All impacts in the order given; one task, since each sees the velocities that those before have left."""
    for k in range(pairs):
        i = nonnegative(first[nonnegative(k)])
        j = nonnegative(second[nonnegative(k)])
        x = nearest_image(position[i, 0] - position[j, 0], edge_x, inverse_x)
        y = nearest_image(position[i, 1] - position[j, 1], edge_y, inverse_y)
        z = nearest_image(position[i, 2] - position[j, 2], edge_z, inverse_z)
        distance = sqrt(x * x + y * y + z * z)
        if distance > 0.0:
            x /= distance
            y /= distance
            z /= distance
            speed = (
                x * (velocity[i, 0] - velocity[j, 0])
                + y * (velocity[i, 1] - velocity[j, 1])
                + z * (velocity[i, 2] - velocity[j, 2])
            )
            if speed < 0.0:
                reduced = mass[i] * mass[j] / (mass[i] + mass[j])
                impulse = -(1.0 + restitution) * reduced * speed
                gain_i = impulse / mass[i]
                gain_j = impulse / mass[j]
                velocity[i, 0] += x * gain_i
                velocity[i, 1] += y * gain_i
                velocity[i, 2] += z * gain_i
                velocity[j, 0] -= x * gain_j
                velocity[j, 1] -= y * gain_j
                velocity[j, 2] -= z * gain_j
                half = 0.25 * reduced * speed * speed * (1.0 - restitution * restitution)
                heat[i] += half
                heat[j] += half


def exchange_impulses(
    on: Device, pairs: Pairs, bodies: Bodies, restitution: float, geometry: tuple[float, ...]
) -> None:
    """Carry out the impacts of the touching `pairs`.

    Parameters
    ----------
    on
        Where everything lives.
    pairs
        Pairs whose distance is below the sum of their radii.
    bodies
        Position, velocity, mass and heat; velocity and heat change.
    restitution
        e in [0, 1].
    geometry
        Edges and inverse edges of the box.
    """
    if not pairs.total:
        return
    first, second = pairs.rows()
    ids = bodies.ids(np.stack([first, second]))
    low, high = np.minimum(*ids), np.maximum(*ids)
    order = np.lexsort((high, low))
    exchange(
        Rows(1, on), on.array(first[order]), on.array(second[order]), len(order),
        *bodies.columns("position", "velocity", "mass", "heat"), restitution, *geometry,
    )  # fmt: skip
