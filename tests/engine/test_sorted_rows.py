"""Sorted rows: one order, whatever the storage."""

from __future__ import annotations

import numpy as np

from sensorium.components import Oscillator
from sensorium.engine.population import Population
from sensorium.engine.sorted_rows import SortedRows
from sensorium.engine.world import World


def world_with(*frequencies: list[float]) -> tuple[World, list[Population]]:
    world = World()
    populations = []
    for number, values in enumerate(frequencies):
        population = world.create(f"p{number}", [Oscillator], len(values))
        population[Oscillator].frequency = values
        populations.append(population)
    return world, populations


def test_sorted_by_key_then_id() -> None:
    world, populations = world_with([3.0, 1.0, 2.0], [1.0, 0.5])
    rows = SortedRows(Oscillator.frequency, world.device)
    assert rows.refresh(populations)
    assert rows.keys.tolist() == [0.5, 1.0, 1.0, 2.0, 3.0]
    assert rows.ids.tolist() == [4, 1, 3, 2, 0]
    assert [slot.tolist() for slot in rows.slots] == [[4, 1, 3], [2, 0]]


def test_nothing_new_is_no_change() -> None:
    world, populations = world_with([3.0, 1.0])
    rows = SortedRows(Oscillator.frequency, world.device)
    rows.refresh(populations)
    slots = rows.slots
    assert not rows.refresh(populations)
    assert rows.slots is slots


def test_reordered_rows_keep_the_order() -> None:
    rng = np.random.default_rng(0)
    world, (population,) = world_with(rng.integers(0, 20, 200).tolist())
    rows = SortedRows(Oscillator.frequency, world.device)
    rows.refresh([population])
    ids = rows.ids.copy()
    population.reorder(rng.permutation(200))
    assert not rows.refresh([population])
    assert (rows.ids == ids).all()
    assert (rows.ids[rows.slots[0]] == population.ids).all()


def test_births_deaths_and_new_keys_are_changes() -> None:
    world, (population,) = world_with([3.0, 1.0])
    rows = SortedRows(Oscillator.frequency, world.device)
    rows.refresh([population])
    population.spawn(1, {Oscillator.frequency: 2.0})
    assert rows.refresh([population])
    population.despawn([0])
    assert rows.refresh([population])
    assert rows.ids.tolist() == [1, 2]
    population[Oscillator].frequency[0] = 9.0
    assert rows.refresh([population])
    assert rows.ids.tolist() == [2, 1]
    population.despawn([1])
    population.spawn(1, {Oscillator.frequency: 9.0})
    assert rows.refresh([population])
    assert rows.ids.tolist() == [2, 3]


def test_no_rows_at_all() -> None:
    world, populations = world_with([])
    rows = SortedRows(Oscillator.frequency, world.device)
    rows.refresh(populations)
    assert rows.n == 0
    assert SortedRows(Oscillator.frequency, world.device).refresh([]) in (True, False)
