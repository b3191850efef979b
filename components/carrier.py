"""Carrier: a resonant mode in frequency space (paper, Definition 8)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt

from sensorium.components.tuning import tuning
from sensorium.engine.component import Columns, Component, Derive, Field

__all__ = ["CRYSTALLIZED", "STABLE", "STATES", "VOLATILE", "Carrier"]

VOLATILE, STABLE, CRYSTALLIZED = 0, 1, 2
STATES = ("volatile", "stable", "crystallized")


def modulus(column: Columns) -> npt.NDArray[Any]:
    """R = |C|."""
    return np.asarray(np.hypot(*column("amplitude").T))


def angle(column: Columns) -> npt.NDArray[Any]:
    """psi, in [0, 2 pi)."""
    re, im = column("amplitude").T
    return np.asarray(np.mod(np.arctan2(im, re), 2 * np.pi))


def energy(column: Columns) -> npt.NDArray[Any]:
    """|C|^2 + M."""
    return np.asarray((column("amplitude") ** 2).sum(axis=1) + column("mass"))


class Carrier(Component):
    """A complex mode C = R exp(i psi) that oscillators near its frequency couple to."""

    amplitude = Field("f8", shape=(2,), unit="energy^(1/2)", doc="complex amplitude C as [re, im]")
    frequency = Field("f8", unit="rad/time", doc="centre Omega of the tuning curve")
    gate_width = Field("f8", default=0.35, unit="rad/time", doc="width sigma of the tuning curve, > 0", gt=0)
    mass = Field("f8", default=1.0, unit="energy", doc="metabolic reserve M; the carrier dies at M <= 0")
    drive = Field("f8", shape=(2,), unit="energy^(1/2)", doc="sum or mean of T z at the end of the last step")
    support = Field("f8", unit="energy^(1/2)", doc="the same of T |z|: the drive, were all oscillators in phase")
    conflict = Field("f8", doc="moving average of the phase incoherence of its oscillators, in [0, 1]")
    settled = Field("f8", unit="time", doc="how long it has met the conditions of crystallization")
    state = Field("u1", doc="0 volatile, 1 stable, 2 crystallized")

    derived: ClassVar[Mapping[str, Derive]] = {"amplitude": modulus, "phase": angle, "energy": energy}
    labels: ClassVar[Mapping[str, Sequence[str]]] = {"state": STATES}
    angles = frozenset({"phase"})

    @classmethod
    def coupling(cls, values: Columns, other: type[Component], others: Columns) -> npt.NDArray[Any]:
        """T_ik to oscillators."""
        if "phase" not in other.fields:
            return super().coupling(values, other, others)
        return np.asarray(tuning(others, values).T)
