"""Planck exchange: heat and oscillator energy of each particle relax to equilibrium."""

from __future__ import annotations

import math

from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.engine.kernel import kernel
from sensorium.engine.math import expm1
from sensorium.engine.system import System, param
from sensorium.engine.world import Constants

__all__ = ["PlanckExchange"]


@kernel
def exchange(i, heat, energy, frequency, mass, radius, quantum, boltzmann, specific_heat, conductance, dt):
    """Move energy between heat and oscillator; their sum does not change."""
    held = heat[i] + energy[i]
    capacity = mass[i] * specific_heat
    thermal = boltzmann * held / capacity
    level = quantum * abs(frequency[i])
    equilibrium = 0.0
    if thermal > 0.0 and level < 80.0 * thermal:  # beyond, E_eq < 2e-33 of the level: nothing is left to hold
        equilibrium = thermal if level < 1e-30 * thermal else level / expm1(level / thermal)
    share = -expm1(-conductance * radius[i] * dt / capacity)
    moved = min(share * (equilibrium - energy[i]), heat[i])
    energy[i] += moved
    heat[i] -= moved


class PlanckExchange(System):
    """Relaxation towards the Planck energy of an oscillator in the bath of its own heat (paper, equations 10-14).

    E_eq = hbar w / (exp(hbar w / k_B T) - 1) with T = (Q + E_osc) / (m c_v), reached at rate
    1 / tau = 4 pi kappa_th r / (m c_v). Q + E_osc and with it T are constant in the exchange, so the step is exact
    for any dt. Energy moved to the oscillator is capped at the heat there is; the sign of w does not matter.
    """

    reads = (Particle.mass, Particle.radius, Oscillator.frequency)
    writes = (Particle.heat, Oscillator.energy)
    phase = "exchange"
    after = ("thermal",)

    conductivity: float = param(
        0.1, ge=0, unit="energy/(length time temperature)", doc="thermal conductivity kappa_th of the medium"
    )

    def step(self, dt: float) -> None:
        """Exchange for `dt`."""
        constants = self.world.resource(Constants)
        for population, particle, oscillator in self.query(Particle, Oscillator):
            exchange(
                population,
                particle.heat,
                oscillator.energy,
                oscillator.frequency,
                particle.mass,
                particle.radius,
                constants.planck_reduced,
                constants.boltzmann,
                constants.specific_heat,
                4 * math.pi * self.conductivity,
                dt,
            )
