"""Who may write: probes are seen, but leave no trace unless their policy says so."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.components.oscillator import Oscillator
from sensorium.components.probe import FULL_WRITE, Probe
from sensorium.systems.spectral.spectrum import Spectrum

__all__ = ["policies"]


def policies(spectrum: Spectrum) -> Any:
    """Policy of each oscillator in the order of frequency, ``(n,)`` uint8 on the host; ordinary ones write in full."""
    found = np.full(spectrum.oscillators.n, FULL_WRITE, np.uint8)
    for (population, _), slot in zip(spectrum.world.query(Oscillator), spectrum.oscillators.slots, strict=True):
        if Probe in population:
            found[spectrum.device.host(slot)] = spectrum.device.host(population[Probe].policy)
    return found
