"""The conservative spectral layer: bounded energy error of second order, reversibility, and the pendulum."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from scipy.special import ellipk

from sensorium import PhysicsError, Simulation, World
from sensorium.components import Carrier, Oscillator
from sensorium.components.momentum import CarrierMomentum, PhaseMomentum
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.energy_ledger import EnergyLedger


def conservative(dt: float, *, moving: bool = True) -> Simulation:
    world = World(seed=1)
    rng = np.random.default_rng(6)
    crowd = world.create("crowd", [Oscillator, PhaseMomentum], 30)
    crowd[Oscillator].frequency, crowd[Oscillator].phase = 0.3 * rng.normal(size=30), rng.uniform(0, 6.28, 30)
    crowd[Oscillator].energy = rng.uniform(0.1, 1, 30)
    crowd[PhaseMomentum].momentum, crowd[PhaseMomentum].inertia = rng.normal(size=30), rng.uniform(0.5, 2, 30)
    carriers = world.create("carriers", [Carrier, CarrierMomentum] if moving else [Carrier], 4)
    carriers[Carrier].frequency, carriers[Carrier].gate_width = 0.3 * rng.normal(size=4), 0.5
    carriers[Carrier].amplitude = rng.normal(size=(4, 2))
    return Simulation(world, [CarrierCoupling(mode="symplectic", decay=1.5), EnergyLedger()], dt=dt)


def hamiltonian(sim: Simulation) -> float:
    return sim.ledger.stores["momenta"] + sim.ledger.stores["resonance"]


def errors(dt: float, steps: int) -> Any:
    sim = conservative(dt)
    sim.prepare()
    start, found = hamiltonian(sim), []
    for _ in range(steps):
        sim.step()
        found.append(hamiltonian(sim) - start)
        assert abs(sim.ledger.residual) < 1e-13
    return np.array(found)


def test_the_energy_error_is_bounded_and_of_second_order() -> None:
    """Halving dt divides it by 4; over ten times the span it does not grow (no drift)."""
    coarse, fine = errors(0.02, 200), errors(0.01, 400)
    assert np.abs(coarse).max() / np.abs(fine).max() == pytest.approx(4.0, abs=0.3)
    long = errors(0.02, 2000)
    assert np.abs(long[-200:]).max() < 3 * np.abs(coarse).max()


def test_it_runs_backwards() -> None:
    """Momenta turned round, it returns to where it came from, to 1e-9."""
    sim = conservative(0.02)
    crowd, carriers = sim.world.population("crowd"), sim.world.population("carriers")
    phase, amplitude = crowd[Oscillator].phase.copy(), carriers[Carrier].amplitude.copy()
    sim.run(200)
    crowd[PhaseMomentum].momentum *= -1
    carriers[CarrierMomentum].rate *= -1
    sim.run(200)
    assert np.abs(np.exp(1j * crowd[Oscillator].phase) - np.exp(1j * phase)).max() < 1e-9
    assert np.abs(carriers[Carrier].amplitude - amplitude).max() < 1e-9


def test_one_phase_in_the_well_of_a_carrier_is_a_pendulum() -> None:
    """Period 4 K(sin^2(x / 2)) sqrt(m / (A R)) for an amplitude x; within 1e-4 at 400 steps."""
    world = World()
    one = world.create("one", [Oscillator, PhaseMomentum], 1)
    one[Oscillator].energy, one[Oscillator].phase, one[PhaseMomentum].inertia = 0.49, 2.0, 1.7
    carrier = world.create("carriers", [Carrier], 1)[Carrier]
    carrier.amplitude, carrier.gate_width = [[1.3, 0.0]], 1e9
    period = 4 * ellipk(np.sin(1.0) ** 2) * np.sqrt(1.7 / (0.7 * 1.3))
    sim = Simulation(world, [CarrierCoupling(mode="symplectic")], dt=period / 400)
    sim.run(400)
    assert one[Oscillator].phase[0] == pytest.approx(2.0, abs=1e-4)
    sim.run(200)
    assert one[Oscillator].phase[0] == pytest.approx(2 * np.pi - 2.0, abs=1e-4)


def test_carriers_without_momentum_are_a_background() -> None:
    sim = conservative(0.02, moving=False)
    before = sim.world.population("carriers")[Carrier].amplitude.copy()
    sim.run(50)
    assert sim.world.population("carriers")[Carrier].amplitude.tobytes() == before.tobytes()
    assert abs(sim.ledger.residual) < 1e-13


def test_it_needs_momenta() -> None:
    world = World()
    world.create("crowd", [Oscillator], 2)
    with pytest.raises(PhysicsError, match="phase-momentum"):
        Simulation(world, [CarrierCoupling(mode="symplectic")], dt=0.1).prepare()
