"""Drag: Stokes friction, its lost energy returned as heat."""

from __future__ import annotations

import math

from sensorium.components.energies import kinetic_energy
from sensorium.components.particle import Particle
from sensorium.components.regulation import Regulation
from sensorium.engine.kernel import kernel
from sensorium.engine.math import exp
from sensorium.engine.system import System, param

__all__ = ["Drag"]


@kernel
def damp(i, velocity, heat, mass, radius, friction, dt):
    """v <- v exp(-gamma dt / m), exact for any dt; the kinetic energy lost goes to heat."""
    keep = exp(-friction * radius[i] * dt / mass[i])
    x, y, z = velocity[i, 0], velocity[i, 1], velocity[i, 2]
    before = kinetic_energy(i, velocity, mass)
    velocity[i, 0] = x * keep
    velocity[i, 1] = y * keep
    velocity[i, 2] = z * keep
    heat[i] += before - kinetic_energy(i, velocity, mass)


class Drag(System):
    """Stokes drag, F = -gamma v with gamma = 6 pi eta r (paper, equation 7), solved exactly.

    A homeostatic ratio above 1 damps more, below 1 less: gamma_eff = gamma * ratio. Momentum goes to the medium,
    which is at rest; energy does not: what motion loses, heat gains.
    """

    reads = (Particle.mass, Particle.radius)
    writes = (Particle.velocity, Particle.heat)
    phase = "friction"

    viscosity: float = param(1.0, ge=0, unit="mass/(length time)", doc="dynamic viscosity eta of the medium")

    def step(self, dt: float) -> None:
        """Damp for `dt`."""
        ratio = self.world.resource(Regulation).ratio if self.world.has(Regulation) else 1.0
        friction = 6 * math.pi * self.viscosity * ratio
        for population, particle in self.query(Particle):
            damp(population, particle.velocity, particle.heat, particle.mass, particle.radius, friction, dt)
