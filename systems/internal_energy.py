"""Internal energy U = Q + E_osc of particles, which temperature and pressure derive from (paper, equations 2 and 3)."""

from __future__ import annotations

from typing import Any

from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.engine.companion import Companion
from sensorium.engine.kernel import kernel
from sensorium.engine.system import System

__all__ = ["InternalEnergies"]


@kernel
def add_up(i, internal, heat, energy):
    """U = Q + E_osc."""
    internal[i, 0] = heat[i] + energy[i]


class InternalEnergies:
    """The internal energy of every row, with the arrays to hold it."""

    def __init__(self) -> None:
        self._sums: dict[str, Companion] = {}

    def columns(self, system: System) -> list[Any]:
        """``(n,)`` for each population of particles that has rows, in the order of ``system.query(Particle)``.

        The heat itself where particles are no oscillators; do not write to it. The system must declare that it reads
        ``Particle.heat`` and ``Oscillator.energy``.
        """
        oscillators = {population.name: view for population, _, view in system.query(Particle, Oscillator)}
        found = []
        for population, particle in system.query(Particle):
            if population.n and population.name in oscillators:
                sums = self._sums.setdefault(population.name, Companion(population, 1)).fresh()
                add_up(population, sums, particle.heat, oscillators[population.name].energy)
                found.append(sums[: population.n, 0])
            elif population.n:
                found.append(particle.heat)
        return found
