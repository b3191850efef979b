"""Triggers: when a writer writes. They compose, and their state is part of a checkpoint."""

from __future__ import annotations

import time
from collections.abc import Iterable, Mapping
from typing import Any

from sensorium.engine.simulation import Simulation

__all__ = ["Trigger", "ends_told", "interrupted"]

_NAMES = frozenset({"every", "at", "wall_time", "any", "all"})


class Trigger:
    """True at the steps at which something is due.

    Parameters
    ----------
    every
        At multiples of so many steps, step 0 included.
    at
        At these steps.
    wall_time
        When so many seconds have passed since the last time it was due.
    any, all
        When one, or every one, of other triggers (as mappings) is due.
    """

    def __init__(
        self,
        every: int | None = None,
        at: Iterable[int] | None = None,
        wall_time: float | None = None,
        any: Iterable[Mapping[str, Any]] | None = None,
        all: Iterable[Mapping[str, Any]] | None = None,
    ) -> None:
        self.every, self.wall_time = every, wall_time
        self.at = frozenset(at or ())
        self._some = tuple(Trigger(**part) for part in any or ())
        self._each = tuple(Trigger(**part) for part in all or ())
        self._since = time.monotonic()

    @classmethod
    def of(cls, given: int | Mapping[str, Any] | Trigger | None, default: int | None = None) -> Trigger:
        """A trigger from a scenario: a number of steps or a mapping; `default` steps where nothing is said."""
        if isinstance(given, Trigger):
            return given
        if isinstance(given, int):
            return cls(every=given)
        told = {name: value for name, value in (given or {}).items() if value is not None and name in _NAMES}
        return cls(**told) if told else cls(every=default)

    @property
    def active(self) -> bool:
        """Whether it can ever be due."""
        return bool(self.every or self.at or self.wall_time or self._some or self._each)

    def due(self, step: int) -> bool:
        """Whether it is time; asking restarts the clock of ``wall_time`` when it is."""
        hit = step in self.at or (self.every is not None and step % self.every == 0)
        if self.wall_time is not None and time.monotonic() - self._since >= self.wall_time:
            self._since = time.monotonic()
            hit = True
        # every part is asked, so that their clocks go on
        some, each = ([part.due(step) for part in parts] for parts in (self._some, self._each))
        return hit or any(some) or (bool(each) and all(each))

    def state(self) -> dict[str, Any]:
        """Seconds since it was last due, for ``wall_time``."""
        return {"waited": time.monotonic() - self._since if self.wall_time is not None else 0.0}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""
        self._since = time.monotonic() - float(state["waited"])


def ends_told(sim: Simulation) -> int:
    """How often a system has said that the run is over (event ``stop``)."""
    return sim.world.events.counts.get("stop", 0)


def interrupted(sim: Simulation, told_before: int) -> bool:
    """Whether the run was stopped from outside, with steps of its length left.

    Parameters
    ----------
    sim
        The run.
    told_before
        :func:`ends_told` when the run began: a run that a system ended is complete.
    """
    ended = ends_told(sim) > told_before
    return sim.stopped and not ended and (sim.steps == 0 or sim.world.clock.step < sim.steps)
