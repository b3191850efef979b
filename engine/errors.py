"""Errors that a user can act on: one sentence, and the exit code of the command line."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["AccessError", "OutputError", "PhysicsError", "ScenarioError", "ScheduleError", "SensoriumError"]


class SensoriumError(Exception):
    """Base of every error that is the user's to mend; the command line prints it without a traceback."""

    exit_code = 1


class ScenarioError(SensoriumError):
    """A scenario, a parameter or a plugin that does not fit. Exit code 3."""

    exit_code = 3


class ScheduleError(ScenarioError):
    """Systems that cannot be put in one order: unknown phase, or two that touch one column undeclared."""


class AccessError(ScenarioError):
    """A system that touched a column which it did not declare (seen in debug mode)."""


class PhysicsError(SensoriumError):
    """A physical guard: the run would compute nonsense. Exit code 4.

    Parameters
    ----------
    system
        Instance name of the system that refused.
    message
        What is wrong, with the number that is wrong and its bound.
    step
        The step at which it was seen; None before the first step.
    rows
        Ids of the entities concerned; the first few are printed.
    """

    exit_code = 4

    def __init__(self, system: str, message: str, *, step: int | None = None, rows: Iterable[int] = ()) -> None:
        self.system, self.message, self.step, self.rows = system, message, step, tuple(int(r) for r in rows)
        where = "before the first step" if step is None else f"step {step}"
        shown = ", ".join(str(r) for r in self.rows[:5]) + (", ..." if len(self.rows) > 5 else "")
        super().__init__(f"{system} ({where}): {message}" + (f" (ids {shown})" if self.rows else ""))


class OutputError(SensoriumError):
    """Reading or writing failed: disk full, no permission, damaged file. Exit code 5."""

    exit_code = 5
