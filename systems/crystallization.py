"""Crystallization: carriers that resonate become stable, then permanent, and remember who drove them."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.components.anchors import Anchors
from sensorium.components.carrier import CRYSTALLIZED, STABLE, VOLATILE, Carrier
from sensorium.components.conditions import IdleMode
from sensorium.components.oscillator import Oscillator
from sensorium.components.probe import FULL_WRITE, Probe
from sensorium.engine.system import System, param
from sensorium.engine.world import World
from sensorium.systems.spectral.conflict import follow_conflict
from sensorium.systems.spectral.energy import carrier_population
from sensorium.systems.spectral.probes import policies
from sensorium.systems.spectral.spectrum import Spectrum

__all__ = ["Crystallization"]


class Crystallization(System):
    """The life of a carrier: volatile, stable, crystallized (paper, Section 7.4).

    A volatile carrier with |C| >= `stable` and conflict <= `coherent` becomes stable. A stable one with |C| >=
    `amplitude` and conflict <= `conflict` all through `time` crystallizes: C, Omega and sigma are frozen (C still
    turns where carriers do), it does not decay, and its anchors are stored: the non-probe oscillators that drive it
    most, each with weight T A, normalized to sum of squares 1, and its phase offset. With `melting`, a crystallized
    carrier whose conflict exceeds it becomes stable again and forgets its anchors.

    Emits ``stabilized``, ``crystallized`` and ``melted`` with id, frequency and amplitude.
    """

    reads = (
        Carrier.amplitude,
        Carrier.frequency,
        Carrier.gate_width,
        Carrier.mass,
        Carrier.drive,
        Carrier.support,
        Oscillator.frequency,
        Oscillator.phase,
        Oscillator.energy,
        Probe.policy,
    )
    writes = (Carrier.state, Carrier.settled, Carrier.conflict)
    phase = "lifecycle"
    after = ("metabolism",)

    stable: float = param(0.25, ge=0, unit="energy^(1/2)", doc="least |C| of a stable carrier")
    coherent: float = param(0.35, ge=0, le=1, doc="largest conflict at which a carrier becomes stable")
    amplitude: float = param(0.75, ge=0, unit="energy^(1/2)", doc="least |C| to crystallize")
    conflict: float = param(0.12, ge=0, le=1, doc="largest conflict to crystallize")
    time: float = param(1.2, ge=0, unit="time", doc="how long both must hold")
    melting: float | None = param(None, doc="conflict above which a crystallized carrier melts; never if not given")
    anchors: int = param(64, ge=1, doc="most anchors of one carrier")

    def attach(self, world: World) -> None:
        """Bring the spectrum, the anchors, and a population for carriers if there is none."""
        super().attach(world)
        carrier_population(world)
        Anchors.of(world)
        self._spectrum = Spectrum.of(world)

    def step(self, dt: float) -> None:
        """Promote, and melt."""
        follow_conflict(self._spectrum, dt)
        easier = self.world.resource(IdleMode).threshold if self.world.has(IdleMode) else 1.0
        host = self.device.host
        for population, carrier in self.query(Carrier):
            state, conflict, settled = (host(c) for c in (carrier.state, carrier.conflict, carrier.settled))
            size = np.hypot(*host(carrier.amplitude).astype(np.float64).T)
            alive = host(carrier.mass) > 0  # those that starved in this step are still there
            ripe = alive & (size >= self.amplitude * easier) & (conflict <= self.conflict) & (state != CRYSTALLIZED)
            settled = np.where(ripe, settled + dt, 0.0)
            rises = alive & (state == VOLATILE) & (size >= self.stable * easier) & (conflict <= self.coherent)
            # half a step of slack: `time` is reached although its sum of dt was rounded
            freezes = (state == STABLE) & ripe & (settled >= self.time - 0.5 * dt)
            melts = (state == CRYSTALLIZED) & (conflict > (2.0 if self.melting is None else self.melting))
            carrier.settled[:] = self.device.array(settled, self.device.real)
            if rises.any() or freezes.any() or melts.any():
                new = np.select([rises, freezes, melts], [STABLE, CRYSTALLIZED, STABLE], state.astype(np.int64))
                carrier.state[:] = self.device.array(new, np.uint8)
                self._tell(population, carrier, size, stabilized=rises, crystallized=freezes, melted=melts)
                ids = host(population.ids)
                self._remember(ids[freezes])
                Anchors.of(self.world).drop(carriers=ids[melts])

    def _tell(self, population: Any, carrier: Any, size: Any, **kinds: Any) -> None:
        ids, frequency = self.device.host(population.ids), self.device.host(carrier.frequency)
        for kind, chosen in kinds.items():
            if chosen.any():
                values = {"frequency": frequency[chosen].astype(np.float64), "amplitude": size[chosen]}
                self.world.events.emit(kind, id=ids[chosen], **values)

    def _remember(self, carriers: Any) -> None:
        """Store the anchors of carriers, by id."""
        if len(carriers) == 0:
            return
        spectrum, host = self._spectrum, self.device.host
        spectrum.take()
        n = spectrum.oscillators.n
        amplitude, angle = (host(part)[:n].astype(np.float64) for part in (spectrum.amplitude, spectrum.angle))
        c_re, c_im = (host(part).astype(np.float64) for part in spectrum.c)
        amplitude = np.where(policies(spectrum) == FULL_WRITE, amplitude, 0.0)
        for carrier, k in zip(carriers.tolist(), spectrum.carriers.places_of(carriers), strict=True):
            away = (spectrum.oscillators.keys - spectrum.carriers.keys[k]) / spectrum.gates[k]
            weight = np.exp(-(away**2)) * amplitude
            # the largest, and among equals those of lowest frequency; ascending again for storage
            chosen = np.sort(np.argsort(-weight, kind="stable")[: self.anchors])
            chosen = chosen[weight[chosen] > 0]
            share = weight[chosen] / max(np.linalg.norm(weight[chosen]), 1e-300)
            offset = np.mod(angle[chosen] - np.arctan2(c_im[k], c_re[k]), 2 * np.pi)
            Anchors.of(self.world).put(carrier, spectrum.oscillators.ids[chosen], share, offset)
