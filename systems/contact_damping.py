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

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import kernel, real
from sensorium.engine.primitives import nonnegative
from sensorium.systems.contact_bodies import Bodies
from sensorium.systems.contact_hertz import HertzContacts
from sensorium.systems.contact_sums import SUM_BITS, ContactSums, power_of_two

__all__ = ["ContactDamping"]

STRONGEST = 0.2  # of c h in one update
CORRECTION = 0.5  # of a speed, at most, by the other contacts


@kernel(cost=20.0)
def predict(p, first, second, normal, reduced, rate, velocity, dt, speed, impulse):
    """Normal relative velocity of a contact, and the impulse that it would have alone."""
    i = nonnegative(first[p])
    j = nonnegative(second[p])
    approach = (
        normal[p, 0] * (velocity[i, 0] - velocity[j, 0])
        + normal[p, 1] * (velocity[i, 1] - velocity[j, 1])
        + normal[p, 2] * (velocity[i, 2] - velocity[j, 2])
    )
    strength = rate[p] * dt
    speed[p] = approach
    impulse[p] = -reduced[p] * strength / (1.0 + 0.5 * strength) * approach


@kernel(cost=30.0)
def correct(p, first, second, normal, reduced, rate, mass, dt, speed, sum_x, sum_y, sum_z, unscale,
            impulse, shares):  # fmt: skip
    """What the other contacts of both rows add to the impulse; for each row half the heat, and J^2 / 2m."""
    i = nonnegative(first[p])
    j = nonnegative(second[p])
    gain_i = 1.0 / mass[i]
    gain_j = 1.0 / mass[j]
    strength = rate[p] * dt
    kappa = strength / (1.0 + 0.5 * strength)
    approach = speed[p]
    by_others = kappa * approach + unscale * (
        normal[p, 0] * (real(sum_x[i]) * gain_i - real(sum_x[j]) * gain_j)
        + normal[p, 1] * (real(sum_y[i]) * gain_i - real(sum_y[j]) * gain_j)
        + normal[p, 2] * (real(sum_z[i]) * gain_i - real(sum_z[j]) * gain_j)
    )
    limit = CORRECTION * abs(approach)
    push = -reduced[p] * kappa * (approach + min(max(0.5 * by_others, -limit), limit))
    heat = -push * (approach + 0.5 * push / reduced[p])
    impulse[p] = push - impulse[p]
    shares[p, 0] = 0.5 * (heat + push * push * gain_i)
    shares[p, 1] = 0.5 * (heat + push * push * gain_j)


@kernel(cost=6.0)
def apply(i, velocity, heat, mass, sum_x, sum_y, sum_z, sum_heat, unscale, heat_unscale):
    """v += J / m; heat takes its sum less |J|^2 / 2m; all sums are cleared."""
    x = real(sum_x[i]) * unscale
    y = real(sum_y[i]) * unscale
    z = real(sum_z[i]) * unscale
    gain = 1.0 / mass[i]
    velocity[i, 0] += x * gain
    velocity[i, 1] += y * gain
    velocity[i, 2] += z * gain
    made = real(sum_heat[i]) * heat_unscale - 0.5 * (x * x + y * y + z * z) * gain
    heat[i] = max(heat[i] + made, 0.0)  # rounding must not take a cold body below 0
    sum_x[i] = 0
    sum_y[i] = 0
    sum_z[i] = 0
    sum_heat[i] = 0


class ContactDamping:
    """Applies damping impulses of a set of contacts to velocities and heats.

    Parameters
    ----------
    on
        Where everything lives.
    """

    def __init__(self, on: Device) -> None:
        self.device = on
        self._sums = ContactSums(on)
        self._allot(0)

    def _allot(self, room: int) -> None:
        self._speed, self._impulse = self.device.empty(room), self.device.empty(room)
        self._shares = self.device.empty((2, room)).T

    def apply(self, contacts: HertzContacts, bodies: Bodies, dt: float) -> None:
        """Damp for `dt`, in as many equal parts as the strongest contact asks for.

        Parameters
        ----------
        contacts
            Evaluated at the present positions.
        bodies
            Velocity, heat and mass of the rows; velocity and heat change.
        dt
            Duration.
        """
        pairs = contacts.pairs
        if not pairs.total:
            return
        highest = float(contacts.rate[: pairs.total].max())
        if not highest:
            return
        if len(self._speed) < pairs.total:
            self._allot(len(pairs.first))
        self._sums.fit(bodies.n)
        parts = max(1, math.ceil(highest * dt / STRONGEST))
        # no impulse of a part is larger than this times the speed of its contact
        heaviest = float(contacts.reduced[: pairs.total].max()) * highest * dt / parts
        for _ in range(parts):
            self._part(contacts, bodies, heaviest, dt / parts)

    def _part(self, contacts: HertzContacts, bodies: Bodies, heaviest: float, dt: float) -> None:
        pairs, on, sums = contacts.pairs, self.device, self._sums
        velocity, heat, mass = bodies.columns("velocity", "heat", "mass")
        rows, every = (pairs.first, pairs.second), Rows(pairs.total, on)
        law = contacts.normal, contacts.reduced, contacts.rate
        predict(every, *rows, *law, velocity, dt, self._speed, self._impulse)
        speed = self._speed[: pairs.total]
        fastest = max(float(speed.max()), -float(speed.min()))
        if not fastest:
            return
        strongest = (1 + CORRECTION) * heaviest * fastest
        scale = power_of_two(2.0**SUM_BITS / strongest, on)
        heat_scale = power_of_two(2.0**SUM_BITS / (strongest * fastest), on)
        sums.add_vectors(pairs, contacts.normal, self._impulse, scale)
        correct(every, *rows, *law, mass, dt, self._speed, *sums.vector, 1 / scale, self._impulse, self._shares)
        sums.add_vectors(pairs, contacts.normal, self._impulse, scale)
        sums.add_shares(pairs, self._shares, heat_scale)
        apply(bodies.rows, velocity, heat, mass, *sums.vector, sums.scalar, 1 / scale, 1 / heat_scale)
