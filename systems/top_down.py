"""Top-down: crystallized carriers feed the oscillators that they remember."""

from __future__ import annotations

import math
from typing import Any, Literal

import numpy as np

from sensorium.components.anchors import Anchors
from sensorium.components.carrier import CRYSTALLIZED, Carrier
from sensorium.components.conditions import Held
from sensorium.components.oscillator import Oscillator
from sensorium.engine.system import System, param
from sensorium.engine.world import World
from sensorium.systems.spectral.energy import carrier_population, carrier_stores

__all__ = ["TopDown"]

TURN = 2 * np.pi


class TopDown(System):
    """Crystallized carriers inject energy into their anchors and pull their phases (paper, Section 7.4).

    With the field h_i = sum of C_k w exp(i phi) over the carriers that anchor oscillator i,
    dE_i/dt = energy max(0, Re(h_i exp(-i theta_i))) and dtheta_i/dt = phase Im(h_i exp(-i theta_i)), the latter
    solved exactly. The energy comes from outside (``reservoir``, booked to ``top-down``), or from the mass of the
    carriers (``carrier``), each paying for its part of what it feeds as long as it has something left. With `loss`,
    oscillators that are fed lose energy at that rate, to ``top-down-loss``: their energy comes to rest.
    """

    reads = (Carrier.amplitude, Carrier.state)
    writes = (Oscillator.phase, Oscillator.energy, Carrier.mass)
    phase = "spectral"
    after = ("carrier-coupling",)

    pull: float = param(0.05, ge=0, unit="1/(energy^(1/2) time)", alias="phase", doc="strength of the pull on phases")
    energy: float = param(0.05, ge=0, unit="energy^(1/2)/time", doc="rate of the energy that flows in")
    loss: float = param(0.0, ge=0, unit="1/time", doc="rate at which fed oscillators lose energy")
    source: Literal["reservoir", "carrier"] = param("reservoir", doc="who pays: the outside, or the carriers")

    def attach(self, world: World) -> None:
        """Bring the anchors, and a population for carriers if there is none."""
        super().attach(world)
        carrier_population(world)
        Anchors.of(world)

    def step(self, dt: float) -> None:
        """Feed and pull for `dt`."""
        anchors = Anchors.of(self.world)
        mass, amplitude = self._carriers(anchors)
        part = amplitude * anchors.weight * np.exp(1j * anchors.phase)
        known, theta, fed = self._oscillators(anchors)
        active = np.flatnonzero(known & (part != 0))
        if len(active) == 0:
            return
        part, theta = part[active], theta[active]
        _, first, place = np.unique(anchors.oscillator[active], return_index=True, return_inverse=True)
        field = _summed(part, place)
        # what each anchor contributes: the parts that help, in proportion
        helps = np.maximum((part * np.exp(-1j * theta)).real, 0.0)
        total = _summed(helps, place)
        inside = np.maximum((field * np.exp(-1j * theta[first])).real, 0.0)
        owed = self.energy * dt * fed[active] * helps * np.divide(inside, total, out=inside * 0, where=total > 0)[place]
        carriers, payer = np.unique(anchors.carrier[active], return_inverse=True)
        if self.source == "carrier":
            debt = _summed(owed, payer)
            have = np.zeros(len(carriers))
            have[payer] = np.maximum(mass[active], 0.0)
            owed *= np.minimum(1.0, np.divide(have, debt, out=np.ones_like(debt), where=debt > 0))[payer]
            lost = self._charge(carriers, _summed(owed, payer))
        else:
            lost = 0.0
        fed_here = fed[active][first] > 0
        gained = self._give(anchors.oscillator[active][first], theta[first], field, _summed(owed, place), fed_here, dt)
        self.world.ledger.book("top-down", gained - lost)

    def _carriers(self, anchors: Anchors) -> tuple[Any, Any]:
        """Mass and C of the carrier of each anchor; C is 0 unless it lives and is crystallized."""
        mass, amplitude = np.zeros(len(anchors)), np.zeros(len(anchors), complex)
        host = self.device.host
        for population, carrier in self.query(Carrier):
            rows = population.rows_of(anchors.carrier)
            here = np.flatnonzero(rows >= 0)
            here = here[host(carrier.state)[rows[here]] == CRYSTALLIZED]
            re, im = host(carrier.amplitude)[rows[here]].astype(np.float64).T
            amplitude[here] = re + 1j * im
            mass[here] = host(carrier.mass)[rows[here]]
        return mass, amplitude

    def _oscillators(self, anchors: Anchors) -> tuple[Any, Any, Any]:
        """Whether each anchor lives, its phase, and 1 where its energy may change, 0 where it is held."""
        known, theta, fed = np.zeros(len(anchors), bool), np.zeros(len(anchors)), np.zeros(len(anchors))
        for population, oscillator in self.query(Oscillator):
            rows = population.rows_of(anchors.oscillator)
            here = np.flatnonzero(rows >= 0)
            known[here] = True
            theta[here] = self.device.host(oscillator.phase)[rows[here]]
            fed[here] = 1.0 - self._held(population, Oscillator.energy)[rows[here]]
        return known, theta, fed

    def _held(self, population: Any, column: Any) -> Any:
        held = self.world.resource(Held) if self.world.has(Held) else Held()
        return self.device.host(held.mask(population, column))

    def _charge(self, carriers: Any, debt: Any) -> float:
        """Take from the masses of carriers, by id, what they owe; returns what was taken, as it is stored."""
        lost = 0.0
        for population, carrier in self.query(Carrier):
            rows = population.rows_of(carriers)
            here = rows >= 0
            before = self.device.host(carrier.mass)[rows[here]].astype(np.float64)
            carrier.mass[rows[here]] = self.device.array(np.maximum(before - debt[here], 0.0), self.device.real)
            lost += float((before - self.device.host(carrier.mass)[rows[here]].astype(np.float64)).sum())
        return lost

    def _give(self, ids: Any, theta: Any, field: Any, gain: Any, fed: Any, dt: float) -> float:
        """Energy to oscillators, by id, and the pull on their phases; returns what came in, as it is stored.

        dx/dt = - p sin x with x = theta - arg h has the solution tan(x / 2) -> tan(x / 2) exp(-p dt).
        """
        toward = np.angle(field)
        x = 2 * np.arctan(np.tan(0.5 * (theta - toward)) * np.exp(-self.pull * np.abs(field) * dt))
        turned = self.device.array(np.mod(toward + x, TURN), self.device.real)
        gained = 0.0
        for population, oscillator in self.query(Oscillator):
            rows = population.rows_of(ids)
            here = np.flatnonzero(rows >= 0)
            rows = rows[here]
            before = self.device.host(oscillator.energy)[rows].astype(np.float64)
            kept = np.where(fed[here], before * math.exp(-self.loss * dt), before)
            oscillator.energy[rows] = self.device.array(kept + gain[here], self.device.real)
            gained += float((self.device.host(oscillator.energy)[rows].astype(np.float64) - kept).sum())
            if self.loss > 0:
                self.world.ledger.book("top-down-loss", float((kept - before).sum()))
            moves = self._held(population, Oscillator.phase)[rows] == 0
            # rounding to the working real can leave an angle on the far edge
            new = turned[here[moves]]
            oscillator.phase[rows[moves]] = self.device.xp.where(new < TURN, new, 0)
        return gained

    def stores(self) -> dict[str, float]:
        """``carrier``: |C|^2 + M of all carriers."""
        return carrier_stores(self)


def _summed(values: Any, place: Any) -> Any:
    """Sum of the values of each place, in their order."""
    total = np.zeros(place.max() + 1, values.dtype)
    np.add.at(total, place, values)
    return total
