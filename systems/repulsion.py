"""Repulsion: carriers that are close in frequency move apart."""

from __future__ import annotations

import numpy as np

from sensorium.components.carrier import CRYSTALLIZED, Carrier
from sensorium.components.conditions import Held, IdleMode
from sensorium.engine.kernel import kernel, real
from sensorium.engine.math import exp
from sensorium.engine.primitives import nonnegative
from sensorium.engine.system import System, param
from sensorium.engine.world import World
from sensorium.systems.spectral.energy import carrier_population
from sensorium.systems.spectral.spectrum import Spectrum
from sensorium.systems.spectral.tuning import exact_reach

__all__ = ["Repulsion"]


@kernel(cost=500.0)
def repel(i, slot, first, past, centre, gate, state, frozen, held, change, frequency):
    """Omega += change * sum over others of d exp(-d^2 / (sigma + sigma')^2), in the order of frequency."""
    k = nonnegative(slot[i])
    push = real(0)
    for j in range(first[k], past[k]):
        d = centre[k] - centre[j]
        x = d / (gate[k] + gate[j])
        push += d * exp(-(x * x))
    if state[i] != frozen and held[i] == 0:
        frequency[i] += change * push


class Repulsion(System):
    """dOmega_k/dt = strength * sum_j d exp(-d^2 / (sigma_k + sigma_j)^2), d = Omega_k - Omega_j (paper, Section 8.1).

    Crystallized carriers stay where they are, and repel. Where the world has an idle system, carriers repel each
    other in its mode ``disambiguation`` alone; where it has none, always.
    """

    reads = (Carrier.gate_width, Carrier.state)
    writes = (Carrier.frequency,)
    phase = "lifecycle"
    after = ("metabolism", "crystallization", "splitting")

    strength: float = param(0.05, ge=0, unit="1/time", doc="rate of the repulsion")

    def attach(self, world: World) -> None:
        """Bring the spectrum, and a population for carriers if there is none."""
        super().attach(world)
        carrier_population(world)
        self._spectrum = Spectrum.of(world)

    def step(self, dt: float) -> None:
        """Push apart for `dt`."""
        if self.world.has(IdleMode) and not self.world.resource(IdleMode).repulsion:
            return
        spectrum, device = self._spectrum, self.device
        spectrum.refresh()
        keys, gates = spectrum.carriers.keys, spectrum.gates
        if len(keys) < 2:
            return
        reach = exact_reach(device.precision) * (gates + gates.max())
        bounds = np.searchsorted(keys, keys - reach), np.searchsorted(keys, keys + reach, side="right")
        arrays = *(device.array(b) for b in bounds), *(device.array(a, device.real) for a in (keys, gates))
        held = self.world.resource(Held) if self.world.has(Held) else Held()
        for (population, carrier), slot in zip(self.query(Carrier), spectrum.carriers.slots, strict=True):
            still = held.mask(population, Carrier.frequency)
            change = self.strength * dt
            repel(population, slot, *arrays, carrier.state, CRYSTALLIZED, still, change, carrier.frequency)
