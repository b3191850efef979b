"""Levy: what some particles owe and do not have is paid by the heat of those around them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sensorium.engine.companion import Companion
from sensorium.engine.device import Rows
from sensorium.engine.kernel import device, kernel
from sensorium.engine.mesh import Mesh, Source
from sensorium.engine.reduce import Sum

__all__ = ["Levy"]


@device
def put_off(i, heat, debt):
    """Move what the heat is below zero into `debt`; returns it."""
    debt[i, 0] = -heat[i] if heat[i] < 0.0 else 0.0
    heat[i] += debt[i, 0]
    return debt[i, 0]


@kernel
def set_rate(c, rate, owed, held):
    """The part of what a node holds that it must give up."""
    rate[c] = min(owed[c] / held[c], 1.0) if held[c] > 0.0 else 0.0


@device
def collect(i, heat, due):
    """Take what is due from the heat, as far as there is any; returns what was taken."""
    taken = min(max(due[i, 0], 0.0), heat[i])
    heat[i] -= taken
    return taken


sum_put_off = Sum(put_off)
sum_collected = Sum(collect)


class Levy:
    """Brings every heat back to zero or above without changing the sum of heats, where that can be done nearby.

    Debts and heats go to the grid in cloud-in-cell shares; each node asks the same part of their heat of all
    particles around it. A cold particle that is pushed by a hot gas is so paid for by that gas.

    Parameters
    ----------
    mesh
        Gives the grid.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._grids: tuple[Any, Any] | None = None
        self._debts: dict[str, Companion] = {}

    def settle(self, heats: Sequence[Source], stamp: Any = None) -> float:
        """Settle all heats below zero.

        Parameters
        ----------
        heats
            Populations, positions, and heats as `values`.
        stamp
            As in :meth:`~sensorium.engine.mesh.Mesh.deposit`.

        Returns
        -------
        float
            Energy that nobody nearby could pay: the sum of heats is larger by this than it was.
        """
        debts, owed = [], 0.0
        for source in heats:
            population = source.population
            debt = self._debts.setdefault(population.name, Companion(population, 1)).fresh()
            owed += sum_put_off(population, source.values, debt)
            debts.append(debt)
        if not owed > 0:
            return 0.0
        mesh = self._mesh
        if self._grids is None:
            self._grids = mesh.grid(), mesh.grid()
        held, rate = self._grids
        owing = [Source(s.population, s.position, debt[: s.population.n, 0]) for s, debt in zip(heats, debts)]
        mesh.deposit(owing, rate, stamp=stamp)
        scale = mesh.deposit(heats, held, stamp=stamp)
        set_rate(Rows(mesh.box.nodes, mesh.device), rate.reshape(-1), rate.reshape(-1), held.reshape(-1))
        paid = 0.0
        for source, due in zip(heats, debts):
            mesh.gather_scalar(source, scale, rate, due[:, 0])
            paid += sum_collected(source.population, source.values, due)
        return owed - paid
