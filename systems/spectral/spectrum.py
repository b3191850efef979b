"""Spectrum: all oscillators and carriers of a world in order of frequency, as one working set."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.components.carrier import CRYSTALLIZED, Carrier
from sensorium.components.oscillator import Oscillator
from sensorium.engine.device import Rows
from sensorium.engine.kernel import kernel, real
from sensorium.engine.math import sincos, sqrt
from sensorium.engine.primitives import nonnegative
from sensorium.engine.sorted_rows import SortedRows
from sensorium.engine.world import World
from sensorium.systems.spectral.tuning import TunedSums

__all__ = ["Spectrum"]


@kernel
def take_oscillators(i, slot, frequency, phase, energy, speed, angle, amplitude, z_re, z_im):
    """Into the order of frequency: omega, theta, A = sqrt(E) and z = A exp(i theta) (paper, equation 24)."""
    s = nonnegative(slot[i])
    a = sqrt(energy[i])
    sine, cosine = sincos(phase[i])
    speed[s] = frequency[i]
    angle[s] = phase[i]
    amplitude[s] = a
    z_re[s] = a * cosine
    z_im[s] = a * sine


@kernel
def take_carriers(i, slot, amplitude, frequency, state, rotation, frozen, c_re, c_im, spin, live):
    """Into the order of frequency: C, its free rotation, and 1 where it obeys the flow, 0 where it is frozen."""
    s = nonnegative(slot[i])
    c_re[s] = amplitude[i, 0]
    c_im[s] = amplitude[i, 1]
    spin[s] = rotation * frequency[i]
    live[s] = real(state[i] != frozen)


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
    sums
        Tuned sums between them.
    speed, angle, amplitude, z
        Of the oscillators, after :meth:`take`: omega, theta, sqrt(E), and (re, im) of sqrt(E) exp(i theta); padded
        with zeros to whole tiles.
    c, spin, live
        Of the carriers, after :meth:`take`: (re, im) of C, rotation rate, and 1 or 0 for evolving or frozen.
    """

    def __init__(self, world: World) -> None:
        self.world, self.device = world, world.device
        self.oscillators = SortedRows(Oscillator.frequency, world.device)
        self.carriers = SortedRows(Carrier.frequency, world.device)
        self.sums = TunedSums(world.device)
        self.cutoff: float | None = None
        self.version = 0
        self._gates: Any = None
        self._placed: float | None = None

    @classmethod
    def of(cls, world: World) -> Spectrum:
        """The spectrum of `world`, made when first asked for."""
        if not world.has(cls):
            world.insert(cls(world))
        return world.resource(cls)

    def refresh(self) -> None:
        """Follow births, deaths, storage order, and changes of frequencies and widths; ``version`` counts those that
        change T."""
        changed = self.oscillators.refresh([p for p, _ in self.world.query(Oscillator)])
        changed |= self.carriers.refresh([p for p, _ in self.world.query(Carrier)])
        gates = self.sorted_gates()
        if changed or self._gates is None or self.cutoff != self._placed or not np.array_equal(gates, self._gates):
            self._gates, self._placed = gates, self.cutoff
            self.sums.place(self.oscillators.keys, self.carriers.keys, gates, self.cutoff)
            self._allocate()
            self.version += 1

    def sorted_gates(self) -> Any:
        """Gate widths in the order of the carriers, in double, on the host."""
        gates = np.empty(self.carriers.n)
        for (_, carrier), slot in zip(self.world.query(Carrier), self.carriers.slots, strict=True):
            gates[self.device.host(slot)] = self.device.host(carrier.gate_width)
        return gates

    def _allocate(self) -> None:
        zeros, padded, lines = self.device.zeros, self.sums.padded, self.sums.lines
        self.speed, self.angle, self.amplitude = (zeros(padded) for _ in range(3))
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

    def take(self, rotation: float = 1.0) -> None:
        """Refresh, and read the present state of oscillators and carriers; `rotation` scales ``spin``."""
        self.refresh()
        for (population, oscillator), slot in zip(self.world.query(Oscillator), self.oscillators.slots, strict=True):
            take_oscillators(
                population,
                slot,
                oscillator.frequency,
                oscillator.phase,
                oscillator.energy,
                self.speed,
                self.angle,
                self.amplitude,
                *self.z,
            )
        for (population, carrier), slot in zip(self.world.query(Carrier), self.carriers.slots, strict=True):
            take_carriers(
                population,
                slot,
                carrier.amplitude,
                carrier.frequency,
                carrier.state,
                rotation,
                CRYSTALLIZED,
                *self.c,
                self.spin,
                self.live,
            )

    def unit(self) -> tuple[Any, Any]:
        """(re, im) of exp(i theta) of the oscillators taken; a new pair of arrays, padded with zeros."""
        phasors = self.device.zeros(self.sums.padded), self.device.zeros(self.sums.padded)
        unit_phasors(self.oscillator_rows, self.angle, *phasors)
        return phasors
