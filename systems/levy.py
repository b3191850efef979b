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


@kernel(signature="real[:], real[:], real[:]")
def set_rate(c, rate, unpaid, held):
    """From what a node owes: the part of what it holds that it must give up, and what it owes beyond that."""
    owed, wealth = rate[c], held[c]
    rate[c] = min(owed / wealth, 1.0) if wealth > 0.0 else 0.0
    unpaid[c] = max(owed - wealth, 0.0)


@kernel(signature="real[:], real[:,:]")
def collect(i, heat, due):
    """Take what is due from the heat; rounding must not take it below zero."""
    heat[i] = max(heat[i] - due[i, 0], 0.0)


sum_put_off = Sum(put_off)


class Levy:
    """Brings every heat back to zero or above without changing the sum of heats, where that can be done nearby.

    Debts and heats go to the grid in cloud-in-cell shares; each node asks the same part of their heat of all
    particles around it. A cold particle that is pushed by a hot gas is so paid for by that gas.

    Parameters
    ----------
    mesh
        Gives the grid.

    Attributes
    ----------
    total
        Sum of all heats after the last settlement of debts.
    """

    def __init__(self, mesh: Mesh) -> None:
        self._mesh = mesh
        self._grids: list[Any] = []
        self.total = 0.0
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
        if not self._grids:
            self._grids = [mesh.grid() for _ in range(3)]
        held, rate, unpaid = self._grids
        owing = [Source(s.population, s.position, debt[: s.population.n, 0]) for s, debt in zip(heats, debts)]
        mesh.deposit(owing, rate, stamp=stamp)
        scale = mesh.deposit(heats, held, stamp=stamp)
        owing_total, held_total = float(rate.sum(dtype="f8")), float(held.sum(dtype="f8"))
        flat = [grid.reshape(-1) for grid in (rate, unpaid, held)]
        set_rate(Rows(mesh.box.nodes, mesh.device), *flat)
        for source, due in zip(heats, debts):
            mesh.gather_scalar(source, scale, rate, due[:, 0])
            collect(source.population, source.values, due)
        missing = float(unpaid.sum(dtype="f8"))
        self.total = held_total - (owing_total - missing)
        return missing
