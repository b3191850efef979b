"""Companion: values that a system keeps beside the rows of a population, and that follow them by id."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.population import Population

__all__ = ["Companion"]


class Companion:
    """A block of `width` reals for each row, laid out like a column of the population.

    Unlike a column it belongs to one system and is written to no trajectory. Rows that are born, die or are sorted
    between two uses keep their values; new rows have zeros.

    Parameters
    ----------
    population
        The rows.
    width
        Reals per row.
    """

    def __init__(self, population: Population, width: int) -> None:
        self.population, self.width = population, width
        self._block = population.device.zeros((width, population.capacity))
        self._version = population.version
        self._ids: npt.NDArray[np.int64] = population.device.host(population.ids).copy()

    def fresh(self) -> Any:
        """The block ``(>= n, width)`` for the rows as they are now, to be written; what it holds is undefined."""
        population = self.population
        if self._block.shape[1] < population.n:
            self._block = population.device.zeros((self.width, population.capacity))
        self._remember()
        return self._block.T

    def current(self) -> Any:
        """The block ``(>= n, width)`` with what was last written, in the present order of rows."""
        population = self.population
        if self._version != population.version:
            device = population.device
            old = device.host(self._block)[:, : len(self._ids)]
            known = np.argsort(self._ids, kind="stable")
            ids = device.host(population.ids)
            values = np.zeros((self.width, population.capacity), old.dtype)
            if len(known):
                place = known[np.minimum(np.searchsorted(self._ids[known], ids), len(known) - 1)]
                values[:, : population.n] = np.where(self._ids[place] == ids, old[:, place], 0)
            self._block = device.array(values)
            self._remember()
        return self._block.T

    def _remember(self) -> None:
        if self._version != self.population.version:
            self._version = self.population.version
            self._ids = self.population.device.host(self.population.ids).copy()

    def state(self) -> dict[str, Any]:
        """Ids and values, on the host."""
        values = self.population.device.host(self._block)[:, : len(self._ids)]
        return {"ids": self._ids.copy(), "values": values.copy()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""
        population = self.population
        ids, values = np.asarray(state["ids"], np.int64), np.asarray(state["values"])
        self._ids, self._version = ids.copy(), -1  # sorted into the present rows at the next use
        block = np.zeros((self.width, max(population.capacity, len(ids))), population.device.real)
        block[:, : len(ids)] = values
        self._block = population.device.array(block)
