"""Values beside a population follow its rows."""

from __future__ import annotations

import numpy as np

from sensorium.components import Particle
from sensorium.engine.companion import Companion
from sensorium.engine.population import Population
from sensorium.engine.world import World


def numbered(count: int = 6) -> tuple[Population, Companion]:
    population = World().create("gas", (Particle,), count)
    companion = Companion(population, 2)
    companion.fresh()[:count] = np.stack([population.ids * 10, population.ids * 100], axis=1)
    return population, companion


def assert_follows(population: Population, values: np.ndarray, known: int = 6) -> None:
    expected = np.where(population.ids < known, population.ids, 0)
    np.testing.assert_array_equal(values[: population.n, 0], expected * 10)
    np.testing.assert_array_equal(values[: population.n, 1], expected * 100)


def test_values_stay_where_nothing_moves() -> None:
    population, companion = numbered()
    assert_follows(population, companion.current())


def test_values_follow_births_deaths_and_sorting() -> None:
    population, companion = numbered()
    population.despawn([1, 4])
    population.spawn(20)
    population.reorder(np.random.default_rng(0).permutation(population.n))
    assert_follows(population, companion.current())
    population.despawn([0])
    assert_follows(population, companion.current())


def test_a_population_that_died_out_and_came_back() -> None:
    population, companion = numbered()
    population.despawn(population.ids.copy())
    companion.current()
    population.spawn(3)
    assert not companion.current()[:3].any()


def test_a_fresh_block_has_room_for_all_rows() -> None:
    population, companion = numbered()
    population.spawn(100)
    assert companion.fresh().shape == (population.capacity, 2)


def test_state_restores_into_another_order() -> None:
    _, companion = numbered()
    state = companion.state()
    other = World().create("gas", (Particle,), 6)
    other.reorder(np.array([5, 3, 1, 0, 2, 4]))
    restored = Companion(other, 2)
    restored.restore(state)
    assert_follows(other, restored.current())
    again = Companion(other, 2)
    again.restore(restored.state())
    assert_follows(other, again.current())
