"""Energy ledger: measures what particles and oscillators hold, at the end of each step."""

from __future__ import annotations

from sensorium.components.energies import sum_kinetic, sum_momentum, sum_of
from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.engine.system import System
from sensorium.engine.world import Constants

__all__ = ["EnergyLedger"]


class EnergyLedger(System):
    """Stores of the particle layer, and the mechanical series that everyone plots.

    Kinetic energy m v^2 / 2, heat Q and oscillator energy E_osc (paper, equations 1 and 2). Other stores are
    measured by the systems that know them. Loaded scenarios always have this system.
    """

    reads = (Particle.velocity, Particle.mass, Particle.heat, Oscillator.energy)
    phase = "end"

    def step(self, dt: float) -> None:
        """Nothing moves: the stores are measured after the last phase."""

    def stores(self) -> dict[str, float]:
        """``kinetic``, ``heat`` and ``oscillator``, of all populations together."""
        found = {}
        if particles := self.query(Particle):
            found["kinetic"] = sum(sum_kinetic(p, view.velocity, view.mass) for p, view in particles)
            found["heat"] = sum(sum_of(p, view.heat) for p, view in particles)
        if oscillators := self.query(Oscillator):
            found["oscillator"] = sum(sum_of(p, view.energy) for p, view in oscillators)
        return found

    def observe(self) -> dict[str, float]:
        """``momentum/{x,y,z}`` and ``temperature/mean``, the mean of (Q + E_osc) / c_v per mass."""
        particles = self.query(Particle)
        if not particles:
            return {}
        found = {
            f"momentum/{name}": sum(sum_momentum(p, view.velocity, view.mass, axis) for p, view in particles)
            for axis, name in enumerate("xyz")
        }
        mass = sum(sum_of(p, view.mass) for p, view in particles)
        if mass:
            internal = sum(sum_of(p, view.heat) for p, view in particles)
            internal += sum(sum_of(p, view.energy) for p, _, view in self.query(Particle, Oscillator))
            found["temperature/mean"] = internal / (mass * self.world.resource(Constants).specific_heat)
        return found
