"""Thermal noise: the state from which oscillators that are to be inferred start (paper, Section 5.1)."""

from __future__ import annotations

import math

from sensorium.engine.kernel import kernel
from sensorium.engine.math import log
from sensorium.engine.random import uniform

__all__ = ["thermalize"]

TURN = 2 * math.pi


@kernel(signature="i8[:], u1[:], real[:], real[:], real, int, int, int")
def thermalize(i, ids, free, phase, energy, temperature, seed, step, stream):
    """Any phase, and an energy of mean T, where `free` is 1: thermal equilibrium of two degrees of freedom."""
    if free[i] > 0:
        phase[i] = TURN * uniform(seed, ids[i], step, stream, 0)
        energy[i] = -temperature * log(uniform(seed, ids[i], step, stream, 1))
