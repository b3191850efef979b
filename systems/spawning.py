"""Spawning: a carrier for oscillators that no carrier couples to."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.components.carrier import Carrier
from sensorium.components.oscillator import Oscillator
from sensorium.components.probe import FULL_WRITE, Probe
from sensorium.engine.component import Field
from sensorium.engine.system import System, param
from sensorium.engine.world import World
from sensorium.systems.spectral.energy import carrier_population, carrier_stores
from sensorium.systems.spectral.probes import policies
from sensorium.systems.spectral.spectrum import Spectrum

__all__ = ["Spawning", "cover"]


def cover(frequencies: npt.NDArray[Any], reach: float) -> list[tuple[float, int]]:
    """The fewest frequencies among the given ones such that each is within `reach` of one of them.

    Parameters
    ----------
    frequencies
        Sorted, ``(n,)`` [rad/time].
    reach
        Largest distance, >= 0 [rad/time].

    Returns
    -------
    list of (frequency, number of frequencies that it serves), ascending.
    """
    found, first = [], 0
    while first < len(frequencies):
        # the highest that still reaches down to the first, so that it reaches up as far as can be
        chosen = frequencies[np.searchsorted(frequencies, frequencies[first] + reach, side="right") - 1]
        past = int(np.searchsorted(frequencies, chosen + reach, side="right"))
        found.append((float(chosen), past - first))
        first = past
    return found


class Spawning(System):
    """Births of carriers where oscillators have none: sum_k T_ik below a threshold (paper, Algorithm 1).

    New carriers sit at frequencies of such oscillators, as few as reach all of them. Where there is room for only
    some, those that serve most oscillators come first. They start at rest (C = 0), volatile, with the default mass,
    which is booked to the channel ``carrier-birth``. Emits ``born`` with id, frequency and parent (-1).
    """

    reads = (Oscillator.frequency, Carrier.frequency, Carrier.gate_width, Probe.policy)
    phase = "lifecycle"
    after = ("metabolism", "crystallization", "splitting", "repulsion")

    uncoupled: float = param(0.1, gt=0, lt=1, doc="an oscillator with sum T below this is coupled to no carrier")
    gate_width: float = param(0.35, gt=0, unit="rad/time", doc="width sigma of new carriers")
    capacity: int = param(64, ge=0, doc="most carriers that live at one time")

    def attach(self, world: World) -> None:
        """Bring the spectrum, and a population for carriers if there is none."""
        super().attach(world)
        self._population = carrier_population(world)
        self._spectrum = Spectrum.of(world)
        self._settled = -1

    def step(self, dt: float) -> None:
        """Look again only when an oscillator or carrier has come, gone or moved on the frequency axis."""
        spectrum = self._spectrum
        spectrum.refresh()
        if spectrum.version == self._settled:
            return
        alone = self._uncoupled()
        room = self.capacity - self._living()
        if len(alone) and room > 0:
            groups = cover(alone, self.gate_width * math.sqrt(-math.log(self.uncoupled)))
            if len(groups) > room:
                groups = sorted(sorted(groups, key=lambda group: -group[1])[:room])
            self._give_birth(np.array([frequency for frequency, _ in groups]))
        elif not self.world.commands:
            self._settled = spectrum.version

    def _uncoupled(self) -> npt.NDArray[Any]:
        """Sorted frequencies of the oscillators that no carrier couples to, probes left out."""
        spectrum, device = self._spectrum, self.device
        total = device.empty(spectrum.sums.padded)
        ones = device.zeros(spectrum.sums.lines) + 1
        spectrum.sums.spread(ones, total)
        alone = device.host(total)[: spectrum.oscillators.n] < self.uncoupled
        found: npt.NDArray[Any] = spectrum.oscillators.keys[alone & (policies(spectrum) == FULL_WRITE)]
        return found

    def _living(self) -> int:
        """Carriers that will live after this phase."""
        count = 0
        for population, _ in self.query(Carrier):
            born, died = self.world.commands.pending(population)
            count += population.n + born - died
        return count

    def _give_birth(self, frequencies: npt.NDArray[Any]) -> None:
        values: dict[Field, npt.ArrayLike] = {Carrier.frequency: frequencies, Carrier.gate_width: self.gate_width}
        ids = self.world.commands.spawn(self._population, len(frequencies), values)
        self.world.ledger.book("carrier-birth", float(len(ids) * Carrier.mass.default))  # type: ignore[arg-type]
        self.world.events.emit("born", id=ids, frequency=frequencies, parent=np.full(len(ids), -1))

    def stores(self) -> dict[str, float]:
        """``carrier``: |C|^2 + M of all carriers."""
        return carrier_stores(self)
