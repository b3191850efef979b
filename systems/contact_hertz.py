"""Hertzian contact: the elastic forces of all touching pairs in one pass, and what damping needs to know about them.

F = (4/3) E* sqrt(R*) delta^(3/2), energy (8/15) E* sqrt(R*) delta^(5/2), with overlap delta = r_i + r_j - d,
1/R* = 1/r_i + 1/r_j and the effective modulus E* (K. L. Johnson, Contact Mechanics, 1985, equations 4.22-4.24).

The pass goes over the pairs that may touch, slab by slab; forces go straight into integer sums on each row (see
:mod:`~sensorium.systems.contact_sums`) and energies into one of each slab. Nothing is kept of a pair unless there is
damping.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import device, kernel, real
from sensorium.engine.math import sqrt
from sensorium.engine.neighbor_search import separation
from sensorium.engine.pairs import Pairs
from sensorium.engine.primitives import atomic_add, bits_real, for_each, nonnegative, real_bits
from sensorium.systems.contact_bodies import Bodies
from sensorium.systems.contact_sums import SUM_BITS, add_opposite, atomic_opposite, power_of_two

__all__ = ["BATCH", "BY_COEFFICIENT", "BY_RESTITUTION", "NO_DAMPING", "HertzContacts", "contact_time", "damping_ratio"]

NO_DAMPING, BY_RESTITUTION, BY_COEFFICIENT = range(3)

ENERGY_BITS = 38  # of an energy at full overlap, in whole units; what is below a unit is summed apart
FRACTION = float(1 << 31)
COST = 5.0  # ns of a pair
BATCH = 512  # pairs whose contacts are evaluated together
LANES = 1024  # energy sums on a GPU, so that atomic additions seldom meet


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
def hertz(x, y, z, squared, reach, effective, reduced, stiffness, law, strength):
    """Contact of two bodies at (x, y, z) from each other: unit vector, force, elastic energy, damping rate.

    The rate c says F_d = -m* c v_n. Every operation gives the same bits when the bodies change places, but for the sign
    of the unit vector.
    """
    distance = sqrt(squared)
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


@device
def sift_contacts(begin, end, place, first, second, position, radius, touch_first, touch_second, law_of,
                  edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):  # fmt: skip
    """Write the touching pairs of [begin, end), and how far apart they are, from `place` on; returns where they end."""
    for k in range(begin, end):
        p = nonnegative(k)
        i = nonnegative(first[p])
        j = nonnegative(second[p])
        reach = radius[i] + radius[j]
        x, y, z, squared = separation(i, j, position, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z)
        # written in any case and kept if they touch: a branch would be mispredicted for every other contact
        at = nonnegative(place)
        touch_first[at], touch_second[at] = i, j
        law_of[at, 0], law_of[at, 1], law_of[at, 2] = x, y, z
        place += squared < reach * reach
    return place


@device
def contact(i, j, x, y, z, radius, mass, stiffness, law, strength, scale, unit):
    """The touching rows i and j, (x, y, z) apart: unit vector, reduced mass, damping rate, force, and energy.

    The force is in units of 1 / scale, the energy in whole units of 1 / unit and the rest, so that its sum has no order
    and loses nothing.
    """
    reach = radius[i] + radius[j]
    reduced = mass[i] * mass[j] / (mass[i] + mass[j])
    squared = x * x + y * y + z * z
    x, y, z, force, stored, rate = hertz(
        x, y, z, squared, reach, radius[i] * radius[j] / reach, reduced, stiffness, law, strength
    )
    whole = int(stored * unit)
    rest = int((stored * unit - real(whole)) * FRACTION)
    return x, y, z, reduced, rate, force * scale, whole, rest


@device
def press(p, first, second, radius, mass, stiffness, scale, unit, shift, law_of, terms):
    """Evaluate contact p without damping: ``terms[p - shift]`` is the force and the energy."""
    x, y, z, _, _, force, whole, rest = contact(
        nonnegative(first[p]), nonnegative(second[p]), law_of[p, 0], law_of[p, 1], law_of[p, 2],
        radius, mass, stiffness, NO_DAMPING, 0.0, scale, unit,
    )  # fmt: skip
    q = nonnegative(p - shift)
    terms[q, 0], terms[q, 1], terms[q, 2] = int(x * force), int(y * force), int(z * force)
    terms[q, 3], terms[q, 4] = whole, rest


@device
def press_damped(p, first, second, radius, mass, stiffness, law, strength, scale, unit, shift, law_of, terms):
    """`press`, and what damping needs to know of contact p."""
    x, y, z, reduced, rate, force, whole, rest = contact(
        nonnegative(first[p]), nonnegative(second[p]), law_of[p, 0], law_of[p, 1], law_of[p, 2],
        radius, mass, stiffness, law, strength, scale, unit,
    )  # fmt: skip
    q = nonnegative(p - shift)
    terms[q, 0], terms[q, 1], terms[q, 2] = int(x * force), int(y * force), int(z * force)
    terms[q, 3], terms[q, 4] = whole, rest
    law_of[p, 0], law_of[p, 1], law_of[p, 2], law_of[p, 3], law_of[p, 4] = x, y, z, reduced, rate


@kernel(tasks=True)
def press_slab(t, colour, stride, first, second, start, count, position, radius, mass, stiffness, law, strength, scale,
               unit, sums, energy, most, touch_first, touch_second, touch_count, terms, law_of,
               edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):  # fmt: skip
    """Sum the forces and energies of the contacts of a slab, some pairs at a time so that they stay in the cache.

    Which pairs touch is found without a branch, and contacts without gaps are evaluated in vector registers: a branch
    on the distance would be mispredicted for every other contact. With damping all contacts are kept.
    """
    slab = nonnegative(stride * t + colour)
    place = start[slab]
    end = start[slab] + count[slab]
    whole = rest = 0
    heaviest = highest = real_bits(0.0)  # the bits of floats >= 0 are ordered as the floats are
    for base in range(start[slab], end, BATCH):
        if law == NO_DAMPING:
            place = start[slab]
        begin = place
        place = sift_contacts(
            base, min(base + BATCH, end), place, first, second, position, radius, touch_first, touch_second, law_of,
            edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z,
        )  # fmt: skip
        shift = begin - start[slab]
        touching = touch_first, touch_second, radius, mass, stiffness
        if law == NO_DAMPING:
            for_each(press, begin, place, (*touching, scale, unit, shift, law_of, terms))
        else:
            for_each(press_damped, begin, place, (*touching, law, strength, scale, unit, shift, law_of, terms))
            for k in range(begin, place):
                p = nonnegative(k)
                heaviest = max(heaviest, real_bits(law_of[p, 3]))
                highest = max(highest, real_bits(law_of[p, 4]))
        for k in range(begin, place):
            q = nonnegative(k - shift)
            whole += terms[q, 3]
            rest += terms[q, 4]
        for k in range(begin, place):
            p = nonnegative(k)
            q = nonnegative(k - shift)
            add_opposite(touch_first[p], touch_second[p], terms[q, 0], terms[q, 1], terms[q, 2], sums)
    energy[2 * slab] = whole
    energy[2 * slab + 1] = rest
    if law != NO_DAMPING:
        touch_count[slab] = place - start[slab]
        most[slab, 0], most[slab, 1] = bits_real(heaviest), bits_real(highest)


@kernel(cost=20.0, signature="i4[:], i4[:], real[:,:], real[:], real[:], real, int, real, real, real, i8[:], i8[:],"
        " i8[:], i8[:], real[:,:], real, real, real, real, real, real")  # fmt: skip
def press_pair(p, first, second, position, radius, mass, stiffness, law, strength, scale, unit,
               sum_x, sum_y, sum_z, energy, law_of,
               edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z):  # fmt: skip
    """`press_slab` for a GPU: one pair, atomic sums; a pair that does not touch gets a damping rate of 0."""
    i = nonnegative(first[p])
    j = nonnegative(second[p])
    reach = radius[i] + radius[j]
    x, y, z, squared = separation(i, j, position, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z)
    if law != NO_DAMPING:
        law_of[p, 4] = 0.0
    if squared < reach * reach:
        x, y, z, reduced, rate, force, whole, rest = contact(
            i, j, x, y, z, radius, mass, stiffness, law, strength, scale, unit
        )
        atomic_opposite(i, j, int(x * force), int(y * force), int(z * force), sum_x, sum_y, sum_z)
        lane = p % LANES
        atomic_add(energy, 2 * lane, whole)
        atomic_add(energy, 2 * lane + 1, rest)
        if law != NO_DAMPING:
            law_of[p, 0], law_of[p, 1], law_of[p, 2], law_of[p, 3], law_of[p, 4] = x, y, z, reduced, rate


@kernel(cost=4.0)
def deliver(i, force, sums, unscale):
    """Add the integer sums to the force column, and clear them."""
    for k in range(3):
        force[i, k] += real(sums[i, k]) * unscale
        sums[i, k] = 0


class HertzContacts:
    """The contacts of spheres, evaluated at one set of positions: forces, energy, and what damping needs.

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
    energy
        Elastic energy of all contacts.
    heaviest, highest_rate
        Largest reduced mass and damping rate of the contacts, if there is damping.
    sums
        ``(n, 3)`` int64: forces on each row in units of a power of two, until they are delivered; 0 after that.
    contacts
        The touching pairs, if there is damping: each slab begins where it does in the list of pairs. On a GPU, all
        pairs; those that do not touch have a damping rate of 0.
    terms
        ``(>= places, 5)`` int64: scratch, of which each slab uses the first `BATCH` places that are its own.
    law_of
        ``(>= places, 5)``: unit vector from the second row to the first, reduced mass and damping rate of the contacts.
    """

    def __init__(self, on: Device, modulus: float, law: int, strength: float) -> None:
        self.device, self.contacts = on, Pairs(on)
        self.stiffness, self.law, self.strength = 4 / 3 * modulus, law, strength
        self.energy, self._scale = 0.0, 1.0
        self.heaviest = self.highest_rate = 0.0
        self.sums, self.terms = on.zeros((3, 0), np.int64).T, on.empty((5, 0), np.int64).T
        self.law_of = on.empty((5, 0)).T

    def evaluate(self, pairs: Pairs, bodies: Bodies, largest: float, geometry: tuple[float, ...]) -> None:
        """Evaluate the contacts among `pairs`.

        Parameters
        ----------
        pairs
            Every pair whose distance is below the sum of the radii is among them.
        bodies
            Position, radius and mass of the rows.
        largest
            Largest radius: it fixes the powers of two that forces and energies are multiples of.
        geometry
            Edges and inverse edges of the box.
        """
        on, self.energy = self.device, 0.0
        if len(self.sums) != bodies.n:
            self.sums = on.zeros((3, bodies.n), np.int64).T
        self.contacts.allot_like(pairs)
        if not pairs.total:
            return
        # the largest spheres at full overlap: more than any contact can have
        most = self.stiffness * math.sqrt(largest / 2) * (2 * largest) ** 1.5
        unit = power_of_two(2.0**ENERGY_BITS / (0.8 * largest * most), on)
        self._scale = power_of_two(2.0**SUM_BITS / most, on)
        energy = self._press(
            pairs,
            *bodies.columns("position", "radius", "mass"),
            self.stiffness, self.law, self.strength, self._scale, unit, geometry=geometry,
        )  # fmt: skip
        whole, rest = energy.reshape(-1, 2).sum(axis=0).tolist()
        self.energy = (whole + rest / FRACTION) / unit

    def _press(self, pairs: Pairs, *arguments: Any, geometry: tuple[float, ...]) -> Any:
        """Launch over all pairs; returns the energies of slabs or lanes."""
        on, contacts, room, damped = self.device, self.contacts, len(pairs.first), self.law != NO_DAMPING
        if len(self.law_of) < room:
            self.law_of = on.empty((5, room)).T
        if on.kind == "cuda":
            energy = on.zeros(2 * LANES, np.int64)
            rows = Rows(pairs.total, on)
            press_pair(rows, pairs.first, pairs.second, *arguments, *self.sums.T, energy, self.law_of, *geometry)
            self.contacts = pairs
            if damped:
                reduced, rate = on.xp.asarray(self.law_of)[: pairs.total, 3:].T
                self.highest_rate = float(rate.max())
                self.heaviest = float(on.xp.where(rate > 0, reduced, 0).max())
            return energy
        if len(self.terms) < room:
            self.terms = on.empty((5, room), np.int64).T
        energy, most = on.empty(2 * pairs.slabs, np.int64), on.empty((2, pairs.slabs)).T
        lists = pairs.first, pairs.second, pairs.start, pairs.count
        places = contacts.first, contacts.second, contacts.count
        for rows, colour, stride in pairs.colours(COST):
            press_slab(
                rows,
                colour,
                stride,
                *lists,
                *arguments,
                self.sums,
                energy,
                most,
                *places,
                self.terms,
                self.law_of,
                *geometry,
            )
        if damped:
            contacts.total = int(contacts.count.sum())
            self.heaviest, self.highest_rate = most.max(axis=0).tolist()
        return energy

    def add_forces(self, bodies: Bodies) -> None:
        """Add the forces last evaluated to the force column."""
        deliver(bodies.rows, bodies.column("force"), self.sums, 1 / self._scale)

    def drop_forces(self) -> None:
        """Forget the forces last evaluated."""
        self.sums[:] = 0
