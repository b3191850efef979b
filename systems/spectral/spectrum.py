"""Spectrum: all oscillators and carriers of a world in order of frequency, as one working set."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np

from sensorium.components.anchors import Anchors
from sensorium.components.carrier import CRYSTALLIZED, STATES, Carrier
from sensorium.components.conditions import Held
from sensorium.components.oscillator import Oscillator
from sensorium.engine.component import Field
from sensorium.engine.device import Rows
from sensorium.engine.kernel import kernel, real
from sensorium.engine.math import sincos, sqrt
from sensorium.engine.population import Population
from sensorium.engine.primitives import nonnegative
from sensorium.engine.sorted_rows import SortedRows
from sensorium.engine.world import World
from sensorium.systems.spectral.gauge import Gauge
from sensorium.systems.spectral.tuning import TunedSums

__all__ = ["Rates", "Spectrum"]

AXIS = (Oscillator.frequency, Carrier.frequency, Carrier.gate_width)


@dataclass(frozen=True)
class Rates:
    """Rates of the flow, nominal: what its system tells the others.

    Attributes
    ----------
    coupling, decay
        As in equations 25 to 28.
    drift, rotation
        1 or 0: whether oscillators, and carriers, turn at their own frequency.
    mean
        Whether oscillators drive by their mean rather than their sum.
    voice
        Factor of the amplitude with which oscillators drive whose phase is not held.
    frozen
        Whether crystallized carriers keep their C; in recall they answer like the others.
    cutoff
        Widths beyond which T = 0; None is exact.
    """

    coupling: float = 0.25
    decay: float = 0.15
    drift: float = 1.0
    rotation: float = 1.0
    mean: bool = False
    voice: float = 1.0
    frozen: bool = True
    cutoff: float | None = None


@kernel
def take_oscillators(
    i, slot, frequency, phase, energy, held, drift, voice, speed, angle, amplitude, grip, free, z_re, z_im
):
    """Into the order of frequency: omega, theta, the amplitude A = sqrt(E) with which it drives, z = A exp(i theta)
    (paper, equation 24), the amplitude by which it is pulled, and 1 or 0 where its phase is free or held."""
    s = nonnegative(slot[i])
    a = sqrt(energy[i])
    sine, cosine = sincos(phase[i])
    free[s] = real(1 - held[i])
    speed[s] = drift * frequency[i] * free[s]
    angle[s] = phase[i]
    grip[s] = a * free[s]
    a *= voice if held[i] == 0 else 1.0
    amplitude[s] = a
    z_re[s] = a * cosine
    z_im[s] = a * sine


@kernel
def take_carriers(i, slot, amplitude, frequency, state, held, rotation, frozen, c_re, c_im, spin, live):
    """Into the order of frequency: C, its free rotation, and 1 where it obeys the flow, 0 where it is frozen.

    A frozen carrier still turns; a held one does not.
    """
    s = nonnegative(slot[i])
    c_re[s] = amplitude[i, 0]
    c_im[s] = amplitude[i, 1]
    spin[s] = rotation * frequency[i] * real(1 - held[i])
    live[s] = real(state[i] != frozen) * real(1 - held[i])


@kernel
def unit_phasors(s, angle, z_re, z_im):
    sine, cosine = sincos(angle[s])
    z_re[s] = cosine
    z_im[s] = sine


class Spectrum:
    """The working set of the spectral systems; a resource without a state of its own.

    Oscillators of all populations, and carriers of all populations, are each sorted by frequency and then by id.
    Arrays named below are in that order, on the device, in the working real.

    Attributes
    ----------
    oscillators, carriers
        The orders.
    sums, gauge
        Tuned sums between them, and what the phase offsets of anchors change in those.
    gates
        Widths of the carriers, in double, on the host.
    rates
        Rates of the flow, from the system that computes it.
    version
        Counts the changes of T.
    speed, angle, amplitude, grip, free, z
        Of the oscillators, after :meth:`take`: omega, theta, the amplitude sqrt(E) with which they drive, that by
        which they are pulled (0 where the phase is held), 1 or 0 likewise, and (re, im) of sqrt(E) exp(i theta);
        padded with zeros to whole tiles.
    c, spin, live
        Of the carriers, after :meth:`take`: (re, im) of C, rotation rate, and 1 or 0 for evolving or frozen.
    """

    def __init__(self, world: World) -> None:
        self.world, self.device = world, world.device
        self.oscillators = SortedRows(Oscillator.frequency, world.device)
        self.carriers = SortedRows(Carrier.frequency, world.device)
        self.sums, self.gauge = TunedSums(world.device), Gauge(world.device)
        self.rates = Rates()
        self.version = 0
        self.gates: Any = None
        self._cutoff: float | None = None
        self._stamp: Any = None
        self._free: dict[str, tuple[Any, Any]] = {}

    @classmethod
    def of(cls, world: World) -> Spectrum:
        """The spectrum of `world`, made when first asked for."""
        if not world.has(cls):
            world.insert(cls(world))
        return world.resource(cls)

    def refresh(self) -> None:
        """Follow births, deaths, storage order, anchors, and changes of frequencies and widths."""
        anchored = self.world.resource(Anchors).version if self.world.has(Anchors) else -1
        stamp = (self.world.stamp(*AXIS), anchored, self.rates.cutoff)
        if stamp == self._stamp:
            return
        self._stamp = stamp
        changed = self.oscillators.refresh([p for p, _ in self.world.query(Oscillator)])
        changed |= self.carriers.refresh([p for p, _ in self.world.query(Carrier)])
        gates, cutoff = self.sorted_gates(), self.rates.cutoff
        if changed or self.gates is None or cutoff != self._cutoff or not np.array_equal(gates, self.gates):
            self.gates, self._cutoff = gates, cutoff
            self.sums.place(self.oscillators.keys, self.carriers.keys, gates, cutoff)
            self._allocate()
            self.version += 1
        if self.world.has(Anchors):
            anchors = self.world.resource(Anchors)
            self.gauge.refresh(anchors, self.version, self.oscillators, self.carriers, self.gates)

    def sorted_gates(self) -> Any:
        """Gate widths in the order of the carriers, in double, on the host."""
        gates = np.empty(self.carriers.n)
        for (_, carrier), slot in zip(self.world.query(Carrier), self.carriers.slots, strict=True):
            gates[self.device.host(slot)] = self.device.host(carrier.gate_width)
        return gates

    def _allocate(self) -> None:
        zeros, padded, lines = self.device.zeros, self.sums.padded, self.sums.lines
        self.speed, self.angle, self.amplitude, self.grip, self.free = (zeros(padded) for _ in range(5))
        self.z = zeros(padded), zeros(padded)
        self.c = zeros(lines), zeros(lines)
        self.spin, self.live = zeros(lines), zeros(lines)
        self.oscillator_ids = self.device.array(self.oscillators.ids)
        self.carrier_ids = self.device.array(self.carriers.ids)

    @property
    def oscillator_rows(self) -> Rows:
        """What kernels over the oscillators in order are launched over."""
        return Rows(self.oscillators.n, self.device)

    @property
    def carrier_rows(self) -> Rows:
        """What kernels over the carriers in order are launched over."""
        return Rows(self.carriers.n, self.device)

    def take(self) -> None:
        """Refresh, and read the present state of oscillators and carriers."""
        self.refresh()
        drift, rotation = self.rates.drift, self.rates.rotation
        for (population, oscillator), slot in zip(self.world.query(Oscillator), self.oscillators.slots, strict=True):
            take_oscillators(
                population,
                slot,
                oscillator.frequency,
                oscillator.phase,
                oscillator.energy,
                self._held(population, Oscillator.phase),
                drift,
                self.rates.voice,
                self.speed,
                self.angle,
                self.amplitude,
                self.grip,
                self.free,
                *self.z,
            )
        for (population, carrier), slot in zip(self.world.query(Carrier), self.carriers.slots, strict=True):
            take_carriers(
                population,
                slot,
                carrier.amplitude,
                carrier.frequency,
                carrier.state,
                self._held(population, Carrier.amplitude),
                rotation,
                CRYSTALLIZED if self.rates.frozen else len(STATES),
                *self.c,
                self.spin,
                self.live,
            )

    def _held(self, population: Population, column: Field) -> Any:
        """Mask of the rows that are boundary conditions; made again when they or the rows have changed."""
        held = self.world.resource(Held) if self.world.has(Held) else Held()
        stamp = (population.version, held.version)
        known = self._free.get(population.name)
        if known is None or known[0] != stamp:
            known = self._free[population.name] = (stamp, held.mask(population, column))
        return known[1]

    def couple(self, z: Any, carriers: Any, field: Any, drive: Any) -> None:
        """Field and drive of all pairs, anchored ones in their gauge; complex values as (re, im) pairs of arrays."""
        self.sums.couple(tuple(z), tuple(carriers), field, drive)
        self.gauge.correct(z, carriers, field, drive)

    def collect(self, z: Any) -> Any:
        """Drive of the carriers by `z`, ``(2, carriers)``: a new array."""
        drive = self.device.empty((2, self.sums.lines))
        for part, total in zip(z, drive, strict=True):
            self.sums.collect(part, total)
        self.gauge.correct_drive(z, drive)
        return drive

    def unit(self) -> tuple[Any, Any]:
        """(re, im) of exp(i theta) of the oscillators taken; a new pair of arrays, padded with zeros."""
        phasors = self.device.zeros(self.sums.padded), self.device.zeros(self.sums.padded)
        unit_phasors(self.oscillator_rows, self.angle, *phasors)
        return phasors
