"""Momenta of phases and carriers, for conservative runs (paper, Section 4.2)."""

from __future__ import annotations

from sensorium.engine.component import Component, Field

__all__ = ["CarrierMomentum", "PhaseMomentum"]


class PhaseMomentum(Component):
    """Gives the phase of an oscillator inertia; a free phase turns at momentum / inertia."""

    momentum = Field("f8", unit="energy time", doc="momentum p conjugate to the phase")
    inertia = Field("f8", default=1.0, unit="energy time^2", doc="inertia m, > 0", gt=0)


class CarrierMomentum(Component):
    """Gives the amplitude of a carrier inertia; carriers without it stay as they are in conservative runs."""

    rate = Field("f8", shape=(2,), unit="energy^(1/2) time", doc="momentum P conjugate to C, as [re, im]")
    weight = Field("f8", default=1.0, unit="time^2", doc="inertia mu of C, > 0", gt=0)
