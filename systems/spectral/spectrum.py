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
def take_oscillators(i, slot, phase, energy, angle, stored):
    """theta and E into the order of frequency."""
    s = nonnegative(slot[i])
    angle[s] = phase[i]
    stored[s] = energy[i]


@kernel(cost=10.0)
def take_phasors(s, angle, energy, free, voice, amplitude, grip, u_re, u_im, z_re, z_im):
    """exp(i theta), the amplitude A = sqrt(E) with which an oscillator drives, z = A exp(i theta) (paper, equation 24),
    and the amplitude by which it is pulled, 0 where its phase is held."""
    sine, cosine = sincos(angle[s])
    a = sqrt(energy[s])
    grip[s] = a * free[s]
    a *= voice if free[s] > 0.0 else 1.0
    amplitude[s] = a
    u_re[s] = cosine
    u_im[s] = sine
    z_re[s] = a * cosine
    z_im[s] = a * sine


@kernel(cost=5.0)
def take_turns(s, speed, factor, re, im):
    """exp(i factor speed)."""
    im[s], re[s] = sincos(factor * speed[s])


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
    speed, angle, amplitude, grip, free, unit, z
        Of the oscillators, after :meth:`take`: omega, theta, the amplitude sqrt(E) with which they drive, that by
        which they are pulled (0 where the phase is held), 1 or 0 likewise, and (re, im) of exp(i theta) and
        sqrt(E) exp(i theta); padded with zeros to whole tiles.
    waves
        The rows of `unit`, `z` and `amplitude` as one array, ``(5, padded)``: what is collected.
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
        self._masks: dict[tuple[str, str], tuple[Any, Any]] = {}
        self._moving: Any = None
        self._turns: tuple[Any, Any] | None = None

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
        self.waves = zeros((5, padded))
        self.unit, self.z, self.amplitude = tuple(self.waves[:2]), tuple(self.waves[2:4]), self.waves[4]
        self.angle, self.grip, self._energy, self._moving = zeros(padded), zeros(padded), zeros(padded), None
        self.c, self.spin, self.live = zeros((2, lines)), zeros(lines), zeros(lines)
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
        self._hold()
        for (population, oscillator), slot in zip(self.world.query(Oscillator), self.oscillators.slots, strict=True):
            take_oscillators(population, slot, oscillator.phase, oscillator.energy, self.angle, self._energy)
        columns = self.amplitude, self.grip, *self.unit, *self.z
        take_phasors(self.oscillator_rows, self.angle, self._energy, self.free, self.rates.voice, *columns)
        for (population, carrier), slot in zip(self.world.query(Carrier), self.carriers.slots, strict=True):
            take_carriers(
                population,
                slot,
                carrier.amplitude,
                carrier.frequency,
                carrier.state,
                self._held(population, Carrier.amplitude),
                self.rates.rotation,
                CRYSTALLIZED if self.rates.frozen else len(STATES),
                *self.c,
                self.spin,
                self.live,
            )

    def _hold(self) -> None:
        """Follow who is held and who turns: ``free`` and ``speed``."""
        rows = self.world.query(Oscillator)
        held = self.world.resource(Held).version if self.world.has(Held) else 0
        stamp = (self.version, self.rates.drift, held, *(population.version for population, _ in rows))
        if stamp == self._moving:
            return
        self._moving, self._turns = stamp, None
        self.free = self.device.zeros(self.sums.padded)
        for (population, _), slot in zip(rows, self.oscillators.slots, strict=True):
            self.free[slot] = 1 - self._held(population, Oscillator.phase)
        self.speed = self.device.zeros(self.sums.padded)
        n = self.oscillators.n
        self.speed[:n] = self.rates.drift * self.device.array(self.oscillators.keys, self.device.real)
        self.speed *= self.free

    def turns(self, factor: float) -> tuple[Any, Any]:
        """(re, im) of exp(i factor omega) of the oscillators taken; made again when they or `factor` have changed."""
        if self._turns is None or self._turns[0] != factor:
            pair = self.device.empty((2, self.sums.padded))
            take_turns(self.oscillator_rows, self.speed, factor, *pair)
            self._turns = factor, pair
        return tuple(self._turns[1])

    def _held(self, population: Population, column: Field) -> Any:
        """Mask of the rows that are boundary conditions; made again when they or the rows have changed."""
        held = self.world.resource(Held) if self.world.has(Held) else Held()
        stamp = (population.version, held.version)
        known = self._masks.get((population.name, column.path))
        if known is None or known[0] != stamp:
            known = self._masks[population.name, column.path] = (stamp, held.mask(population, column))
        return known[1]

    def couple(self, z: Any, carriers: Any, field: Any, drive: Any) -> None:
        """Field and drive of all pairs, anchored ones in their gauge; complex values as (re, im) pairs of arrays."""
        self.sums.couple(tuple(z), tuple(carriers), field, drive)
        self.gauge.correct(z, carriers, field, drive)

    def collect(self, waves: Any) -> Any:
        """sum_i T_ik of each row of `waves`, ``(rows, carriers)``: a new array.

        Rows come in pairs (re, im), each in the gauge of the anchors; a last odd one is of magnitudes, which have none.
        """
        sums = self.device.empty((len(waves), self.sums.lines))
        self.sums.collect(waves, sums)
        for row in range(0, len(waves) - 1, 2):
            self.gauge.correct_drive(waves[row : row + 2], sums[row : row + 2])
        return sums
