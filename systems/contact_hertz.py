"""Hertzian contact: the elastic force of every touching pair, and what damping needs to know about it.

F = (4/3) E* sqrt(R*) delta^(3/2), energy (8/15) E* sqrt(R*) delta^(5/2), with overlap delta = r_i + r_j - d,
1/R* = 1/r_i + 1/r_j and the effective modulus E* (K. L. Johnson, Contact Mechanics, 1985, equations 4.22-4.24).

Forces on a row are summed in 64-bit integers, see :mod:`~sensorium.systems.contact_sums`.
"""

from __future__ import annotations

import math

import numpy as np

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import device, kernel, real
from sensorium.engine.math import sqrt
from sensorium.engine.neighbor_search import nearest_image
from sensorium.engine.pairs import Pairs
from sensorium.engine.primitives import nonnegative
from sensorium.systems.contact_bodies import Bodies
from sensorium.systems.contact_sums import SUM_BITS, ContactSums, power_of_two

__all__ = ["BY_COEFFICIENT", "BY_RESTITUTION", "NO_DAMPING", "HertzContacts", "contact_time", "damping_ratio"]

NO_DAMPING, BY_RESTITUTION, BY_COEFFICIENT = range(3)

ENERGY_BITS = 38  # of an energy at full overlap, in whole units; what is below a unit is summed apart
FRACTION = float(1 << 31)


def contact_time(mass: float, radius: float, modulus: float, speed: float) -> float:
    """Duration of an elastic Hertz impact, 2.868 (m*^2 / (R* E*^2 v))^(1/5); infinite at rest.

    Parameters
    ----------
    mass, radius
        Reduced mass m* = m_i m_j / (m_i + m_j) and radius R* = r_i r_j / (r_i + r_j).
    modulus
        E*.
    speed
        Relative speed before the impact.
    """
    stiff = radius * modulus**2 * speed
    return 2.868 * (mass**2 / stiff) ** 0.2 if stiff > 0 else math.inf


def damping_ratio(restitution: float) -> float:
    """The alpha of F_d = -alpha sqrt(m* k) delta^(1/4) v_n, k = (4/3) E* sqrt(R*), that gives a restitution.

    alpha = -sqrt(5) ln e / sqrt(ln^2 e + pi^2), exact and the same at every speed (Tsuji et al., Powder Technol. 71,
    239 (1992) for the force; Antypov and Elliott, EPL 94, 50004 (2011) for alpha). sqrt(5), critical, at e = 0.
    """
    if restitution == 0:
        return math.sqrt(5)
    logarithm = math.log(restitution)
    return -math.sqrt(5) * logarithm / math.hypot(logarithm, math.pi)


@device
def hertz(x, y, z, reach, effective, reduced, stiffness, law, strength):
    """Contact of two bodies at (x, y, z) from each other: unit vector, force, elastic energy, damping rate.

    The rate c says F_d = -m* c v_n. Every operation gives the same bits when the bodies change places, but for the sign
    of the unit vector.
    """
    distance = sqrt(x * x + y * y + z * z)
    # centres that coincide have no direction: no force, rather than one made of rounding
    inverse = 1.0 / distance if distance > 0.0 else 0.0
    overlap = max(reach - distance, 0.0)
    root = sqrt(effective * overlap)
    force = stiffness * root * overlap
    rate = 0.0
    if law == BY_RESTITUTION:  # alpha sqrt(k / m*) delta^(1/4)
        rate = strength * sqrt(stiffness * root / reduced)
    elif law == BY_COEFFICIENT:
        rate = strength * root
    return x * inverse, y * inverse, z * inverse, force, 0.4 * force * overlap, rate


@kernel(cost=20.0)
def press(p, first, second, position, radius, mass, stiffness, law, strength, unit, normal, force, reduced, rate,
          whole, rest, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):  # fmt: skip
    """Evaluate one contact."""
    i = nonnegative(first[p])
    j = nonnegative(second[p])
    reach = radius[i] + radius[j]
    effective_mass = mass[i] * mass[j] / (mass[i] + mass[j])
    x, y, z, push, stored, damping = hertz(
        nearest_image(position[i, 0] - position[j, 0], edge_x, inverse_x),
        nearest_image(position[i, 1] - position[j, 1], edge_y, inverse_y),
        nearest_image(position[i, 2] - position[j, 2], edge_z, inverse_z),
        reach, radius[i] * radius[j] / reach, effective_mass, stiffness, law, strength,
    )  # fmt: skip
    normal[p, 0] = x
    normal[p, 1] = y
    normal[p, 2] = z
    force[p] = push
    reduced[p] = effective_mass
    rate[p] = damping
    # the energy in two integers, so that the sum over contacts has no order and loses nothing
    units = int(stored * unit)
    whole[p] = units
    rest[p] = int((stored * unit - real(units)) * FRACTION)


@kernel(cost=4.0)
def deliver(i, force, sum_x, sum_y, sum_z, unscale):
    """Add the integer sums to the force column, and clear them."""
    force[i, 0] += real(sum_x[i]) * unscale
    force[i, 1] += real(sum_y[i]) * unscale
    force[i, 2] += real(sum_z[i]) * unscale
    sum_x[i] = 0
    sum_y[i] = 0
    sum_z[i] = 0


class HertzContacts:
    """Touching pairs with their forces, energies and damping rates, evaluated at one set of positions.

    Parameters
    ----------
    on
        Where everything lives.
    modulus
        Effective modulus E* [energy/volume].
    law, strength
        Damping: `NO_DAMPING`; `BY_RESTITUTION` and alpha; `BY_COEFFICIENT` and gamma.

    Attributes
    ----------
    pairs
        The pairs of the last evaluation.
    normal, reduced, rate
        Unit vectors ``(>= total, 3)`` from the second row to the first, reduced masses and damping rates of the pairs.
    energy
        Elastic energy of all contacts.
    """

    def __init__(self, on: Device, modulus: float, law: int, strength: float) -> None:
        self.device, self.pairs = on, Pairs(on)
        self.stiffness, self.law, self.strength = 4 / 3 * modulus, law, strength
        self.energy, self._scale = 0.0, 1.0
        self._sums = ContactSums(on)
        self._allot(0)

    def _allot(self, room: int) -> None:
        on = self.device
        self.normal = on.empty((3, room)).T
        self.reduced, self.rate, self._force = on.empty(room), on.empty(room), on.empty(room)
        self._energy = on.empty((2, room), np.int64)

    def evaluate(self, pairs: Pairs, bodies: Bodies, largest: float, geometry: tuple[float, ...]) -> None:
        """Evaluate the touching `pairs`.

        Parameters
        ----------
        pairs
            Pairs whose distance is below the sum of their radii, without gaps.
        bodies
            Position, radius and mass of the rows.
        largest
            Largest radius: it fixes the powers of two that forces and energies are multiples of.
        geometry
            Edges and inverse edges of the box.
        """
        on, self.pairs, self.energy = self.device, pairs, 0.0
        if not pairs.total:
            return
        if len(self.rate) < pairs.total:
            self._allot(len(pairs.first))
        # the largest spheres at full overlap: more than any contact can have
        most = self.stiffness * math.sqrt(largest / 2) * (2 * largest) ** 1.5
        unit = power_of_two(2.0**ENERGY_BITS / (0.8 * largest * most), on)
        press(
            Rows(pairs.total, on), pairs.first, pairs.second, *bodies.columns("position", "radius", "mass"),
            self.stiffness, self.law, self.strength, unit,
            self.normal, self._force, self.reduced, self.rate, *self._energy, *geometry,
        )  # fmt: skip
        whole, rest = (int(part) for part in self._energy[:, : pairs.total].sum(axis=1))
        self.energy = (whole + rest / FRACTION) / unit
        self._scale = power_of_two(2.0**SUM_BITS / most, on)

    def add_forces(self, bodies: Bodies) -> None:
        """Add the forces of the contacts last evaluated to the force column."""
        if self.pairs.total:
            self._sums.fit(bodies.n)
            self._sums.add_vectors(self.pairs, self.normal, self._force, self._scale)
            deliver(bodies.rows, bodies.column("force"), *self._sums.vector, 1 / self._scale)
