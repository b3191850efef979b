"""The driver: lengths, writers, guards, restarts."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from sensorium import Component, Field, PhysicsError, ScheduleError, Simulation, System, World


class Tank(Component):
    level = Field("f8", default=1.0)


class Fill(System):
    """Adds the number of the step, and at step 7 something that is not a number."""

    writes = (Tank.level,)
    poison = False

    def step(self, dt: float) -> None:
        for _, tank in self.query(Tank):
            tank.level += self.world.clock.step
            if self.poison and self.world.clock.step == 6:
                tank.level[1] = np.nan

    def stores(self) -> dict[str, float]:
        return {"tank": float(sum(tank.level.sum() for _, tank in self.query(Tank)))}


class Diary:
    """A writer that notes what it is told."""

    def __init__(self, stop_at: int = -1) -> None:
        self.lines: list[str] = []
        self.stop_at = stop_at

    def open(self, sim: Simulation) -> None:
        self.lines.append(f"open {sim.world.clock.step}")

    def write(self, sim: Simulation) -> None:
        self.lines.append(f"write {sim.world.clock.step}")
        if sim.world.clock.step == self.stop_at:
            sim.stop()

    def close(self, sim: Simulation) -> None:
        self.lines.append(f"close {sim.world.clock.step}")

    def state(self) -> dict[str, Any]:
        return {"lines": len(self.lines)}

    def restore(self, state: Mapping[str, Any]) -> None:
        self.lines = ["restored"] * int(state["lines"])


def build(*, poison: bool = False, steps: int = 5) -> Simulation:
    world = World()
    world.create("tanks", [Tank], 3)
    fill = Fill()
    fill.poison = poison
    return Simulation(world, [fill], dt=0.25, steps=steps)


def test_the_default_length_is_that_of_the_scenario_from_step_zero() -> None:
    sim = build()
    sim.run(2)
    sim.run()
    assert sim.world.clock.step == 5
    assert sim.world.clock.time == 1.25


@pytest.mark.parametrize(("until", "steps"), [(1.0, 4), (1.01, 5), (0.0, 0), (0.25, 1)])
def test_run_until_a_time(until: float, steps: int) -> None:
    sim = build()
    sim.run(until=until)
    assert sim.world.clock.step == steps


def test_writers_are_opened_told_and_closed() -> None:
    sim, diary = build(), Diary()
    sim.add_writer(diary)
    sim.run(2)
    assert diary.lines == ["open 0", "write 1", "write 2", "close 2"]


def test_a_writer_can_stop_the_run() -> None:
    sim, diary = build(), Diary(stop_at=3)
    sim.add_writer(diary)
    sim.run()
    assert sim.stopped
    assert sim.world.clock.step == 3
    assert diary.lines[-1] == "close 3"


def test_what_a_system_tells_at_its_setup_is_logged_once() -> None:
    class Told(Fill):
        def setup(self) -> None:
            self.world.events.emit("ready")

    def make() -> Simulation:
        world = World()
        world.create("tanks", [Tank], 3)
        return Simulation(world, [Told()], dt=0.25, steps=5)

    one, other = make(), make()
    one.prepare()
    assert [(event.kind, event.step) for event in one.world.events.drain()] == [("ready", 0)]
    one.run(2)
    other.restore(one.state())
    assert other.world.events.drain() == []
    assert other.world.events.counts == {"ready": 1}


def test_writers_are_closed_when_a_system_fails() -> None:
    sim, diary = build(poison=True, steps=20), Diary()
    sim.add_writer(diary)
    with pytest.raises(PhysicsError):
        sim.run()
    assert diary.lines[-1] == "close 7"


def test_a_value_that_is_not_finite_names_column_author_step_and_id() -> None:
    with pytest.raises(PhysicsError, match=r"fill \(step 7\): tank.level of 'tanks' is not finite in 1 rows \(ids 1\)"):
        build(poison=True, steps=20).run()


def test_an_energy_that_overflows_names_whose_it_is() -> None:
    class Overflow(Fill):
        def stores(self) -> dict[str, float]:
            return {"tank": np.inf if self.world.clock.step == 2 else 1.0}

    world = World()
    world.create("tanks", [Tank], 3)
    with pytest.raises(PhysicsError, match=r"overflow \(step 2\): the tank energy is inf"):
        Simulation(world, [Overflow()], dt=0.5).run(5)


class Vessel(Component):
    volume = Field("f8", default=1.0, gt=0)
    content = Field("f8", ge=0)
    unused = Field("f8", ge=0)


class Pour(System):
    """Reads what has bounds."""

    reads = (Vessel.volume, Vessel.content)
    phase = "exchange"

    def step(self, dt: float) -> None:
        pass


def test_values_out_of_bounds_are_refused_at_the_start() -> None:
    def start(**values: float) -> None:
        world = World()
        vessels = world.create("vessels", [Vessel], 4)[Vessel]
        for name, value in values.items():
            getattr(vessels, name)[2] = value
        Simulation(world, [Pour()], dt=1.0).prepare()

    start(volume=1e-300, content=0.0, unused=-1.0)  # nobody looks at the last
    with pytest.raises(PhysicsError, match=r"pour \(before .*volume of 'vessels' must be > 0, found 0 \(ids 2\)"):
        start(volume=0.0)
    with pytest.raises(PhysicsError, match=r"content of 'vessels' must be >= 0, found -3 \(ids 2\)"):
        start(content=-3.0)
    with pytest.raises(PhysicsError, match=r"must be >= 0, found nan"):
        start(content=np.nan)


def test_a_run_in_pieces_is_the_run() -> None:
    whole, pieces = build(), build()
    whole.run(5)
    pieces.run(2)
    pieces.run(3)
    assert (whole.world.population("tanks")[Tank].level == pieces.world.population("tanks")[Tank].level).all()


def test_two_writers_of_one_class_keep_their_own_state() -> None:
    one, other, first, second = build(), build(), Diary(), Diary(stop_at=2)
    one.add_writer(Diary())
    one.run(2)
    one.add_writer(Diary())
    one.run(1)
    other.add_writer(first)
    other.add_writer(second)
    other.restore(one.state())
    assert (len(first.lines), len(second.lines)) == (7, 3)


def test_writers_and_systems_are_restored() -> None:
    one, other, diary = build(), build(), Diary()
    one.add_writer(Diary())
    one.run(3)
    other.add_writer(diary)
    other.restore(one.state())
    assert diary.lines == ["restored"] * 5
    other.run()
    assert other.world.clock.step == 5
    assert other.world.population("tanks")[Tank].level[0] == 1 + 0 + 1 + 2 + 3 + 4


@pytest.mark.parametrize("dt", [0.0, -1.0, float("nan"), float("inf")])
def test_a_time_step_that_is_none_is_refused(dt: float) -> None:
    with pytest.raises(ScheduleError, match="time step must be finite and > 0"):
        Simulation(World(), [], dt=dt)


def test_the_tree_shows_populations_and_phases() -> None:
    shown = repr(build())
    assert "tanks: 3 rows of Tank" in shown
    assert "exchange  fill" in shown


def test_an_unknown_system_names_those_there_are() -> None:
    with pytest.raises(KeyError, match=r"no system 'gravity'.*fill"):
        build().system("gravity")
