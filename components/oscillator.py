"""Oscillator: the spectral identity of an entity (paper, Definitions 2 and 7)."""

from __future__ import annotations

from sensorium.engine.component import Component, Field

__all__ = ["Oscillator"]


class Oscillator(Component):
    """A phase oscillator z = sqrt(energy) exp(i phase)."""

    frequency = Field("f8", default=1.0, unit="rad/time", doc="intrinsic frequency omega, conserved")
    phase = Field("f8", unit="rad", doc="phase theta in [0, 2 pi)")
    energy = Field("f8", default=1.0, unit="energy", doc="oscillator energy E_osc >= 0; the amplitude is sqrt(E_osc)")
