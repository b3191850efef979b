"""Motion: velocity Verlet in a periodic box."""

from __future__ import annotations

import numpy as np

from sensorium.components.particle import Particle
from sensorium.engine.component import Field
from sensorium.engine.grid import Box
from sensorium.engine.kernel import device, kernel
from sensorium.engine.math import floor
from sensorium.engine.reduce import Sum
from sensorium.engine.system import System

__all__ = ["Motion"]


@device
def kick(i, velocity, force, mass, dt):
    """v += F dt / m; returns the work done, F . (v + F dt / 2m) dt, which is the change of m v^2 / 2."""
    gain = dt / mass[i]
    work = 0.0
    for k in range(3):
        f = force[i, k]
        v = velocity[i, k]
        velocity[i, k] = v + f * gain
        work += f * dt * (v + 0.5 * f * gain)
    return work


kick_all = Sum(kick)


@kernel
def drift(i, position, velocity, image, edge_x, edge_y, edge_z, inverse_x, inverse_y, inverse_z, dt):
    """x += v dt, wrapped into [0, L); crossings are counted. An edge of 0 with inverse 0 is open."""
    for k in range(3):
        edge = edge_x if k == 0 else edge_y if k == 1 else edge_z
        inverse = inverse_x if k == 0 else inverse_y if k == 1 else inverse_z
        x = position[i, k] + velocity[i, k] * dt
        crossed = floor(x * inverse)
        x -= crossed * edge
        # rounding can leave a position that was just below 0 exactly on the far edge, or one ulp outside
        position[i, k] = 0.0 if inverse > 0.0 and (x >= edge or x < 0.0) else x
        image[i, k] += np.int32(crossed)  # 32 bits: to 64 there is no vector instruction below AVX-512


class Motion(System):
    """Velocity Verlet: half a kick with the forces at hand, a drift, new forces, half a kick.

    Second order, symplectic and time reversible. Positions are wrapped into the box, if the world has one, and
    ``image`` counts the crossings: the unwrapped position is ``position + image * edges``. The work done by the
    kicks is booked to the channel ``integrator`` of the ledger.
    """

    reads = (Particle.force, Particle.mass)
    writes = (Particle.position, Particle.velocity, Particle.image)
    phase = ("kick", "drift")

    @classmethod
    def access(cls, phase: str) -> tuple[tuple[Field, ...], tuple[Field, ...], tuple[Field, ...]]:
        """Kicks change velocities, drifts positions: what is known of the places outlives a kick."""
        if phase == "kick":
            return cls.reads, (Particle.velocity,), ()
        return (Particle.velocity,), (Particle.position, Particle.image), ()

    def kick(self, dt: float) -> None:
        """v += F dt / m."""
        for population, particle in self.query(Particle):
            work = kick_all(population, particle.velocity, particle.force, particle.mass, dt)
            self.world.ledger.book("integrator", work)

    def drift(self, dt: float) -> None:
        """x += v dt."""
        edges = self.world.resource(Box).edges if self.world.has(Box) else (0.0, 0.0, 0.0)
        inverses = [1.0 / edge if edge else 0.0 for edge in edges]
        for population, particle in self.query(Particle):
            drift(population, particle.position, particle.velocity, particle.image, *edges, *inverses, dt)
