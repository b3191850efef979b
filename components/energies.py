"""Energies that a row holds, as terms that kernels and sums share."""

from __future__ import annotations

from sensorium.engine.kernel import device
from sensorium.engine.reduce import Sum

__all__ = ["kinetic_energy", "sum_kinetic", "sum_momentum", "sum_of"]


@device
def kinetic_energy(i, velocity, mass):
    """m v^2 / 2 (paper, equation 1)."""
    x, y, z = velocity[i, 0], velocity[i, 1], velocity[i, 2]
    return 0.5 * mass[i] * (x * x + y * y + z * z)


@device
def momentum(i, velocity, mass, axis):
    return mass[i] * velocity[i, axis]


@device
def entry(i, column):
    return column[i]


sum_kinetic = Sum(kinetic_energy)
sum_momentum = Sum(momentum)
sum_of = Sum(entry)
