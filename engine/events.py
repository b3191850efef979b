"""Ordered events: what happened, at which step, to whom."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

__all__ = ["Event", "Events"]


@dataclass(frozen=True)
class Event:
    """One thing that happened: its kind, the step, and scalar or array values by name."""

    kind: str
    step: int
    values: Mapping[str, Any]


class Events:
    """Handlers are called in the order in which they were registered; events wait in a log for the writers.

    esper's own handlers are a set of weak references, so their order is arbitrary and a lambda vanishes at once.
    """

    def __init__(self) -> None:
        self.step = 0
        self.counts: dict[str, int] = {}
        self._log: list[Event] = []
        self._handlers: dict[str, list[Callable[[Event], None]]] = {}
        self._keep = False

    def on(self, kind: str, handler: Callable[[Event], None]) -> None:
        """Call ``handler(event)`` for every event of `kind`, after the handlers that came before."""
        self._handlers.setdefault(kind, []).append(handler)

    def emit(self, kind: str, **values: Any) -> None:
        """Tell what happened. Array values stand for several happenings, all of one length."""
        sizes = {np.size(value) for value in values.values()} or {1}
        if len(sizes - {1}) > 1:
            raise ValueError(f"event '{kind}': its values have different lengths: {sorted(sizes)}")
        event = Event(kind, self.step, values)
        self.counts[kind] = self.counts.get(kind, 0) + max(sizes)
        self._log.append(event)
        for handler in self._handlers.get(kind, ()):
            handler(event)

    def begin(self, step: int) -> None:
        """What is emitted from now on happens in `step`; a log that nobody keeps ends here."""
        self.step = step
        if not self._keep:
            self._log.clear()

    def keep(self, wanted: bool = True) -> None:
        """Keep the log until :meth:`drain`, what is in it included: a writer opened before the first step gets what
        the systems told while they were set up. Off by default so that a run without a writer does not grow."""
        self._keep = wanted

    def drain(self) -> list[Event]:
        """The events since the last call, oldest first; the log is empty afterwards."""
        log, self._log = self._log, []
        return log

    def state(self) -> dict[str, Any]:
        """Step and counts; the log belongs to the writer that drains it."""
        return {"step": self.step, "counts": dict(self.counts)}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""
        self.step = int(state["step"])
        self.counts = {str(kind): int(count) for kind, count in state["counts"].items()}
        self._log = []
