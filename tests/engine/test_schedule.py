"""The step: Strang splitting by repetition, and an error wherever the order would be a matter of luck."""

from __future__ import annotations

import pytest

from sensorium import Component, Field, ScheduleError, System, World
from sensorium.engine.schedule import STEP, Schedule


class Body(Component):
    a = Field("f8")
    b = Field("f8")


calls: list[tuple[str, str, float]] = []


class Recorder(System):
    def step(self, dt: float) -> None:
        calls.append((self.instance, "step", dt))


def build(*systems: System) -> Schedule:
    world = World()
    world.create("bodies", [Body], 1)
    for system in systems:
        system.attach(world)
    calls.clear()
    schedule = Schedule(systems)
    schedule.advance(world, 1.0)
    return schedule


def system(name: str, **declared: object) -> System:
    return type(name, (Recorder,), {"__module__": __name__, **declared})()


def test_a_phase_that_appears_twice_gets_half_of_dt_each_time() -> None:
    build(system("Friction", phase="friction"), system("Exchange", phase="exchange"))
    assert calls == [("friction", "step", 0.5), ("friction", "step", 0.5), ("exchange", "step", 1.0)]


def test_the_order_of_phases_is_that_of_the_page() -> None:
    build(*(system(phase.title(), phase=phase) for phase in reversed(dict.fromkeys(STEP))))
    assert [name for name, _, _ in calls] == list(STEP)


def test_a_system_of_several_phases_has_a_method_for_each() -> None:
    class Mover(System):
        phase = ("kick", "drift")

        def kick(self, dt: float) -> None:
            calls.append((self.instance, "kick", dt))

        def drift(self, dt: float) -> None:
            calls.append((self.instance, "drift", dt))

    build(Mover())
    assert [(method, dt) for _, method, dt in calls] == [("kick", 0.5), ("drift", 1.0), ("kick", 0.5)]


def test_inside_a_phase_the_order_is_that_of_the_scenario() -> None:
    build(system("Two"), system("One"))
    assert [name for name, _, _ in calls] == ["two", "one"]


def test_before_and_after_change_it() -> None:
    build(system("Late", after=("early", "middle")), system("Middle"), system("Early", before=("middle",)))
    assert [name for name, _, _ in calls] == ["early", "middle", "late"]


def test_writer_and_reader_without_an_order_are_named_with_the_column() -> None:
    with pytest.raises(ScheduleError, match=r"phase 'exchange': 'one' and 'two' both touch Body\.a"):
        build(system("One", writes=(Body.a,)), system("Two", reads=(Body.a,)))


def test_every_ambiguity_is_told_at_once() -> None:
    with pytest.raises(ScheduleError) as error:
        build(system("One", writes=(Body.a, Body.b)), system("Two", writes=(Body.a, Body.b)))
    assert len(str(error.value).splitlines()) == 2


@pytest.mark.parametrize(
    ("one", "two", "fine"),
    [
        ({"reads": (Body.a,)}, {"reads": (Body.a,)}, True),
        ({"accumulates": (Body.a,)}, {"accumulates": (Body.a,)}, True),
        ({"accumulates": (Body.a,)}, {"reads": (Body.a,)}, False),
        ({"accumulates": (Body.a,)}, {"writes": (Body.a,)}, False),
        ({"writes": (Body.a,)}, {"writes": (Body.b,)}, True),
        ({"writes": (Body.a,), "phase": "spectral"}, {"reads": (Body.a,)}, True),
        ({"writes": (Body.a,), "before": ("two",)}, {"reads": (Body.a,)}, True),
        ({"writes": (Body.a,)}, {"reads": (Body.a,), "after": ("one",)}, True),
    ],
)
def test_which_pairs_need_an_order(one: dict[str, object], two: dict[str, object], fine: bool) -> None:
    systems = system("One", **one), system("Two", **two)
    if fine:
        build(*systems)
    else:
        with pytest.raises(ScheduleError):
            build(*systems)


def test_order_is_transitive() -> None:
    build(
        system("One", writes=(Body.a,), before=("two",)),
        system("Two", before=("three",)),
        system("Three", reads=(Body.a,)),
    )


def test_a_cycle_names_its_systems() -> None:
    with pytest.raises(ScheduleError, match="'one', 'two' each declare"):
        build(system("One", before=("two",)), system("Two", before=("one",)))


def test_an_unknown_phase_suggests_one() -> None:
    with pytest.raises(ScheduleError, match=r"no phase 'exchnge'.*did you mean 'exchange'"):
        build(system("One", phase="exchnge"))


def test_a_plugin_can_add_a_phase() -> None:
    schedule = build(
        system("Mix", phase="chemistry", phases={"chemistry": "after exchange"}),
        system("Exchange", phase="exchange"),
        system("Carry", phase="spectral"),
    )
    assert [name for name, _, _ in calls] == ["exchange", "mix", "carry"]
    assert schedule.step.index("chemistry") == schedule.step.index("exchange") + 1


def test_two_systems_of_one_name_are_refused() -> None:
    with pytest.raises(ScheduleError, match="2 systems are named 'one'"):
        build(system("One"), system("One"))


def test_accumulated_columns_are_cleared_before_their_phase() -> None:
    class Push(System):
        accumulates = (Body.a,)
        phase = "force"

        def step(self, dt: float) -> None:
            for _, body in self.query(Body):
                body.a += 1.0

    world = World()
    population = world.create("bodies", [Body], 3)
    push = Push()
    push.attach(world)
    schedule = Schedule([push])
    for _ in range(3):
        schedule.advance(world, 1.0)
    assert population[Body].a.tolist() == [1.0, 1.0, 1.0]


def test_the_profile_counts_calls() -> None:
    schedule = build(system("Friction", phase="friction"))
    assert schedule.profile["friction"].calls == 2
    assert schedule.profile["friction"].seconds > 0


def test_a_system_without_a_step_is_refused_at_the_start() -> None:
    class Idler(System):
        phase = "exchange"

    with pytest.raises(ScheduleError, match=r"idler: Idler has no method step\(dt\)"):
        build(Idler())
