"""Statistics, idle modes, repulsion and relaxation: what they measure, and whom they move."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorium import ScenarioError, Simulation, World
from sensorium.components import Carrier, Oscillator
from sensorium.components.conditions import Annealing, IdleMode
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.idle import Idle
from sensorium.systems.relaxation import Relaxation
from sensorium.systems.repulsion import Repulsion
from sensorium.systems.statistics import Statistics


def world_of(energy: Any, carriers: Any = (0.0,)) -> World:
    world = World(seed=4)
    oscillator = world.create("crowd", [Oscillator], len(energy))[Oscillator]
    oscillator.energy, oscillator.frequency = energy, 0.0
    oscillator.phase = np.linspace(0, 3, len(energy))
    carrier = world.create("carriers", [Carrier], len(carriers))[Carrier]
    carrier.frequency, carrier.gate_width = carriers, 0.3
    return world


# ---- statistics and adaptive thermodynamics -------------------------------------------------------------------------


def test_mean_and_variance() -> None:
    world = world_of([0.5, 1.5, 4.0])
    sim = Simulation(world, [Statistics()], dt=0.1)
    sim.run(1)
    found = sim.series()
    assert found["statistics/mean"] == pytest.approx(2.0, rel=1e-14)
    assert found["statistics/variance"] == pytest.approx(np.var([0.5, 1.5, 4.0]), rel=1e-14)


def adaptive(energy: Any, **parameters: Any) -> Simulation:
    world = world_of(energy, carriers=np.linspace(100, 200, 4000))
    world.population("carriers")[Carrier].amplitude[:, 0] = 1.0
    flow = CarrierCoupling(decay=0.5, rotation=False, **parameters)
    return Simulation(world, [Statistics(reference=0.5), flow], dt=0.1)


def test_decay_scales_with_the_mean_energy() -> None:
    """lambda = 0.5 * mean / reference: exp(-lambda t) exactly."""
    sim = adaptive([0.1, 0.4, 0.25], noise_temperature=0.0)
    sim.run(10)
    left = sim.world.population("carriers")[Carrier].amplitude[:, 0]
    np.testing.assert_allclose(left, np.exp(-0.5 * 0.25 / 0.5 * 1.0), rtol=1e-12)


def test_noise_scales_with_the_root_mean_square_energy() -> None:
    """Variance 2 T / lambda of 4000 carriers, T and lambda scaled; 3 sigma is 4.7%."""
    energy = np.array([0.1, 0.4, 0.7])
    sim = adaptive(energy, noise_temperature=0.2)
    sim.run(400)
    amplitude = sim.world.population("carriers")[Carrier].amplitude
    scale, agitation = energy.mean() / 0.5, np.sqrt((energy**2).mean()) / 0.5
    expected = 2 * 0.2 * agitation / (0.5 * scale)
    assert (amplitude**2).sum(axis=1).mean() == pytest.approx(expected, rel=0.047)


def test_no_energy_no_decay_no_noise() -> None:
    sim = adaptive([0.0, 0.0], noise_temperature=0.3)
    before = sim.world.population("carriers")[Carrier].amplitude.copy()
    sim.run(5)
    assert sim.world.population("carriers")[Carrier].amplitude.tobytes() == before.tobytes()


def test_adaptive_can_be_switched_off() -> None:
    sim = adaptive([0.1], noise_temperature=0.0, adaptive=False)
    sim.run(10)
    assert sim.world.population("carriers")[Carrier].amplitude[0, 0] == pytest.approx(np.exp(-0.5), rel=1e-12)


# ---- idle -----------------------------------------------------------------------------------------------------------


def test_a_schedule_is_repeated() -> None:
    modes = [{"mode": "consolidation", "time": 0.2}, {"mode": "exploration", "time": 0.3}]
    sim = Simulation(world_of([1.0]), [Idle(mode=modes)], dt=0.1)
    seen = []
    for _ in range(10):
        sim.step()
        seen.append(sim.world.resource(IdleMode).name[0])
    assert "".join(seen) == "cceeecceee"


@pytest.mark.parametrize(("mode", "factor"), [("consolidation", 0.25), ("disambiguation", 0.5), ("exploration", 2.0)])
def test_modes_change_the_noise(mode: Any, factor: float) -> None:
    """The same random numbers, so the kick of one step is exactly sqrt(factor) times as large."""
    kicks = []
    for systems in ([], [Idle(mode=mode)]):
        sim = Simulation(world_of([0.0]), [*systems, CarrierCoupling(noise_temperature=0.4)], dt=0.1)
        sim.run(1)
        kicks.append(sim.world.population("carriers")[Carrier].amplitude[0].copy())
    np.testing.assert_allclose(kicks[1], np.sqrt(factor) * kicks[0], rtol=1e-13)


def test_unknown_modes_are_refused() -> None:
    with pytest.raises(ScenarioError, match="mode"):
        Idle(mode="sleep")
    with pytest.raises(ScenarioError, match="greater than 0"):
        Idle(mode=[{"mode": "awake", "time": 0}])


# ---- repulsion ------------------------------------------------------------------------------------------------------


def test_carriers_move_apart_by_the_formula() -> None:
    """One explicit step: d exp(-d^2 / (s + s')^2) summed over the others, opposite and equal for a pair."""
    centre, width = np.array([0.0, 0.1, 0.5, 4.0]), np.array([0.3, 0.2, 0.4, 0.3])
    world = world_of([1.0], carriers=centre)
    carrier = world.population("carriers")[Carrier]
    carrier.gate_width = width
    Simulation(world, [Repulsion(strength=0.5)], dt=0.02).run(1)
    d = centre[:, None] - centre
    push = (d * np.exp(-((d / (width[:, None] + width)) ** 2))).sum(axis=1)
    np.testing.assert_allclose(carrier.frequency, centre + 0.01 * push, rtol=1e-13)
    assert carrier.frequency.sum() == pytest.approx(centre.sum(), rel=1e-14)


def test_crystals_stay_and_repel() -> None:
    world = world_of([1.0], carriers=[0.0, 0.1])
    carrier = world.population("carriers")[Carrier]
    carrier.state = [2, 0]
    Simulation(world, [Repulsion(strength=1.0)], dt=0.1).run(10)
    assert carrier.frequency[0] == 0.0
    assert carrier.frequency[1] > 0.15


def test_idle_worlds_repel_in_disambiguation_alone() -> None:
    for mode, moved in (("consolidation", False), ("exploration", False), ("disambiguation", True)):
        world = world_of([1.0], carriers=[0.0, 0.1])
        Simulation(world, [Idle(mode=mode), Repulsion(strength=1.0)], dt=0.1).run(3)
        assert bool((world.population("carriers")[Carrier].frequency != [0.0, 0.1]).any()) is moved


# ---- relaxation -----------------------------------------------------------------------------------------------------


def relaxing(**parameters: Any) -> Simulation:
    world = world_of(np.linspace(0.2, 1, 30))
    flow = CarrierCoupling(coupling=1.0, decay=1.0, frame="rotating", noise_temperature=9.0)
    return Simulation(world, [Relaxation(**parameters), flow], dt=0.2, steps=2000)


def test_noise_is_annealed_and_then_off() -> None:
    sim = relaxing(anneal={"from": 0.4, "to": 0.1, "steps": 4}, stop=False)
    seen = []
    for _ in range(7):
        sim.step()
        seen.append(sim.world.resource(Annealing).temperature)
    np.testing.assert_allclose(seen, [0.4, 0.4 * 0.25**0.25, 0.2, 0.4 * 0.25**0.75, 0, 0, 0], rtol=1e-12)


def test_it_stops_when_the_gradient_is_gone_and_says_after_how_many_steps() -> None:
    sim = relaxing(anneal={"from": 0.05, "steps": 10}, residual=1e-7)
    told = []
    sim.world.events.on("relaxed", told.append)
    sim.run()
    relaxation = sim.system("relaxation")
    assert isinstance(relaxation, Relaxation)
    assert 10 < sim.world.clock.step < 2000
    assert relaxation.relaxed_after == sim.world.clock.step == told[0].values["steps"]
    assert told[0].values["residual"] <= 1e-7
    assert sim.series()["relaxation/residual"] <= 1e-7
    phases = sim.world.select(Oscillator).statistics("phase")
    assert phases.order == pytest.approx(1.0, abs=1e-10)


def test_it_goes_on_if_it_shall_not_stop() -> None:
    sim = relaxing(anneal={"steps": 0}, residual=1e-3, stop=False)
    sim.run(200)
    assert sim.world.clock.step == 200
    assert sim.world.events.counts["relaxed"] == 1
