"""Conservative spectral layer: velocity Verlet for phases and carriers with inertia (paper, equations 17 to 19).

H = sum p_i^2 / 2 m_i + sum |P_k|^2 / 2 mu_k + V with the potential of equation 25. Nothing decays and nothing is
noisy; phases turn by their momentum, not by their frequency. Second order, time reversible, with bounded energy error.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sensorium.components.carrier import Carrier
from sensorium.components.momentum import CarrierMomentum, PhaseMomentum
from sensorium.components.oscillator import Oscillator
from sensorium.engine.kernel import kernel
from sensorium.engine.math import floor, sincos, sqrt
from sensorium.engine.primitives import nonnegative
from sensorium.systems.spectral.observables import gain, potential
from sensorium.systems.spectral.spectrum import Spectrum

__all__ = ["conserved_potential", "kinetic_energy", "verlet"]

TURN = 2 * math.pi


@kernel(cost=10.0, signature="i4[:], real[:], real[:], real[:], real[:], real[:], real[:], real, real")
def kick_phases(i, slot, phase, energy, g_re, g_im, free, momentum, factor, dt):
    """p -= dV/dtheta dt = factor A Im(exp(-i theta) G) dt."""
    s = nonnegative(slot[i])
    sine, cosine = sincos(phase[i])
    momentum[i] += dt * factor * free[s] * sqrt(energy[i]) * (cosine * g_im[s] - sine * g_re[s])


@kernel(signature="i4[:], real[:], real[:], real[:], real[:], real")
def drift_phases(i, slot, free, momentum, inertia, phase, dt):
    """theta += p dt / m, into [0, 2 pi); a held phase stays."""
    if free[nonnegative(slot[i])] > 0.0:
        theta = phase[i] + dt * momentum[i] / inertia[i]
        theta -= TURN * floor(theta / TURN)
        phase[i] = theta if theta >= 0.0 and theta < TURN else 0.0


@kernel(signature="i4[:], real[:], real[:], real[:], real[:,:], real[:,:], real, real, real")
def kick_carriers(i, slot, d_re, d_im, live, amplitude, rate, factor, decay, dt):
    """P -= dV/dC dt = (factor D - decay C) dt."""
    k = nonnegative(slot[i])
    rate[i, 0] += dt * live[k] * (factor * d_re[k] - decay * amplitude[i, 0])
    rate[i, 1] += dt * live[k] * (factor * d_im[k] - decay * amplitude[i, 1])


@kernel(signature="i4[:], real[:], real[:,:], real[:], real[:,:], real")
def drift_carriers(i, slot, live, rate, weight, amplitude, dt):
    """C += P dt / mu."""
    k = nonnegative(slot[i])
    amplitude[i, 0] += dt * live[k] * rate[i, 0] / weight[i]
    amplitude[i, 1] += dt * live[k] * rate[i, 1] / weight[i]


def kinetic_energy(spectrum: Spectrum) -> float:
    """sum p^2 / 2 m + sum |P|^2 / 2 mu [energy]."""
    world, host, total = spectrum.world, spectrum.device.host, 0.0
    for _, moving in world.query(PhaseMomentum):
        total += float(np.sum(host(moving.momentum).astype(np.float64) ** 2 / host(moving.inertia) / 2))
    for _, moving in world.query(CarrierMomentum):
        square = (host(moving.rate).astype(np.float64) ** 2).sum(axis=1)
        total += float(np.sum(square / host(moving.weight) / 2))
    return total


def conserved_potential(spectrum: Spectrum) -> float:
    """V of the present state."""
    spectrum.take()
    return potential(spectrum)


class _Forces:
    """Field and drive at the present state, and the kicks that they give."""

    def __init__(self, spectrum: Spectrum) -> None:
        spectrum.take()
        empty = spectrum.device.empty
        self.spectrum = spectrum
        self.field, self.drive = empty((2, spectrum.sums.padded)), empty((2, spectrum.sums.lines))
        spectrum.couple(spectrum.z, spectrum.c, self.field, self.drive)

    def kick(self, dt: float) -> None:
        """Half of a step each time."""
        spectrum, factor = self.spectrum, gain(self.spectrum)
        slots = dict(zip(spectrum.oscillators.populations, spectrum.oscillators.slots, strict=True))
        for population, moving, view in spectrum.world.query(PhaseMomentum, Oscillator):
            columns = view.phase, view.energy
            kick_phases(
                population, slots[population], *columns, *self.field, spectrum.free, moving.momentum, factor, dt
            )
        slots = dict(zip(spectrum.carriers.populations, spectrum.carriers.slots, strict=True))
        for population, moving, view in spectrum.world.query(CarrierMomentum, Carrier):
            arrays = slots[population], *self.drive, spectrum.live, view.amplitude, moving.rate
            kick_carriers(population, *arrays, factor, spectrum.rates.decay, dt)

    def drift(self, dt: float) -> None:
        """With the momenta at hand."""
        spectrum = self.spectrum
        slots = dict(zip(spectrum.oscillators.populations, spectrum.oscillators.slots, strict=True))
        for population, moving, view in spectrum.world.query(PhaseMomentum, Oscillator):
            drift_phases(population, slots[population], spectrum.free, moving.momentum, moving.inertia, view.phase, dt)
        slots = dict(zip(spectrum.carriers.populations, spectrum.carriers.slots, strict=True))
        for population, moving, view in spectrum.world.query(CarrierMomentum, Carrier):
            drift_carriers(population, slots[population], spectrum.live, moving.rate, moving.weight, view.amplitude, dt)


def verlet(spectrum: Spectrum, dt: float) -> tuple[float, Any]:
    """One step: half a kick, a drift, new forces, half a kick.

    Returns
    -------
    work
        Work done by the kicks, the change of :func:`kinetic_energy`.
    drive
        (re, im) of the drive of the carriers at the end, in their order.
    """
    before = kinetic_energy(spectrum)
    forces = _Forces(spectrum)
    forces.kick(0.5 * dt)
    forces.drift(dt)
    forces = _Forces(spectrum)
    forces.kick(0.5 * dt)
    return kinetic_energy(spectrum) - before, forces.drive
