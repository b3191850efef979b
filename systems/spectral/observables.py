"""Observables of the spectral layer: potential, its phase-free diagnostic, and the order parameter."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sensorium.systems.spectral.spectrum import Spectrum

__all__ = ["carriers_of", "diagnostic", "drives_of", "gain", "order_parameter", "potential"]


def drives_of(spectrum: Spectrum, waves: Any) -> Any:
    """sum_i T_ik z_i of each (re, im) pair of rows of `waves`, ``(pairs, carriers)`` complex, on the host."""
    sums = spectrum.device.host(spectrum.collect(waves)).astype(np.float64)
    return sums[0::2] + 1j * sums[1::2]


def carriers_of(spectrum: Spectrum) -> Any:
    """C as complex numbers in the order of the carriers, on the host."""
    re, im = spectrum.device.host(spectrum.c).astype(np.float64)
    return re + 1j * im


def gain(spectrum: Spectrum) -> float:
    """Factor of the drive: 1, or 1 / N where oscillators drive by their mean."""
    return 1.0 / max(spectrum.oscillators.n, 1) if spectrum.rates.mean else 1.0


def potential(spectrum: Spectrum, decay: float | None = None, drive: Any = None) -> float:
    """V = - gain sum T_ik Re(z_i C_k^*) + decay / 2 sum |C_k|^2 of the state taken (paper, equation 25).

    `drive` is the sum_i T_ik z_i, where it is at hand.
    """
    c = carriers_of(spectrum)
    decay = spectrum.rates.decay if decay is None else decay
    drive = drives_of(spectrum, spectrum.waves[2:4])[0] if drive is None else drive
    work = np.sum((drive * c.conj()).real)
    return float(0.5 * decay * np.sum(np.abs(c) ** 2) - gain(spectrum) * work)


def diagnostic(spectrum: Spectrum, resonance: Any) -> float:
    """- sum_k |C_k| |sum_i T_ik exp(i (theta_i - psi_k))|^2 (paper, equation 16).

    `resonance` is the sum_i T_ik exp(i theta_i). The result does not depend on the phases psi of the carriers and
    drives nothing.
    """
    return -float(np.sum(np.abs(carriers_of(spectrum)) * np.abs(resonance) ** 2))


def order_parameter(spectrum: Spectrum) -> float:
    """Kuramoto's r = |mean of exp(i theta)| over all oscillators; 0 without any."""
    if spectrum.oscillators.n == 0:
        return 0.0
    cosine, sine = spectrum.device.host(spectrum.waves[:2])[:, : spectrum.oscillators.n]
    return math.hypot(np.mean(cosine, dtype=np.float64), np.mean(sine, dtype=np.float64))
