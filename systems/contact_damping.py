"""Damping of touching pairs: a momentum-conserving update of velocities whose lost energy is known pair by pair.

At fixed positions the damping forces F_p = -m*_p c_p v_p (v_p: normal relative velocity of pair p) are linear in the
velocities and couple all pairs that share a body. An update by h takes, with all pairs at once,

    J_p = -m*_p kappa_p (v_p + w_p / 2),    kappa_p = c_p h / (1 + c_p h / 2),

where w_p is what the other contacts of the two bodies do to v_p, found by a first pass with w = 0. For a lone pair this
is the implicit midpoint rule; for any network of contacts it is of second order in h. Impulses are equal and opposite.

Energy, exactly: the impulses take sum_p (-J_p v_p) - sum_i |J_i|^2 / (2 m_i) from the motion, J_i being the vector sum
on body i. The part that a pair dissipates by itself, -J_p v_p - J_p^2 / (2 m*_p) >= 0, goes half to each of its bodies;
what is left, (|J_i|^2 - sum_p J_p^2) / (2 m_i), is the interference of several contacts on one body, of order h^2, and
is taken from that body. With |w_p / 2| <= |v_p| / 2 and c h <= 0.2, kept by sub-steps, no body loses heat.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import device, kernel, real
from sensorium.engine.math import rint
from sensorium.engine.primitives import atomic_add, for_each, nonnegative
from sensorium.engine.reduce import Maximum
from sensorium.systems.contact_bodies import Bodies
from sensorium.systems.contact_hertz import BATCH, HertzContacts
from sensorium.systems.contact_sums import SUM_BITS, add_opposite, atomic_opposite, power_of_two

__all__ = ["ContactDamping"]

Array = npt.NDArray[Any]

STRONGEST = 0.2  # of c h in one update
CORRECTION = 0.5  # of a speed, at most, by the other contacts
COST = 5.0  # ns of a contact in one pass


@device
def whole(x):
    """The integer nearest to x: cutting off would take a little from every impulse, and book it as heat."""
    return int(rint(x))


@device
def approach(p, i, j, law_of, velocity):
    """Normal relative velocity of contact p."""
    return (
        law_of[p, 0] * (velocity[i, 0] - velocity[j, 0])
        + law_of[p, 1] * (velocity[i, 1] - velocity[j, 1])
        + law_of[p, 2] * (velocity[i, 2] - velocity[j, 2])
    )


@device
def lone(p, law_of, speed, dt):
    """The impulse that contact p would have alone."""
    strength = law_of[p, 4] * dt
    return -law_of[p, 3] * strength / (1.0 + 0.5 * strength) * speed[p]


@device
def squared_speed(i, velocity):
    """|v|^2."""
    return velocity[i, 0] * velocity[i, 0] + velocity[i, 1] * velocity[i, 1] + velocity[i, 2] * velocity[i, 2]


largest_squared_speed = Maximum(squared_speed)


@device
def damped(p, i, j, law_of, speed, mass, dt, alone, unscale):
    """The impulse of contact p among others, and the heat that it makes in either row, J^2 / 2m included."""
    gain_i = 1.0 / mass[i]
    gain_j = 1.0 / mass[j]
    reduced = law_of[p, 3]
    strength = law_of[p, 4] * dt
    kappa = strength / (1.0 + 0.5 * strength)
    by_others = kappa * speed[p] + unscale * (
        law_of[p, 0] * (real(alone[i, 0]) * gain_i - real(alone[j, 0]) * gain_j)
        + law_of[p, 1] * (real(alone[i, 1]) * gain_i - real(alone[j, 1]) * gain_j)
        + law_of[p, 2] * (real(alone[i, 2]) * gain_i - real(alone[j, 2]) * gain_j)
    )
    limit = CORRECTION * abs(speed[p])
    change = -kappa * (speed[p] + min(max(0.5 * by_others, -limit), limit))  # of the speed
    push = reduced * change
    heat = -push * (speed[p] + 0.5 * change)
    return push, 0.5 * (heat + push * push * gain_i), 0.5 * (heat + push * push * gain_j)


@device
def push(p, law_of, dt, scale, shift, speed, terms):
    """First pass: the impulse that contact p would have alone, in whole units."""
    impulse = lone(p, law_of, speed, dt) * scale
    q = nonnegative(p - shift)
    for axis in range(3):
        terms[q, axis] = whole(law_of[p, axis] * impulse)


@device
def damp(p, first, second, law_of, mass, dt, scale, shift, speed, terms, alone, unscale, heat_scale):
    """Second pass: the impulse of contact p among others, and the two heats, in whole units."""
    impulse, heat_i, heat_j = damped(
        p, nonnegative(first[p]), nonnegative(second[p]), law_of, speed, mass, dt, alone, unscale
    )
    q = nonnegative(p - shift)
    for axis in range(3):
        terms[q, axis] = whole(law_of[p, axis] * (impulse * scale))
    terms[q, 3], terms[q, 4] = whole(heat_i * heat_scale), whole(heat_j * heat_scale)


@kernel(tasks=True)
def push_slab(t, colour, stride, first, second, start, count, law_of, velocity, dt, scale, speed, terms, alone):
    """First pass over a slab: sum the impulses that its contacts would have alone."""
    slab = nonnegative(stride * t + colour)
    end = start[slab] + count[slab]
    for base in range(start[slab], end, BATCH):
        last = min(base + BATCH, end)
        shift = base - start[slab]
        for k in range(base, last):
            p = nonnegative(k)
            speed[p] = approach(p, nonnegative(first[p]), nonnegative(second[p]), law_of, velocity)
        for_each(push, base, last, (law_of, dt, scale, shift, speed, terms))
        for k in range(base, last):
            p = nonnegative(k)
            q = nonnegative(k - shift)
            add_opposite(first[p], second[p], terms[q, 0], terms[q, 1], terms[q, 2], alone)


@kernel(tasks=True)
def damp_slab(t, colour, stride, first, second, start, count, law_of, mass, dt, scale, speed, terms, alone, unscale,
              heat_scale, sums, made):  # fmt: skip
    """Second pass over a slab: sum impulses and heats."""
    slab = nonnegative(stride * t + colour)
    end = start[slab] + count[slab]
    for base in range(start[slab], end, BATCH):
        last = min(base + BATCH, end)
        shift = base - start[slab]
        contacts = first, second, law_of, mass
        for_each(damp, base, last, (*contacts, dt, scale, shift, speed, terms, alone, unscale, heat_scale))
        for k in range(base, last):
            p = nonnegative(k)
            q = nonnegative(k - shift)
            add_opposite(first[p], second[p], terms[q, 0], terms[q, 1], terms[q, 2], sums)
            made[nonnegative(first[p])] += terms[q, 3]
            made[nonnegative(second[p])] += terms[q, 4]


@kernel(cost=20.0, signature="i4[:], i4[:], real[:,:], real[:,:], real, real, real[:], i8[:], i8[:], i8[:]")
def push_pair(p, first, second, law_of, velocity, dt, scale, speed, alone_x, alone_y, alone_z):
    """`push_slab` for a GPU: one pair, atomic sums."""
    if law_of[p, 4] > 0.0:
        i = nonnegative(first[p])
        j = nonnegative(second[p])
        speed[p] = approach(p, i, j, law_of, velocity)
        impulse = lone(p, law_of, speed, dt) * scale
        x = whole(law_of[p, 0] * impulse)
        y = whole(law_of[p, 1] * impulse)
        z = whole(law_of[p, 2] * impulse)
        atomic_opposite(i, j, x, y, z, alone_x, alone_y, alone_z)


@kernel(
    cost=30.0,
    signature="i4[:], i4[:], real[:,:], real[:], real[:], real, i8[:,:], real, real, real, i8[:], i8[:], i8[:], i8[:]",
)
def damp_pair(p, first, second, law_of, speed, mass, dt, alone, unscale, scale, heat_scale,
              sum_x, sum_y, sum_z, made):  # fmt: skip
    """`damp_slab` for a GPU: one pair, atomic sums."""
    i = nonnegative(first[p])
    j = nonnegative(second[p])
    if law_of[p, 4] > 0.0:
        impulse, heat_i, heat_j = damped(p, i, j, law_of, speed, mass, dt, alone, unscale)
        x = whole(law_of[p, 0] * (impulse * scale))
        y = whole(law_of[p, 1] * (impulse * scale))
        z = whole(law_of[p, 2] * (impulse * scale))
        atomic_opposite(i, j, x, y, z, sum_x, sum_y, sum_z)
        atomic_add(made, i, whole(heat_i * heat_scale))
        atomic_add(made, j, whole(heat_j * heat_scale))


@kernel(cost=6.0)
def apply(i, velocity, heat, mass, alone, sums, made, unscale, heat_unscale):
    """v += J / m; heat takes its sum less |J|^2 / 2m; all sums are cleared."""
    x = real(sums[i, 0]) * unscale
    y = real(sums[i, 1]) * unscale
    z = real(sums[i, 2]) * unscale
    gain = 1.0 / mass[i]
    velocity[i, 0] += x * gain
    velocity[i, 1] += y * gain
    velocity[i, 2] += z * gain
    kept = real(made[i]) * heat_unscale - 0.5 * (x * x + y * y + z * z) * gain
    heat[i] = max(heat[i] + kept, 0.0)  # rounding must not take a cold body below 0
    for axis in range(3):
        alone[i, axis] = sums[i, axis] = 0
    made[i] = 0


class ContactDamping:
    """Applies damping impulses of a set of contacts to velocities and heats.

    Parameters
    ----------
    on
        Where everything lives.
    """

    def __init__(self, on: Device) -> None:
        self.device, self._speed = on, on.empty(0)
        self._alone, self._made = on.zeros((3, 0), np.int64).T, on.zeros(0, np.int64)

    def apply(self, hertz: HertzContacts, bodies: Bodies, dt: float) -> None:
        """Damp for `dt`, in as many equal parts as the strongest contact asks for.

        Parameters
        ----------
        hertz
            Contacts at the present positions; its sums, which are 0 by now, and its scratch are used.
        bodies
            Velocity, heat and mass of the rows; velocity and heat change.
        dt
            Duration.
        """
        if not hertz.contacts.total:
            return
        on, room = self.device, len(hertz.contacts.first)
        if len(self._speed) < room:
            self._speed = on.empty(room)
        if len(self._made) != bodies.n:
            self._alone, self._made = on.zeros((3, bodies.n), np.int64).T, on.zeros(bodies.n, np.int64)
        parts = max(1, math.ceil(hertz.highest_rate * dt / STRONGEST))
        for _ in range(parts):
            # no two rows approach faster, and no impulse of a part is larger
            fastest = 2 * math.sqrt(largest_squared_speed(bodies.rows, bodies.column("velocity")))
            strongest = (1 + CORRECTION) * hertz.heaviest * hertz.highest_rate * dt / parts * fastest
            if not strongest:
                return
            self._part(hertz, bodies, dt / parts, strongest, fastest)

    def _part(self, hertz: HertzContacts, bodies: Bodies, dt: float, strongest: float, fastest: float) -> None:
        law_of, speed, alone, made = hertz.law_of, self._speed, self._alone, self._made
        velocity, heat, mass = bodies.columns("velocity", "heat", "mass")
        scale = power_of_two(2.0**SUM_BITS / strongest, self.device)
        heat_scale = power_of_two(2.0**SUM_BITS / (strongest * fastest), self.device)
        if self.device.kind == "cuda":
            contacts = hertz.contacts
            pairs, rows = (contacts.first, contacts.second), Rows(contacts.total, self.device)
            push_pair(rows, *pairs, law_of, velocity, dt, scale, speed, *alone.T)
            damp_pair(rows, *pairs, law_of, speed, mass, dt, alone, 1 / scale, scale, heat_scale, *hertz.sums.T, made)
        else:
            work = dt, scale, speed, hertz.terms, alone
            self._launch(push_slab, hertz, law_of, velocity, *work)
            self._launch(damp_slab, hertz, law_of, mass, *work, 1 / scale, heat_scale, hertz.sums, made)
        apply(bodies.rows, velocity, heat, mass, alone, hertz.sums, made, 1 / scale, 1 / heat_scale)

    def _launch(self, by_slab: Any, hertz: HertzContacts, *arguments: Any) -> None:
        contacts = hertz.contacts
        lists = contacts.first, contacts.second, contacts.start, contacts.count
        for rows, colour, stride in contacts.colours(COST):
            by_slab(rows, colour, stride, *lists, *arguments)
