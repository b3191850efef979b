"""Worlds: queries in a fixed order, resources, deferred commands, ordered events, state."""

from __future__ import annotations

import gc

import esper
import numpy as np
import pytest

from sensorium import Component, Field, World


class Place(Component):
    x = Field("f8")


class Speed(Component):
    v = Field("f8")


@pytest.fixture
def world() -> World:
    made = World(seed=3)
    made.create("both", [Place, Speed], 4)
    made.create("places", [Place], 2)
    made.create("late", [Speed, Place], 1)
    return made


def test_a_query_finds_populations_oldest_first(world: World) -> None:
    assert [row[0].name for row in world.query(Place)] == ["both", "places", "late"]
    assert [row[0].name for row in world.query(Speed, Place)] == ["both", "late"]
    population, speed, place = world.query(Speed, Place)[0]
    assert (type(speed), type(place)) == (Speed, Place)
    assert speed is population[Speed]


def test_a_query_is_cached_until_a_population_is_created(world: World) -> None:
    first = world.query(Place)
    assert world.query(Place) is first
    world.create("new", [Place])
    assert len(world.query(Place)) == len(first) + 1


def test_worlds_do_not_see_each_other_and_leave_esper_alone(world: World) -> None:
    before = esper.current_world
    other = World()
    other.create("alone", [Place], 1)
    assert [row[0].name for row in other.query(Place)] == ["alone"]
    assert esper.current_world == before


def test_a_dead_world_leaves_esper() -> None:
    name = World()._esper
    gc.collect()
    assert name not in esper.list_worlds()


def test_names_and_components_are_taken_once(world: World) -> None:
    with pytest.raises(ValueError, match="population 'both' already"):
        world.create("both", [Place])
    with pytest.raises(ValueError, match="lists a component twice"):
        world.create("twice", [Place, Place])


def test_errors_name_what_there_is(world: World) -> None:
    with pytest.raises(KeyError, match="there are: both, places, late"):
        world.population("gas")
    with pytest.raises(KeyError, match=r"no Speed \(it has Place\)"):
        world.population("places")[Speed]
    with pytest.raises(KeyError, match="no int"):
        world.resource(int)


def test_commands_wait_for_apply_and_keep_order(world: World) -> None:
    both = world.population("both")
    new = world.commands.spawn(both, 2, {Place.x: [5.0, 6.0]})
    world.commands.despawn(both, [1])
    world.commands.despawn(both, [1, 2])
    assert both.n == 4
    assert world.commands.pending(both) == (2, 2)
    world.commands.apply()
    assert both.ids.tolist() == [0, 3, *new.tolist()]
    assert both[Place].x.tolist() == [0.0, 0.0, 5.0, 6.0]
    assert not world.commands


def test_commands_refuse_at_the_call(world: World) -> None:
    both = world.population("both")
    with pytest.raises(KeyError, match=r"no entity \[77\]"):
        world.commands.despawn(both, [77])
    with pytest.raises(KeyError, match=r"no column Speed\.v"):
        world.commands.spawn(world.population("places"), 1, {Speed.v: 1.0})


def test_state_between_phases_is_refused(world: World) -> None:
    world.commands.spawn(world.population("both"), 1)
    with pytest.raises(RuntimeError, match="pending"):
        world.state()


def test_events_reach_handlers_in_order_of_registration(world: World) -> None:
    heard: list[str] = []
    world.events.keep()
    world.events.on("born", lambda event: heard.append("first"))
    world.events.on("born", lambda event: heard.append("second"))
    world.events.emit("born", id=np.array([1, 2, 3]))
    world.events.emit("died", id=4)
    assert heard == ["first", "second"]
    assert world.events.counts == {"born": 3, "died": 1}
    assert [event.kind for event in world.events.drain()] == ["born", "died"]
    assert world.events.drain() == []


def test_state_round_trip(world: World) -> None:
    world.population("both")[Place].x[:] = [1, 2, 3, 4]
    world.population("both").despawn([1])
    world.ledger.book("in", 2.5)
    world.clock.step = 9
    other = World(seed=3)
    for name, parts in (("both", [Place, Speed]), ("places", [Place]), ("late", [Speed, Place])):
        other.create(name, parts)
    other.restore(world.state())
    assert other.population("both")[Place].x.tolist() == [1, 3, 4]
    assert other.population("both").spawn(1).tolist() == [7]
    assert other.clock.step == 9
    assert other.ledger.booked == {"in": 2.5}
