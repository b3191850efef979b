"""Residual: how far the spectral layer is from a minimum of its potential (paper, equation 23)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.systems.spectral.observables import gain
from sensorium.systems.spectral.spectrum import Spectrum

__all__ = ["residual_gradient"]


def residual_gradient(spectrum: Spectrum) -> float:
    """Norm of the gradient of V (25) over free carriers and phases, relative to that of its parts; in [0, 1].

    The gradient is D - lambda C for a carrier and A Im(exp(-i theta) G) for a phase, its parts are D and lambda C, and
    A G. Rotation at the own frequency is no part of V: the gradient vanishes at rest only in the rotating frame, or for
    frequency 0.
    """
    spectrum.take()
    device, n = spectrum.device, spectrum.oscillators.n
    field, drive = device.empty((2, spectrum.sums.padded)), device.empty((2, spectrum.sums.lines))
    spectrum.couple(spectrum.z, spectrum.c, field, drive)
    live, free = device.host(spectrum.live) > 0, device.host(spectrum.grip)[:n] > 0
    d = gain(spectrum) * _complex(spectrum, drive)[live]
    pulled = spectrum.rates.decay * _complex(spectrum, spectrum.c)[live]
    z, g = _complex(spectrum, spectrum.z)[:n][free], _complex(spectrum, field)[:n][free]
    left = np.sum(np.abs(d - pulled) ** 2) + np.sum((z.conj() * g).imag ** 2)
    whole = np.sum((np.abs(d) + np.abs(pulled)) ** 2) + np.sum(np.abs(z * g) ** 2)
    return float(np.sqrt(left / whole)) if whole > 0 else 0.0


def _complex(spectrum: Spectrum, parts: Any) -> Any:
    re, im = (spectrum.device.host(part).astype(np.float64) for part in parts)
    return re + 1j * im
