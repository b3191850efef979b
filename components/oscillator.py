"""Oscillator: the spectral identity of an entity (paper, Definitions 2 and 7)."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sensorium.components.tuning import tuning
from sensorium.engine.component import Columns, Component, Derive, Field

__all__ = ["Oscillator"]


class Oscillator(Component):
    """A phase oscillator z = sqrt(energy) exp(i phase)."""

    frequency = Field("f8", default=1.0, unit="rad/time", doc="intrinsic frequency omega, conserved")
    phase = Field("f8", unit="rad", doc="phase theta in [0, 2 pi)")
    energy = Field("f8", default=1.0, unit="energy", doc="energy E_osc >= 0; the amplitude is sqrt(E_osc)", ge=0)

    derived: ClassVar[Mapping[str, Derive]] = {"amplitude": lambda column: np.asarray(np.sqrt(column("energy")))}
    angles = frozenset({"phase"})

    @classmethod
    def coupling(cls, values: Columns, other: type[Component], others: Columns) -> npt.NDArray[Any]:
        """T_ik to carriers."""
        if "gate_width" not in other.fields:
            return super().coupling(values, other, others)
        return tuning(values, others)
