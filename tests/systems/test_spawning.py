"""Spawning: as few carriers as serve all, no more than there is room for, each booked and told."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sensorium import ScenarioError, Simulation, World
from sensorium.components import Carrier, Oscillator
from sensorium.engine.events import Event
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.spawning import Spawning, cover

WIDTH = 0.35
REACH = WIDTH * np.sqrt(np.log(10))  # T = 0.1


def world_of(frequencies: Any, **parameters: Any) -> tuple[Simulation, list[Event]]:
    world = World(seed=3)
    population = world.create("oscillators", [Oscillator], len(frequencies))
    population[Oscillator].frequency = frequencies
    born: list[Event] = []
    world.events.on("born", born.append)
    return Simulation(world, [CarrierCoupling(), Spawning(**parameters), EnergyLedger()], dt=0.1), born


def coupling(sim: Simulation) -> Any:
    omega = sim.world.population("oscillators")[Oscillator].frequency
    carrier = sim.world.population("carriers")[Carrier]
    return np.exp(-(((omega[:, None] - carrier.frequency) / carrier.gate_width) ** 2)).sum(axis=1)


@settings(deadline=None)
@given(st.lists(st.floats(-50, 50, allow_nan=False), max_size=60), st.floats(0, 5))
def test_a_cover_reaches_all_and_none_is_to_spare(values: list[float], reach: float) -> None:
    axis = np.sort(np.array(values, float))
    groups = cover(axis, reach)
    chosen = np.array([frequency for frequency, _ in groups])
    assert sum(count for _, count in groups) == len(axis)
    assert np.isin(chosen, axis).all()
    if len(axis):
        assert (np.abs(axis[:, None] - chosen).min(axis=1) <= reach * (1 + 1e-12)).all()
    # lower bound: points more than 2 reach apart need a carrier each
    apart, last = 0, -np.inf
    for value in axis:
        if value > last + 2 * reach * (1 + 1e-9):
            apart, last = apart + 1, value
    assert len(groups) <= 2 * apart


def test_every_oscillator_is_served_at_once() -> None:
    sim, born = world_of(np.random.default_rng(0).uniform(0, 20, 300))
    sim.run(1)
    assert (coupling(sim) >= 0.1 * (1 - 1e-9)).all()
    carriers = sim.world.population("carriers")
    assert carriers.n <= np.ceil(20 / REACH / 2) + 3
    assert (carriers[Carrier].gate_width == WIDTH).all()
    assert (carriers[Carrier].amplitude == 0).all()
    assert [event.values["id"].tolist() for event in born] == [carriers.ids.tolist()]
    assert sim.ledger.booked["carrier-birth"] == carriers.n
    sim.run(20)
    assert carriers.n == len(born[0].values["id"])
    assert abs(sim.ledger.residual) < 1e-14


def test_newcomers_are_served_and_the_served_are_not() -> None:
    sim, born = world_of([1.0, 1.1])
    sim.run(2)
    sim.world.population("oscillators").spawn(2, {Oscillator.frequency: [1.05, 9.0]})
    sim.run(2)
    assert [event.values["frequency"].tolist() for event in born] == [[1.1], [9.0]]


def test_where_room_is_short_most_are_served_first() -> None:
    frequencies = [0.0] * 3 + [10.0] * 7 + [20.0] * 5
    sim, _ = world_of(frequencies, capacity=2)
    sim.run(5)
    assert sorted(sim.world.population("carriers")[Carrier].frequency) == [10.0, 20.0]
    sim.world.population("carriers").despawn(sim.world.population("carriers").ids[:1])
    sim.world.ledger.rebase()
    sim.run(1)
    assert sim.world.population("carriers").n == 2


def test_a_carrier_that_died_is_replaced() -> None:
    sim, born = world_of([4.0])
    sim.run(1)
    carriers = sim.world.population("carriers")
    first = int(carriers.ids[0])
    carriers.despawn([first])
    sim.run(1)
    assert carriers.n == 1
    assert carriers.ids[0] != first
    assert len(born) == 2


@pytest.mark.parametrize(("name", "value"), [("uncoupled", 0), ("uncoupled", 1), ("gate_width", 0), ("capacity", -1)])
def test_parameters_out_of_range_are_refused(name: str, value: float) -> None:
    with pytest.raises(ScenarioError, match=name):
        Spawning(**{name: value})
