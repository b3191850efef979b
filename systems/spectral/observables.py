"""Observables of the spectral layer: potential, its phase-free diagnostic, and the order parameter."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.systems.spectral.spectrum import Spectrum

__all__ = ["carriers_of", "diagnostic", "drive_of", "gain", "order_parameter", "potential"]


def drive_of(spectrum: Spectrum, z: tuple[Any, Any]) -> Any:
    """sum_i T_ik z_i as complex numbers in the order of the carriers, on the host."""
    re, im = spectrum.device.host(spectrum.collect(z)).astype(np.float64)
    return re + 1j * im


def carriers_of(spectrum: Spectrum) -> Any:
    """C as complex numbers in the order of the carriers, on the host."""
    re, im = (spectrum.device.host(part).astype(np.float64) for part in spectrum.c)
    return re + 1j * im


def gain(spectrum: Spectrum) -> float:
    """Factor of the drive: 1, or 1 / N where oscillators drive by their mean."""
    return 1.0 / max(spectrum.oscillators.n, 1) if spectrum.rates.mean else 1.0


def potential(spectrum: Spectrum, decay: float | None = None) -> float:
    """V = - gain sum T_ik Re(z_i C_k^*) + decay / 2 sum |C_k|^2 of the state taken (paper, equation 25)."""
    c = carriers_of(spectrum)
    decay = spectrum.rates.decay if decay is None else decay
    work = np.sum((drive_of(spectrum, spectrum.z) * c.conj()).real)
    return float(0.5 * decay * np.sum(np.abs(c) ** 2) - gain(spectrum) * work)


def diagnostic(spectrum: Spectrum) -> float:
    """- sum_k |C_k| |sum_i T_ik exp(i (theta_i - psi_k))|^2 (paper, equation 16).

    It does not depend on the phases psi of the carriers and drives nothing.
    """
    resonance = np.abs(drive_of(spectrum, spectrum.unit)) ** 2
    return -float(np.sum(np.abs(carriers_of(spectrum)) * resonance))


def order_parameter(spectrum: Spectrum) -> float:
    """Kuramoto's r = |mean of exp(i theta)| over all oscillators; 0 without any."""
    if spectrum.oscillators.n == 0:
        return 0.0
    re, im = (spectrum.device.host(part)[: spectrum.oscillators.n].astype(np.float64) for part in spectrum.unit)
    return float(np.hypot(np.mean(re), np.mean(im)))
