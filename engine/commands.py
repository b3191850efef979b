"""Deferred commands: systems ask for births and deaths, the world applies them after the phase."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    from sensorium.engine.component import Field
    from sensorium.engine.population import Identifiers, Population

__all__ = ["Commands"]


class Commands:
    """A queue of births and deaths, applied in the order in which they were asked for.

    Columns never change length inside a phase, so a system may keep its views while it runs. Within one
    population all deaths asked for come first, then all births: rows that were there keep their order, and new
    rows follow in the order of the calls.
    """

    def __init__(self, identifiers: Identifiers) -> None:
        self._identifiers = identifiers
        self._births: list[tuple[Population, int, dict[Field, npt.ArrayLike], range]] = []
        self._deaths: dict[Population, set[int]] = {}

    def __bool__(self) -> bool:
        return bool(self._births or self._deaths)

    def spawn(
        self, population: Population, count: int = 1, values: Mapping[Field, npt.ArrayLike] | None = None
    ) -> npt.NDArray[np.int64]:
        """Ask for `count` rows; their ids are given at once, the rows exist after the phase."""
        unknown = [field for field in values or {} if field not in population.fields]
        if unknown:
            raise KeyError(f"population '{population.name}' has no column {unknown[0]!r}")
        ids = self._identifiers.take(count)
        self._births.append((population, count, dict(values or {}), ids))
        return np.arange(ids.start, ids.stop, dtype=np.int64)

    def despawn(self, population: Population, ids: npt.ArrayLike) -> None:
        """Ask for the end of the rows of `ids`; asking twice is the same as once. Unknown ids are an error here."""
        wanted = np.atleast_1d(np.asarray(ids, np.int64))
        unknown = wanted[population.rows_of(wanted) < 0]
        if len(unknown):
            raise KeyError(f"population '{population.name}' has no entity {unknown[:5].tolist()}")
        self._deaths.setdefault(population, set()).update(wanted.tolist())

    def apply(self) -> None:
        """Carry everything out."""
        deaths, births = self._deaths, self._births
        self._deaths, self._births = {}, []
        for population, ids in deaths.items():
            population.despawn(sorted(ids))
        for population, count, values, reserved in births:
            population.spawn(count, values, ids=reserved)

    def pending(self, population: Population) -> tuple[int, int]:
        """Births and deaths asked for in `population` and not yet applied."""
        born = sum(count for other, count, _, _ in self._births if other is population)
        return born, len(self._deaths.get(population, ()))

    def clear(self) -> None:
        """Forget what was asked for."""
        self._births, self._deaths = [], {}

    def state(self) -> dict[str, Any]:
        """Nothing is pending between steps."""
        if self:
            raise RuntimeError("commands are pending: the state of a world is taken between steps")
        return {}
