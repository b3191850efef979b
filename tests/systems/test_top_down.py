"""Top-down: who is fed, how much, and who pays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorium import Simulation, World
from sensorium.components import Carrier, Oscillator
from sensorium.components.anchors import Anchors
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.metabolism import Metabolism
from sensorium.systems.spectral.energy import carrier_energy
from sensorium.systems.top_down import TopDown

DT = 0.1


def fed(*, state: int = 2, mass: float = 3.0, weight: float = 0.5, **parameters: Any) -> Simulation:
    """Two carriers with anchors on four of five oscillators; one anchor is shared, one is out of phase."""
    world = World(seed=1)
    crowd = world.create("crowd", [Oscillator], 5)
    crowd[Oscillator].phase, crowd[Oscillator].energy = [0.0, 0.4, 2.8, 0.1, 0.0], 0.3
    carriers = world.create("carriers", [Carrier], 2)
    carriers[Carrier].amplitude[:] = [[2.0, 0.0], [0.0, 1.0]]
    carriers[Carrier].state, carriers[Carrier].mass = state, mass
    anchors = Anchors.of(world)
    anchors.put(int(carriers.ids[0]), crowd.ids[:3], weight, [0.0, 0.2, 0.0])
    anchors.put(int(carriers.ids[1]), crowd.ids[1:4:2], weight, [-1.0, -1.4])
    return Simulation(world, [TopDown(**parameters), EnergyLedger()], dt=DT)


def field(weight: float = 0.5) -> Any:
    first, second = 2.0 * weight, 1j * weight
    return np.array([first, first * np.exp(0.2j) + second * np.exp(-1j), first, second * np.exp(-1.4j), 0])


def crowd_of(sim: Simulation) -> Any:
    return sim.world.population("crowd")[Oscillator]


def test_energy_comes_in_proportion_to_the_field_in_phase() -> None:
    sim = fed(energy=0.2, phase=0.0)
    phase = crowd_of(sim).phase.copy()
    sim.run(1)
    gain = 0.2 * DT * np.maximum(0, (field() * np.exp(-1j * phase)).real)
    assert gain[2] == 0
    np.testing.assert_allclose(crowd_of(sim).energy, 0.3 + gain, rtol=1e-13)
    assert sim.ledger.booked["top-down"] == pytest.approx(gain.sum(), rel=1e-12)
    assert abs(sim.ledger.residual) < 1e-14


def test_phases_are_pulled_to_the_field_exactly() -> None:
    """x = theta - arg h: tan(x / 2) falls as exp(-phase |h| t), whatever dt."""
    sim = fed(energy=0.0, phase=0.7)
    start = crowd_of(sim).phase.copy()
    sim.run(30)
    h = field()
    x = 2 * np.arctan(np.tan(0.5 * (start - np.angle(h))) * np.exp(-0.7 * np.abs(h) * 3.0))
    np.testing.assert_allclose(np.exp(1j * crowd_of(sim).phase), np.exp(1j * (np.angle(h) + x)), atol=1e-12)
    assert crowd_of(sim).phase[4] == start[4]


@pytest.mark.parametrize("state", [0, 1])
def test_only_crystals_feed(state: int) -> None:
    sim = fed(state=state)
    sim.run(3)
    assert (crowd_of(sim).energy == 0.3).all()
    assert "top-down" not in sim.ledger.booked


def test_carriers_pay_from_their_mass_until_it_is_used_up() -> None:
    sim = fed(energy=1.0, phase=0.0, source="carrier", mass=0.35)
    total = carrier_energy(sim.world) + crowd_of(sim).energy.sum()
    masses = []
    for _ in range(30):
        sim.step()
        masses.append(sim.world.population("carriers")[Carrier].mass.copy())
        assert carrier_energy(sim.world) + crowd_of(sim).energy.sum() == pytest.approx(total, rel=1e-14)
    assert (np.array(masses) >= 0).all()
    assert masses[-1].min() == pytest.approx(0, abs=1e-15)
    assert abs(sim.ledger.booked.get("top-down", 0.0)) < 1e-14
    last = crowd_of(sim).energy.sum()
    assert last == pytest.approx(5 * 0.3 + 2 * 0.35 - masses[-1].sum(), rel=1e-12)


def test_losses_bring_the_energy_to_rest() -> None:
    sim = fed(energy=0.5, phase=1.0, loss=2.0)
    sim.run(400)
    first_order = 0.5 * np.abs(field())[:4] * DT / -np.expm1(-2.0 * DT)
    np.testing.assert_allclose(crowd_of(sim).energy[:4], first_order, rtol=1e-9)
    assert abs(sim.ledger.residual) < 1e-13


def test_the_dead_do_not_feed_and_are_not_fed() -> None:
    sim = fed()
    sim.run(1)
    sim.world.population("crowd").despawn(sim.world.population("crowd").ids[1:2])
    sim.world.population("carriers").despawn(sim.world.population("carriers").ids[1:])
    sim.world.ledger.rebase()
    before = crowd_of(sim).energy.copy()
    sim.run(1)
    assert (crowd_of(sim).energy > before).tolist() == [True, False, False, False]


def test_the_name_of_its_parameter_in_scenarios_is_phase() -> None:
    assert TopDown(phase=0.3).pull == 0.3
    assert TopDown().pull == TopDown().energy == 0.05


def test_it_lives_with_metabolism() -> None:
    sim = fed(source="carrier")
    other = Simulation(fed().world, [TopDown(), Metabolism(), EnergyLedger()], dt=DT)
    for run in (sim, other):
        run.run(20)
        assert abs(run.ledger.residual) < 1e-14
