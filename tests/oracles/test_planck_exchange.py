"""Planck exchange against the exact relaxation, and at the limits of the Planck energy."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sensorium import Simulation, World
from sensorium.components import Oscillator, Particle
from sensorium.engine.world import Constants
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.planck_exchange import PlanckExchange

HBAR, BOLTZMANN, SPECIFIC_HEAT, KAPPA = 0.7, 1.3, 1.9, 0.4


def bath(heat: list[float], energy: list[float], frequency: list[float], dt: float) -> Simulation:
    world = World()
    world.insert(Constants(planck_reduced=HBAR, boltzmann=BOLTZMANN, specific_heat=SPECIFIC_HEAT))
    population = world.create("bath", [Particle, Oscillator], len(heat))
    particle, oscillator = population[Particle], population[Oscillator]
    particle.heat, particle.mass, particle.radius = heat, 1.1, 0.3
    oscillator.energy, oscillator.frequency = energy, frequency
    return Simulation(world, [PlanckExchange(conductivity=KAPPA), EnergyLedger()], dt=dt)


def planck(frequency: float, temperature: float) -> float:
    x = HBAR * frequency / (BOLTZMANN * temperature)
    return HBAR * frequency / math.expm1(x)


TAU = 1.1 * SPECIFIC_HEAT / (4 * math.pi * KAPPA * 0.3)


@pytest.mark.parametrize("dt", [1e-3, 0.1, 3.0])
def test_relaxation_is_exact_for_any_step(dt: float) -> None:
    """E(t) = E_eq + (E0 - E_eq) exp(-t / tau) to 1e-12, U constant to 1e-14: T does not change in the exchange."""
    heat, energy, frequency = [5.0, 2.0, 9.0], [0.1, 3.0, 0.0], [1.0, 2.5, -0.4]
    sim = bath(heat, energy, frequency, dt)
    sim.run(30)
    particle, oscillator = (sim.world.population("bath")[c] for c in (Particle, Oscillator))
    for i in range(3):
        temperature = (heat[i] + energy[i]) / (1.1 * SPECIFIC_HEAT)
        equilibrium = planck(abs(frequency[i]), temperature)
        exact = equilibrium + (energy[i] - equilibrium) * math.exp(-30 * dt / TAU)
        assert oscillator.energy[i] == pytest.approx(exact, rel=1e-12)
        assert particle.heat[i] + oscillator.energy[i] == pytest.approx(heat[i] + energy[i], rel=1e-14)


@pytest.mark.parametrize("x", [1e-300, 1e-6, 1.0, 79.0, 100.0, 1e5])
def test_limits_give_the_planck_energy_and_no_nan(x: float) -> None:
    """From equipartition (k_B T) to freeze-out (0); beyond x = 80 the equilibrium is below 2e-33 of the quantum."""
    temperature = 2.0
    held = temperature * 1.1 * SPECIFIC_HEAT
    frequency = x * BOLTZMANN * temperature / HBAR
    sim = bath([0.6 * held], [0.4 * held], [frequency], 1e6)
    sim.run(1)
    energy = sim.world.population("bath")[Oscillator].energy[0]
    exact = BOLTZMANN * temperature if x < 1e-9 else planck(frequency, temperature) if x < 700 else 0.0
    assert energy == pytest.approx(min(exact, held), rel=1e-12, abs=1e-15 * held)


def test_the_oscillator_takes_no_more_than_the_heat_there_is() -> None:
    """hbar w << k_B T with little heat: E_eq = k_B T > U when k_B > m c_v; the transfer is capped and Q stays 0."""
    world = World()
    world.insert(Constants(boltzmann=10.0))
    population = world.create("bath", [Particle, Oscillator], 1)
    population[Particle].heat, population[Particle].radius = 0.5, 1.0
    population[Oscillator].energy, population[Oscillator].frequency = 0.25, 1e-3
    sim = Simulation(world, [PlanckExchange(conductivity=100.0), EnergyLedger()], dt=10.0)
    sim.run(3)
    assert population[Particle].heat[0] == 0.0
    assert population[Oscillator].energy[0] == 0.75


def test_a_cold_particle_stays_cold() -> None:
    sim = bath([0.0], [0.0], [1.0], 0.1)
    sim.run(3)
    state = sim.world.population("bath")
    assert (state[Particle].heat[0], state[Oscillator].energy[0]) == (0.0, 0.0)
    assert np.isfinite(state[Particle].heat).all()
