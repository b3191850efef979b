"""Residual: how far the spectral layer is from a minimum of its potential (paper, equation 23)."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.systems.spectral.observables import gain
from sensorium.systems.spectral.spectrum import Spectrum

__all__ = ["residual_gradient"]


def residual_gradient(spectrum: Spectrum) -> float:
    """Largest relative gradient of V (25) over free carriers and phases, in [0, 1]; 0 at a minimum.

    For a carrier |D - lambda C| / (|D| + lambda |C|), for a phase |sin| of its angle to the field. Rotation at its own
    frequency is no part of V: the gradient vanishes at rest only in the rotating frame, or for frequency 0.
    """
    spectrum.take()
    device, n = spectrum.device, spectrum.oscillators.n
    field, drive = device.empty((2, spectrum.sums.padded)), device.empty((2, spectrum.sums.lines))
    spectrum.couple(spectrum.z, spectrum.c, field, drive)
    c, d = _complex(spectrum, spectrum.c), gain(spectrum) * _complex(spectrum, drive)
    pulled = spectrum.rates.decay * c
    live = device.host(spectrum.live) > 0
    worst = _ratio(np.abs(d - pulled), np.abs(d) + np.abs(pulled), live)
    z, g = _complex(spectrum, spectrum.z)[:n], _complex(spectrum, field)[:n]
    free = device.host(spectrum.grip)[:n] > 0
    return max(worst, _ratio(np.abs((z.conj() * g).imag), np.abs(z) * np.abs(g), free))


def _complex(spectrum: Spectrum, parts: Any) -> Any:
    re, im = (spectrum.device.host(part).astype(np.float64) for part in parts)
    return re + 1j * im


def _ratio(top: Any, bottom: Any, chosen: Any) -> float:
    chosen = chosen & (bottom > 0)
    return float((top[chosen] / bottom[chosen]).max()) if chosen.any() else 0.0
