"""Homeostasis: one ratio that says whether the world is hotter than it used to be."""

from __future__ import annotations

import math

from sensorium.components.energies import sum_kinetic, sum_of
from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.components.regulation import Regulation
from sensorium.engine.system import System, param
from sensorium.engine.world import World

__all__ = ["Homeostasis"]


class Homeostasis(System):
    """ratio = log(1 + E) / (log(1 + B) + epsilon), B a moving average of E (paper, equations 5 and 6).

    E is the tracked energy of equation 4: kinetic, heat and oscillator energy of all particles. The baseline B
    starts at the first E and follows with alpha = dt / (tau + dt); the ratio uses B as it was before the step.
    The result is the resource :class:`~sensorium.components.regulation.Regulation`, which drag obeys.
    """

    reads = (Particle.velocity, Particle.mass, Particle.heat, Oscillator.energy)
    phase = "begin"

    time_constant: float = param(1.0, gt=0, unit="time", doc="time constant tau of the baseline")
    epsilon: float = param(1e-8, gt=0, doc="keeps the ratio finite in a world without energy")

    def attach(self, world: World) -> None:
        """Bring the resource, so that a restore finds it."""
        super().attach(world)
        if not world.has(Regulation):
            world.insert(Regulation())

    def step(self, dt: float) -> None:
        """Compare, then follow."""
        energy = 0.0
        for population, particle in self.query(Particle):
            energy += sum_kinetic(population, particle.velocity, particle.mass)
            energy += sum_of(population, particle.heat)
        for population, oscillator in self.query(Oscillator):
            energy += sum_of(population, oscillator.energy)
        regulation = self.world.resource(Regulation)
        if regulation.baseline < 0:
            regulation.baseline = energy
        regulation.ratio = math.log1p(energy) / (math.log1p(regulation.baseline) + self.epsilon)
        regulation.baseline += dt / (self.time_constant + dt) * (energy - regulation.baseline)

    def observe(self) -> dict[str, float]:
        """``homeostasis/ratio`` and ``homeostasis/baseline``."""
        regulation = self.world.resource(Regulation)
        return {"homeostasis/ratio": regulation.ratio, "homeostasis/baseline": regulation.baseline}
