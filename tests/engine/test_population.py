"""Populations behave as a dict of rows, whatever is done to them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from sensorium import Component, Field
from sensorium.engine.device import Device
from sensorium.engine.population import Identifiers, Population


class Body(Component):
    place = Field("f8", shape=(3,), default=(1.0, 2.0, 3.0))
    weight = Field("f8", default=0.5)
    kind = Field("u1", default=7)


class AgainstADict(RuleBasedStateMachine):
    """The same commands on a population and on an ordered dict of rows."""

    def __init__(self) -> None:
        super().__init__()
        self.population = Population("bodies", [Body], Device("cpu", "double"))
        self.model: dict[int, tuple[tuple[float, ...], float, int]] = {}
        self.given: set[int] = set()

    @rule(count=st.integers(0, 40), weight=st.floats(-1e9, 1e9), vector=st.booleans())
    def spawn(self, count: int, weight: float, vector: bool) -> None:
        place = np.arange(3.0 * count).reshape(count, 3) if vector else np.array([4.0, 5.0, 6.0])
        ids = self.population.spawn(count, {Body.weight: weight, Body.place: place})
        assert not self.given & set(ids.tolist()), "an id was given twice"
        self.given |= set(ids.tolist())
        rows = np.broadcast_to(place, (count, 3))
        self.model |= {int(i): (tuple(row), weight, 7) for i, row in zip(ids, rows, strict=True)}

    @precondition(lambda self: self.model)
    @rule(data=st.data())
    def despawn(self, data: st.DataObject) -> None:
        victims = data.draw(st.sets(st.sampled_from(sorted(self.model)), max_size=20))
        assert self.population.despawn(sorted(victims)) == len(victims)
        for victim in victims:
            del self.model[victim]

    @rule(seed=st.integers(0, 2**32 - 1))
    def reorder(self, seed: int) -> None:
        order = np.random.default_rng(seed).permutation(self.population.n)
        self.population.reorder(order)
        ids = list(self.model)
        self.model = {ids[i]: self.model[ids[i]] for i in order}

    @precondition(lambda self: self.model)
    @rule(value=st.floats(-10, 10))
    def write_through_the_view(self, value: float) -> None:
        self.population[Body].weight[...] += value
        self.model = {i: (place, weight + value, kind) for i, (place, weight, kind) in self.model.items()}

    @rule()
    def save_and_restore(self) -> None:
        other = Population("bodies", [Body], Device("cpu", "double"))
        other.restore(self.population.state())
        other._identifiers.next = self.population._identifiers.next
        self.population = other

    @invariant()
    def equal(self) -> None:
        population, body = self.population, self.population[Body]
        assert population.n == len(population) == len(self.model) <= population.capacity
        assert population.ids.tolist() == list(self.model)
        assert body.place.shape == (population.n, 3)
        for row, (place, weight, kind) in enumerate(self.model.values()):
            assert tuple(body.place[row]) == place
            assert body.weight[row] == weight
            assert body.kind[row] == kind
        assert population.rows_of(list(self.model)).tolist() == list(range(population.n))
        assert (population.rows_of(sorted(self.given - set(self.model))) == -1).all()


TestAgainstADict = AgainstADict.TestCase
TestAgainstADict.settings = settings(max_examples=60, stateful_step_count=25, deadline=None)


@pytest.fixture
def population() -> Population:
    made = Population("bodies", [Body], Device("cpu", "double"))
    made.spawn(5)
    return made


def test_defaults_fill_new_rows(population: Population) -> None:
    np.testing.assert_array_equal(population[Body].place, np.tile([1.0, 2.0, 3.0], (5, 1)))
    assert population[Body].kind.dtype == np.uint8


def test_vectors_are_contiguous_over_rows(population: Population) -> None:
    assert population[Body].place.strides[0] == 8


@pytest.mark.parametrize("count", [1, 2, 5, 1000])
def test_storage_is_fortran_contiguous_for_any_number_of_rows(count: int) -> None:
    made = Population("bodies", [Body], Device("cpu", "double"))
    made.spawn(count)
    block = made.storage[id(made[Body].place)]
    assert block.flags.f_contiguous
    assert not block.flags.c_contiguous
    assert block.shape == (made.capacity, 3)
    assert np.shares_memory(block, made[Body].place)


def test_capacity_grows_by_doubling() -> None:
    made = Population("bodies", [Body], Device("cpu", "double"))
    seen = set()
    for _ in range(1000):
        made.spawn(1)
        seen.add(made.capacity)
    assert seen == {2**k for k in range(1, 11)}


def test_a_view_outlives_growth(population: Population) -> None:
    body = population[Body]
    population.spawn(1000)
    assert body is population[Body]
    assert body.weight.shape == (1005,)
    assert len(population.storage) == 4, "stale views stay in the storage map"


def test_single_precision_stores_reals_as_float32() -> None:
    made = Population("bodies", [Body], Device("cpu", "single"))
    made.spawn(2)
    assert made[Body].place.dtype == np.float32
    assert made[Body].kind.dtype == np.uint8


def test_assignment_writes_into_the_column(population: Population) -> None:
    column = population[Body].weight
    population[Body].weight = 3.0
    assert population[Body].weight is column
    assert (column == 3.0).all()


def test_an_unknown_field_is_refused_by_name(population: Population) -> None:
    with pytest.raises(AttributeError, match="Body has no field 'wait'"):
        population[Body].wait = 1.0


def test_despawning_an_unknown_id_names_it_and_changes_nothing(population: Population) -> None:
    with pytest.raises(KeyError, match=r"no entity \[99\]"):
        population.despawn([0, 99])
    assert population.n == 5


def test_ids_are_unique_over_populations_that_share_a_counter() -> None:
    counter, device = Identifiers(), Device("cpu", "double")
    one = Population("one", [Body], device, identifiers=counter)
    two = Population("two", [Body], device, identifiers=counter)
    ids = [*one.spawn(3), *two.spawn(3), *one.spawn(3)]
    one.despawn(ids[:3])
    ids += [*one.spawn(3)]
    assert ids == list(range(12))


def test_a_permutation_of_the_wrong_length_is_refused(population: Population) -> None:
    with pytest.raises(ValueError, match="5 rows"):
        population.reorder([1, 0])


@pytest.mark.parametrize("rows", [512, 4096, 5000])
def test_components_of_a_vector_are_not_whole_pages_apart(rows: int) -> None:
    """At whole pages they share their sets of the cache, and every loop over a vector is slower."""
    bodies = Population("bodies", [Body], Device("cpu", "double"))
    bodies.spawn(rows // 2)
    bodies.spawn(rows - rows // 2)
    assert bodies[Body].place.strides[1] % 4096
    assert bodies[Body].place.shape == (rows, 3)
