"""Collect every mistake of a scenario, then raise them together."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from sensorium.engine.errors import ScenarioError
from sensorium.scenarios.tree import Mark, Path, dotted

__all__ = ["InvalidScenario", "Problem", "Problems"]

SHOWN = 100


@dataclass(frozen=True)
class Problem:
    """One mistake: where, in which key, and what is wrong."""

    mark: Mark
    path: str
    message: str

    def __str__(self) -> str:
        return f"{self.mark}: {self.path}: {self.message}" if self.path else f"{self.mark}: {self.message}"


class InvalidScenario(ScenarioError):
    """A scenario with mistakes; its text has one line for each, ``file:line:column: path: message``."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems = tuple(problems)
        lines = [str(problem) for problem in self.problems[:SHOWN]]
        if more := len(self.problems) - SHOWN:
            lines += [f"... and {more} more"] if more > 0 else []
        super().__init__("\n".join(lines))


@dataclass
class Problems:
    """The mistakes found so far, in the order of the file."""

    found: list[Problem] = field(default_factory=list)

    def add(self, mark: Mark, path: Path | str, message: str) -> None:
        """Note a mistake; the same one is noted once."""
        problem = Problem(mark, path if isinstance(path, str) else dotted(path), message)
        if problem not in self.found:
            self.found.append(problem)

    def __bool__(self) -> bool:
        return bool(self.found)

    def raise_any(self) -> None:
        """Raise :class:`InvalidScenario` when there is at least one mistake."""
        if self.found:
            raise InvalidScenario(sorted(self.found, key=lambda problem: problem.mark))
