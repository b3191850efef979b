"""The step: a list of phases, the systems in each, and the errors that keep the order from being a matter of luck."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sensorium.engine.component import Field
from sensorium.engine.errors import ScheduleError
from sensorium.engine.naming import did_you_mean
from sensorium.engine.system import System
from sensorium.engine.world import World

__all__ = ["STEP", "Schedule", "Spent"]

STEP = (
    "begin", "friction", "kick", "drift", "force", "kick", "friction", "exchange", "spectral", "lifecycle", "end",
)  # fmt: skip


Method = Callable[[float], None]
Wrap = Callable[[System, str, Method], Method]


@dataclass(slots=True)
class Spent:
    """Wall time of one system so far in this process, in seconds, and how often it was called."""

    seconds: float = 0.0
    calls: int = 0


@dataclass(frozen=True, slots=True)
class _Call:
    """One method of one system, and the part of dt that it is given."""

    system: System
    method: Method
    fraction: float
    spent: Spent
    changes: tuple[Field, ...]


@dataclass(frozen=True)
class _Phase:
    name: str
    clears: tuple[Field, ...]
    calls: tuple[_Call, ...]


class Schedule:
    """Systems sorted into the phases of a step.

    A phase that appears twice in the step is given half of dt each time: the list is the Strang splitting. Inside
    a phase the order is that of `systems`, changed by what they declare in ``before`` and ``after``. Columns that
    systems accumulate are cleared before the phase in which they do.

    Parameters
    ----------
    systems
        In the order of the scenario.
    step
        The phases; systems may add to them.
    wrap
        Called with each system, phase and method; what it returns is run instead (debug mode).

    Raises
    ------
    ScheduleError
        Unknown phase, two systems of one name, a cycle of before/after, or two systems of one phase that touch the
        same column, one of them writing it, with no declared order. All of them in one message.
    """

    def __init__(self, systems: Iterable[System], step: Sequence[str] = STEP, wrap: Wrap | None = None) -> None:
        self.systems = tuple(systems)
        self.step = _with_new_phases(tuple(step), self.systems)
        problems = list(self._unknown_phases()) + list(self._equal_names())
        if problems:
            raise ScheduleError("\n".join(problems))
        ordered = {phase: _sorted(phase, self._members(phase)) for phase in dict.fromkeys(self.step)}
        problems = [line for phase, members in ordered.items() for line in _ambiguities(phase, members)]
        if problems:
            raise ScheduleError("\n".join(problems))
        count = Counter(self.step)
        self.profile = {system.instance: Spent() for system in self.systems}
        self._plan = tuple(
            _Phase(
                phase,
                tuple(dict.fromkeys(field for s in ordered[phase] for field in s.access(phase)[2])),
                tuple(
                    _Call(
                        s,
                        wrap(s, phase, _method(s, phase)) if wrap else _method(s, phase),
                        1 / count[phase],
                        self.profile[s.instance],
                        (*s.access(phase)[1], *s.access(phase)[2]),
                    )
                    for s in ordered[phase]
                ),
            )
            for phase in self.step
            if ordered[phase]
        )

    def __iter__(self) -> Any:
        """``(phase, (system, ...))`` in order, without the empty phases."""
        return ((phase.name, tuple(call.system for call in phase.calls)) for phase in self._plan)

    # ---- running ----------------------------------------------------------------------------------------------

    def advance(self, world: World, dt: float) -> None:
        """One step: every phase, then the births and deaths that its systems asked for."""
        world.begin_pass()
        for phase in self._plan:
            self._run(phase, world, dt)

    def evaluate(self, world: World, phase: str) -> None:
        """Run one phase with dt = 0: forces at the initial positions."""
        world.begin_pass()
        for part in self._plan:
            if part.name == phase:
                self._run(part, world, 0.0)
                return

    def _run(self, phase: _Phase, world: World, dt: float) -> None:
        for field in phase.clears:
            for population in world.populations:
                if field in population.fields:
                    population.clear(field)
        now = time.perf_counter()
        for call in phase.calls:
            call.method(dt * call.fraction)
            start, now = now, time.perf_counter()
            call.spent.seconds += now - start
            call.spent.calls += 1
            if world.watched:
                world.touch(call.changes)
        if world.commands:
            world.commands.apply()

    # ---- checks -----------------------------------------------------------------------------------------------

    def _members(self, phase: str) -> list[System]:
        return [system for system in self.systems if phase in system.phase_names()]

    def _unknown_phases(self) -> Iterable[str]:
        for system in self.systems:
            for phase in system.phase_names():
                if phase not in self.step:
                    known = ", ".join(dict.fromkeys(self.step))
                    hint = did_you_mean(phase, self.step) or "; a new one is placed by `phases` of the class"
                    yield f"{system.instance}: no phase '{phase}' (there are: {known}){hint}"

    def _equal_names(self) -> Iterable[str]:
        for name, times in Counter(system.instance for system in self.systems).items():
            if times > 1:
                yield f"{times} systems are named '{name}': give each but one its own (`name:` in a scenario)"


def _with_new_phases(step: tuple[str, ...], systems: Sequence[System]) -> tuple[str, ...]:
    phases = list(step)
    for system in systems:
        for new, place in system.phases.items():
            if new in phases:
                continue
            side, _, anchor = place.partition(" ")
            if side not in ("before", "after") or anchor not in phases:
                raise ScheduleError(
                    f"{system.instance}: phase '{new}' is placed '{place}'; expected 'before PHASE' or 'after PHASE'"
                    f" with one of {', '.join(dict.fromkeys(phases))}{did_you_mean(anchor, phases)}"
                )
            last = len(phases) - 1 - phases[::-1].index(anchor)
            phases.insert(phases.index(anchor) if side == "before" else last + 1, new)
    return tuple(phases)


def _method(system: System, phase: str) -> Method:
    if isinstance(system.phase, str):
        if type(system).step is System.step:
            raise ScheduleError(f"{system.instance}: {type(system).__name__} has no method step(dt)")
        return system.step
    method = getattr(system, phase.replace("-", "_"), None)
    if method is None:
        raise ScheduleError(
            f"{system.instance}: {type(system).__name__} runs in '{phase}' but has no method {phase}(dt)"
        )
    return method  # type: ignore[no-any-return]


def _names(system: System) -> set[str]:
    return {system.instance, type(system).name}


def _precedes(first: System, second: System) -> bool:
    """Whether one of the two declares that `first` runs before `second`."""
    return bool(_names(second) & set(first.before)) or bool(_names(first) & set(second.after))


def _sorted(phase: str, members: list[System]) -> list[System]:
    """Stable topological order: the earliest in the scenario among those whose predecessors have run."""
    waiting, done = list(members), []
    while waiting:
        ready = next((s for s in waiting if not any(_precedes(o, s) for o in waiting if o is not s)), None)
        if ready is None:
            cycle = ", ".join(f"'{s.instance}'" for s in waiting)
            raise ScheduleError(f"phase '{phase}': {cycle} each declare to run before another: the order is a cycle")
        waiting.remove(ready)
        done.append(ready)
    return done


def _ambiguities(phase: str, members: list[System]) -> Iterable[str]:
    ahead = {s.instance: {o.instance for o in members if _precedes(s, o)} for s in members}
    for _ in members:  # transitive closure: a before b before c settles a and c
        for name, after in ahead.items():
            ahead[name] = after.union(*(ahead[o] for o in after))
    for k, first in enumerate(members):
        for second in members[k + 1 :]:
            if second.instance in ahead[first.instance] or first.instance in ahead[second.instance]:
                continue
            for field in _conflicts(phase, first, second):
                yield (
                    f"phase '{phase}': '{first.instance}' and '{second.instance}' both touch {field!r} and one of"
                    f" them writes it; say which comes first: `before` or `after` in the class, or"
                    f" `after: {first.instance}` beside '{second.instance}' in the scenario"
                )


def _conflicts(phase: str, first: System, second: System) -> list[Field]:
    """Fields for which the order of the two matters: all but read-read and accumulate-accumulate."""
    found: dict[Field, None] = {}
    for one, other in ((first, second), (second, first)):
        _, writes, accumulates = one.access(phase)
        others_reads, others_writes, others_accumulates = other.access(phase)
        others = {*others_reads, *others_writes, *others_accumulates}
        found |= dict.fromkeys(field for field in writes if field in others)
        found |= dict.fromkeys(field for field in accumulates if field in {*others_reads, *others_writes})
    return list(found)
