"""Splitting: a carrier in conflict bears another where its worst oscillator is."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sensorium.components.carrier import Carrier
from sensorium.components.oscillator import Oscillator
from sensorium.components.probe import FULL_WRITE, Probe
from sensorium.engine.device import Rows
from sensorium.engine.kernel import kernel
from sensorium.engine.math import exp, sincos
from sensorium.engine.primitives import nonnegative
from sensorium.engine.system import System, param
from sensorium.engine.world import World
from sensorium.systems.spectral.conflict import ConflictAverage, follow_conflict
from sensorium.systems.spectral.energy import carrier_population, carrier_stores
from sensorium.systems.spectral.probes import policies
from sensorium.systems.spectral.spectrum import Spectrum

__all__ = ["Splitting"]

HEARD = math.sqrt(math.log(1e3))  # widths to T = 1e-3: nobody beyond is a reason to split, however misaligned


@kernel(
    tasks=True,
    signature="i8[:], i8[:], i8[:], real[:], real[:], real[:], real[:], real[:], real[:], i8[:]",
)
def find_offender(t, lines, first, past, omega, angle, amplitude, centre, gate, target, offender):
    """The oscillator of largest T A (1 - cos(theta - psi)) of a carrier, the lowest of equals; -1 where all are 0."""
    k = nonnegative(lines[t])
    worst = 0.0
    offender[t] = -1
    for i in range(first[t], past[t]):
        s = nonnegative(i)
        x = (omega[s] - centre[k]) / gate[k]
        half, _ = sincos(0.5 * (angle[s] - target[t]))
        misfit = exp(-(x * x)) * amplitude[s] * 2.0 * half * half
        if misfit > worst:
            worst = misfit
            offender[t] = i


class Splitting(System):
    """Conflict-driven splitting (paper, Section 7.5).

    The conflict of a carrier, 1 - |sum T z| / sum T |z|, is averaged over `window`. Above the threshold the carrier
    bears another at the frequency of its most misaligned oscillator, the one of largest
    T A (1 - cos(theta - psi)), never a probe unless it may write. The child is narrower, starts at rest, and takes
    `share` of its parent's mass; nothing is booked. An oscillator with T < 1e-3 is no reason to split. No child is
    born where a carrier is already within `separation` of its width, or where `capacity` carriers live. The average of
    the parent starts again from 0.

    Emits ``born`` with id, frequency and parent, and ``split`` with the same and the oscillator.
    """

    reads = (
        Carrier.amplitude,
        Carrier.frequency,
        Carrier.gate_width,
        Carrier.drive,
        Carrier.support,
        Oscillator.frequency,
        Oscillator.phase,
        Oscillator.energy,
        Probe.policy,
    )
    writes = (Carrier.conflict, Carrier.mass)
    phase = "lifecycle"
    after = ("metabolism", "crystallization")

    conflict: float = param(0.35, ge=0, le=1, doc="average conflict above which a carrier splits")
    window: float = param(0.1, gt=0, unit="time", doc="time constant of the average")
    narrowing: float = param(0.5, gt=0, le=1, doc="gate width of the child over that of its parent")
    narrowest: float = param(0.08, gt=0, unit="rad/time", doc="least gate width of a child")
    separation: float = param(0.5, ge=0, doc="least distance to another carrier, in gate widths of the child")
    share: float = param(0.5, ge=0, lt=1, doc="part of the parent's mass that goes to the child")
    capacity: int = param(64, ge=0, doc="most carriers that live at one time")

    def attach(self, world: World) -> None:
        """Bring the spectrum, and a population for carriers if there is none."""
        super().attach(world)
        carrier_population(world)
        self._spectrum = Spectrum.of(world)
        ConflictAverage.of(world).window = self.window

    def step(self, dt: float) -> None:
        """Find carriers in conflict, and let them split, those of most conflict first."""
        follow_conflict(self._spectrum, dt)
        troubled = self._troubled()
        if not troubled:
            return
        spectrum = self._spectrum
        spectrum.take()
        ids = np.array([population.ids[row] for population, _, row, _ in troubled])
        lines = spectrum.carriers.places_of(ids)
        offenders = self._offenders(lines)
        taken = spectrum.carriers.keys.tolist()
        room = self.capacity - sum(p.n + born - died for p, born, died in self._populations())
        for (population, carrier, row, _), line, offender in zip(troubled, lines, offenders, strict=True):
            carrier.conflict[row] = 0.0
            if offender < 0 or room <= 0:
                continue
            frequency = float(spectrum.oscillators.keys[offender])
            width = max(self.narrowest, self.narrowing * float(spectrum.gates[line]))
            if min(abs(frequency - other) for other in taken) < self.separation * width:
                continue
            self._bear(population, carrier, row, frequency, width, int(spectrum.oscillators.ids[offender]))
            taken.append(frequency)
            room -= 1

    def _populations(self) -> list[tuple[Any, int, int]]:
        return [(p, *self.world.commands.pending(p)) for p, _ in self.query(Carrier)]

    def _troubled(self) -> list[tuple[Any, Any, int, float]]:
        """(population, view, row, conflict) of carriers above the threshold, worst first, then oldest."""
        found = []
        for population, carrier in self.query(Carrier):
            conflict = self.device.host(carrier.conflict)
            ids = self.device.host(population.ids)
            # those that starved in this step are still there
            rows = np.flatnonzero((conflict > self.conflict) & (self.device.host(carrier.mass) > 0))
            found += [((-float(conflict[r]), int(ids[r])), population, carrier, int(r)) for r in rows]
        return [(p, view, row, -key[0]) for key, p, view, row in sorted(found, key=lambda entry: entry[0])]

    def _offenders(self, lines: Any) -> Any:
        """Place of the most misaligned oscillator of each carrier in the order of frequency; -1 for none."""
        spectrum, device = self._spectrum, self.device
        keys, centre, gate = spectrum.oscillators.keys, spectrum.carriers.keys[lines], spectrum.gates[lines]
        reach = min(spectrum.rates.cutoff or HEARD, HEARD) * gate
        first = np.searchsorted(keys, centre - reach, side="left")
        past = np.searchsorted(keys, centre + reach, side="right")
        c_re, c_im = (device.host(part)[lines].astype(np.float64) for part in spectrum.c)
        may = device.array(policies(spectrum) == FULL_WRITE, device.real)
        amplitude = device.array(spectrum.amplitude)
        amplitude[: len(may)] *= may
        offender = device.empty(len(lines), np.int64)
        find_offender(
            Rows(len(lines), device),
            *(device.array(part) for part in (lines, first, past)),
            *(device.array(part, device.real) for part in (keys,)),
            spectrum.angle,
            amplitude,
            device.array(spectrum.carriers.keys, device.real),
            device.array(spectrum.gates, device.real),
            device.array(np.arctan2(c_im, c_re), device.real),
            offender,
        )
        return device.host(offender)

    def _bear(self, population: Any, carrier: Any, row: int, frequency: float, width: float, offender: int) -> None:
        parent = int(self.device.host(population.ids)[row])
        whole = float(carrier.mass[row])
        carrier.mass[row] = whole * (1 - self.share)
        # what the parent has lost, as it is stored: the masses still add up
        given = whole - float(carrier.mass[row])
        values = {Carrier.frequency: frequency, Carrier.gate_width: width, Carrier.mass: given}
        ids = self.world.commands.spawn(population, 1, values)
        told = {"id": ids, "frequency": np.array([frequency]), "parent": np.array([parent])}
        self.world.events.emit("born", **told)
        self.world.events.emit("split", **told, oscillator=np.array([offender]))

    def stores(self) -> dict[str, float]:
        """``carrier``: |C|^2 + M of all carriers."""
        return carrier_stores(self)
