"""Poisson's equation by relaxation: weighted Jacobi sweeps on the seven-point Laplacian.

One sweep moves every node towards the value that its six neighbours and the source ask for,
``phi <- phi + w (lap phi - s) / D`` with ``D = 2 (1/hx^2 + 1/hy^2 + 1/hz^2)``. A wave keeps the part
``1 - w + w g`` of its error, ``g = 2 sum(cos(k h) / h^2) / D``. Unweighted (w = 1) the checkerboard, g = -1, never
decays; with w = 2/3 it does, and long waves decay slowest: about n^2 sweeps per digit on n nodes.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from sensorium.engine.device import Rows
from sensorium.engine.grid import Box
from sensorium.engine.kernel import kernel
from sensorium.engine.mesh import Mesh
from sensorium.engine.primitives import nonnegative

__all__ = ["WEIGHT", "JacobiPoisson", "NotConvergedError", "Relaxation", "source_norm", "wave_factor"]

WEIGHT = 2 / 3
SWEEPS = 8  # between two looks at the residual; even, so that the result lies where the start lay


class NotConvergedError(ArithmeticError):
    """An iteration that did not reach its tolerance; says the residual that it reached."""


def wave_factor(box: Box, wave: tuple[int, int, int], weight: float = WEIGHT) -> float:
    """What one sweep leaves of the error of the wave with these whole numbers of periods along the edges."""
    inverse = [1 / h**2 for h in box.spacing]
    cosines = [math.cos(2 * math.pi * m / n) for m, n in zip(wave, box.cells)]
    return 1 - weight + weight * math.fsum(c * i for c, i in zip(cosines, inverse)) / math.fsum(inverse)


@kernel(tasks=True)
def sweep(t, out, field, source, weight, strength, mean, xx, yy, zz, nx, ny, nz):
    """One weighted Jacobi sweep for ``lap field = strength (source - mean)`` on the line of nodes ``t = (i, j)``."""
    i, j = nonnegative(t // ny), nonnegative(t % ny)
    west, east = field[nonnegative((i + nx - 1) % nx), j], field[nonnegative((i + 1) % nx), j]
    south, north = field[i, nonnegative((j + ny - 1) % ny)], field[i, nonnegative((j + 1) % ny)]
    line, right, into = field[i, j], source[i, j], out[i, j]
    share = weight / (2.0 * (xx + yy + zz))
    for each in range(1, nz - 1):
        k = nonnegative(each)
        pull = xx * (west[k] + east[k]) + yy * (south[k] + north[k]) + zz * (line[k - 1] + line[k + 1])
        into[k] = (1.0 - weight) * line[k] + share * (pull - strength * (right[k] - mean))
    for each in range(min(2, nz)):  # the two ends of the line, whose neighbours lie around the ring
        k = nonnegative(each * (nz - 1))
        ends = line[nonnegative((k + nz - 1) % nz)] + line[nonnegative((k + 1) % nz)]
        pull = xx * (west[k] + east[k]) + yy * (south[k] + north[k]) + zz * ends
        into[k] = (1.0 - weight) * line[k] + share * (pull - strength * (right[k] - mean))


@kernel(tasks=True)
def remainder(t, out, field, source, strength, mean, xx, yy, zz, nx, ny, nz):
    """out = strength (source - mean) - lap field on one line of nodes."""
    i, j = nonnegative(t // ny), nonnegative(t % ny)
    west, east = field[nonnegative((i + nx - 1) % nx), j], field[nonnegative((i + 1) % nx), j]
    south, north = field[i, nonnegative((j + ny - 1) % ny)], field[i, nonnegative((j + 1) % ny)]
    line, right, into = field[i, j], source[i, j], out[i, j]
    diagonal = 2.0 * (xx + yy + zz)
    for each in range(1, nz - 1):
        k = nonnegative(each)
        pull = xx * (west[k] + east[k]) + yy * (south[k] + north[k]) + zz * (line[k - 1] + line[k + 1])
        into[k] = strength * (right[k] - mean) - (pull - diagonal * line[k])
    for each in range(min(2, nz)):
        k = nonnegative(each * (nz - 1))
        ends = line[nonnegative((k + nz - 1) % nz)] + line[nonnegative((k + 1) % nz)]
        pull = xx * (west[k] + east[k]) + yy * (south[k] + north[k]) + zz * ends
        into[k] = strength * (right[k] - mean) - (pull - diagonal * line[k])


class Relaxation:
    """Sweeps and residuals of the seven-point Laplacian on one grid.

    Parameters
    ----------
    mesh
        Gives box and device.
    """

    def __init__(self, mesh: Mesh) -> None:
        self.mesh = mesh
        self._lines = Rows(mesh.box.cells[0] * mesh.box.cells[1], mesh.device)
        self._place = (*(1 / h**2 for h in mesh.box.spacing), *mesh.box.cells)

    def sweep(self, out: Any, field: Any, source: Any, strength: float, mean: float, weight: float = WEIGHT) -> None:
        """One sweep from `field` into `out`, which must be another array."""
        sweep(self._lines, out, field, source, weight, strength, mean, *self._place)

    def residual(self, out: Any, field: Any, source: Any, strength: float, mean: float) -> None:
        """Write ``strength (source - mean) - lap field`` into `out`."""
        remainder(self._lines, out, field, source, strength, mean, *self._place)

    @property
    def finest(self) -> float:
        """The relative residual that rounding leaves in the longest wave: a tolerance below it cannot be met."""
        slowest = 1 - max(wave_factor(self.mesh.box, wave, 1.0) for wave in longest_waves(self.mesh.box))
        return 32 * float(np.finfo(self.mesh.device.real).eps) / slowest if slowest else 0.0


def longest_waves(box: Box) -> list[tuple[int, int, int]]:
    """The longest wave along each axis that has more than one node."""
    waves = [(1, 0, 0), (0, 1, 0), (0, 0, 1)]
    return [wave for wave, count in zip(waves, box.cells) if count > 1] or [(0, 0, 0)]


def source_norm(density: Any, strength: float) -> tuple[float, float]:
    """Mean of the density, and the square sum of ``strength (density - mean)``."""
    mean = float(density.mean(dtype=np.float64))
    away = density - density.dtype.type(mean)
    return mean, strength**2 * float((away * away).sum(dtype=np.float64))


class JacobiPoisson:
    """The paper's solver: weighted Jacobi sweeps from the last potential until the residual is small enough.

    Parameters
    ----------
    mesh
        Gives box and device.
    tolerance
        Stop when the rms residual is below this part of the rms source; raised to what rounding allows.

    Attributes
    ----------
    sweeps, residual
        Sweeps that the last solution took, and its relative residual.
    """

    def __init__(self, mesh: Mesh, tolerance: float) -> None:
        self.mesh, self._relaxation = mesh, Relaxation(mesh)
        self.tolerance = max(tolerance, self._relaxation.finest)
        self._work = mesh.grid()
        self.sweeps, self.residual = 0, 0.0
        slowest = max(wave_factor(mesh.box, wave) for wave in longest_waves(mesh.box))
        # twice what the slowest wave needs to come from an error of 1 to the tolerance
        self._most = SWEEPS + (int(2 * math.log(self.tolerance) / math.log(slowest)) if 0 < slowest < 1 else 0)

    def solve(self, density: Any, strength: float, potential: Any) -> None:
        """Improve `potential`, which holds the first guess.

        Raises
        ------
        NotConvergedError
            If the residual does not fall to the tolerance in twice the sweeps that the longest wave needs.
        """
        mesh, relax, work = self.mesh, self._relaxation, self._work
        mean, scale = source_norm(density, strength)
        self.sweeps = 0
        while True:
            relax.residual(work, potential, density, strength, mean)
            self.residual = math.sqrt(mesh.dot(work, work) / scale) if scale > 0 else 0.0
            if self.residual <= self.tolerance:
                break
            if self.sweeps >= self._most:
                raise NotConvergedError(
                    f"jacobi: residual {self.residual:.3g} after {self.sweeps} sweeps, tolerance {self.tolerance:.3g}"
                )
            for _ in range(SWEEPS // 2):
                relax.sweep(work, potential, density, strength, mean)
                relax.sweep(potential, work, density, strength, mean)
            self.sweeps += SWEEPS
        potential -= potential.dtype.type(potential.mean(dtype=np.float64))
