"""Metabolism: carriers live on the drive that they resonate with, and pay for living."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.components.anchors import Anchors
from sensorium.components.carrier import STATES, Carrier
from sensorium.components.conditions import EnergyStatistics
from sensorium.components.energies import sum_of
from sensorium.components.oscillator import Oscillator
from sensorium.engine.kernel import kernel
from sensorium.engine.system import System, param
from sensorium.engine.world import World
from sensorium.systems.spectral.energy import carrier_population, carrier_stores

__all__ = ["Metabolism"]


@kernel
def feed(i, mass, amplitude, drive, state, income, volatile, stable, crystallized, dt):
    """M += (income max(0, Re(C* D)) - cost) dt (paper, equation 20)."""
    gain = amplitude[i, 0] * drive[i, 0] + amplitude[i, 1] * drive[i, 1]
    cost = volatile if state[i] == 0 else stable if state[i] == 1 else crystallized
    mass[i] += (income * max(gain, 0.0) - cost) * dt


class Metabolism(System):
    """dM/dt = income - cost (paper, equation 20); a carrier whose mass is used up dies.

    Income is ``income * max(0, Re(C* D))``, the power that the drive D puts into the carrier. Cost is
    ``cost * max(E, floor)`` with E the mean energy of oscillators: in a cold world nothing starves unless `floor` is
    above 0. What comes in and goes out is booked to ``metabolism-income`` and ``metabolism-cost``; what a dead
    carrier still held, to ``carrier-death``. Emits ``died`` with id, frequency, state and cause; anchors of the dead
    are forgotten.
    """

    reads = (Carrier.amplitude, Carrier.drive, Carrier.frequency, Carrier.state, Oscillator.energy)
    writes = (Carrier.mass,)
    phase = "lifecycle"

    income: float = param(1.0, ge=0, doc="mass gained per energy that the drive puts in")
    cost: tuple[float, float, float] = param(
        (0.1, 0.02, 0.0), unit="1/time", doc="cost of volatile, stable and crystallized carriers per mean energy"
    )
    floor: float = param(0.0, ge=0, unit="energy", doc="the cost is that of this mean energy at least")
    ceiling: float | None = param(None, doc="most mass that a carrier can hold; none if not given")

    def attach(self, world: World) -> None:
        """Bring a population for carriers if there is none."""
        super().attach(world)
        carrier_population(world)
        Anchors.of(world)

    def step(self, dt: float) -> None:
        """Feed, charge, and bury."""
        level = max(self._mean_energy(), self.floor)
        costs = [rate * level for rate in self.cost]
        for population, carrier in self.query(Carrier):
            if population.n == 0:
                continue
            before = self._masses(carrier)
            columns = carrier.amplitude, carrier.drive, carrier.state
            feed(population, carrier.mass, *columns, self.income, *costs, dt)
            if self.ceiling is not None:
                carrier.mass[:] = self.device.xp.minimum(carrier.mass, self.ceiling)
            after = self._masses(carrier)
            paid = np.array(costs)[self.device.host(carrier.state)] * dt
            self.world.ledger.book("metabolism-cost", -float(paid.sum()))
            self.world.ledger.book("metabolism-income", float((after - before).sum() + paid.sum()))
            if (after <= 0).any():
                self._bury(population, carrier, after)

    def _masses(self, carrier: Any) -> Any:
        return self.device.host(carrier.mass).astype(np.float64)

    def _mean_energy(self) -> float:
        if self.world.has(EnergyStatistics):
            return self.world.resource(EnergyStatistics).mean
        rows = self.query(Oscillator)
        count = sum(population.n for population, _ in rows)
        return float(sum(sum_of(p, view.energy) for p, view in rows) / max(count, 1))

    def _bury(self, population: Any, carrier: Any, mass: Any) -> None:
        host = self.device.host
        dead = mass <= 0
        ids, amplitude = host(population.ids)[dead], host(carrier.amplitude)[dead].astype(np.float64)
        self.world.ledger.book("carrier-death", -float((amplitude**2).sum() + mass[dead].sum()))
        self.world.commands.despawn(population, ids)
        Anchors.of(self.world).drop(carriers=ids)
        states = [STATES[s] for s in host(carrier.state)[dead]]
        frequencies = host(carrier.frequency)[dead].astype(np.float64)
        self.world.events.emit("died", id=ids, frequency=frequencies, state=np.array(states), cause="starved")

    def stores(self) -> dict[str, float]:
        """``carrier``: |C|^2 + M of all carriers."""
        return carrier_stores(self)
