"""Bodies: the spheres of all populations as one set of rows, so that any two of them can touch."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from sensorium.components.particle import Particle
from sensorium.engine.device import Device, Rows

if TYPE_CHECKING:
    from sensorium.engine.population import Population

__all__ = ["Bodies"]

Array = npt.NDArray[Any]


class Bodies:
    """The particle columns of one or more populations, one after the other.

    One population is used in place; several are copied together, and :meth:`give_back` copies back.

    Parameters
    ----------
    on
        Where the columns live.
    members
        ``(population, particle view)`` of each population, as a query gives them.

    Attributes
    ----------
    n, rows
        Number of rows, and what row kernels are launched over.
    version
        Changes whenever rows come, go or change places.
    """

    __slots__ = ("_copies", "_members", "n", "rows", "version")

    def __init__(self, on: Device, members: Sequence[tuple[Population, Particle]]) -> None:
        self._members = members
        self._copies: dict[str, Array] = {}
        self.n = sum(population.n for population, _ in members)
        self.rows = Rows(self.n, on)
        self.version = tuple((population.name, population.version) for population, _ in members)

    def column(self, name: str) -> Array:
        """The column `name` of all rows: ``(>= n,)`` or ``(>= n, 3)``, contiguous over rows."""
        if len(self._members) == 1:
            population, particle = self._members[0]
            column: Array = getattr(particle, name)
            return population.storage.get(id(column), column)
        if name not in self._copies:
            xp = self.rows.device.xp
            parts = [xp.asarray(getattr(particle, name)).T for _, particle in self._members]
            self._copies[name] = xp.concatenate(parts, axis=-1).T
        return self._copies[name]

    def columns(self, *names: str) -> tuple[Array, ...]:
        """Several columns."""
        return tuple(self.column(name) for name in names)

    def give_back(self, *names: str) -> None:
        """Write columns that were changed to their populations."""
        first = 0
        for population, particle in self._members:
            for name in self._copies.keys() & names:
                getattr(particle, name)[:] = self._copies[name][first : first + population.n]
            first += population.n

    def ids(self, rows: Any) -> npt.NDArray[np.int64]:
        """Ids of rows, on the host."""
        every = np.concatenate([self.rows.device.host(population.ids) for population, _ in self._members])
        return np.asarray(every[rows], np.int64)
