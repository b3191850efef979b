"""Poisson's equation by multigrid: V-cycles on the seven-point Laplacian.

Sweeps smooth the error on each grid; what is left is long, and is solved on a grid of half the nodes. Axes are halved
while their count is even and their spacing is among the finest, so that long cells become cubes first. The coarsest
grid, whose shape may have odd counts, is solved directly in Fourier space.
"""

from __future__ import annotations

import math
from typing import Any

from sensorium.engine.device import Rows
from sensorium.engine.grid import Box
from sensorium.engine.kernel import device, kernel
from sensorium.engine.mesh import Mesh
from sensorium.engine.mesh_poisson import FourierPoisson
from sensorium.engine.mesh_relaxation import NotConvergedError, Relaxation, source_norm
from sensorium.engine.primitives import nonnegative

__all__ = ["MultigridPoisson", "coarsened"]

WEIGHT = 0.8  # smooths short waves best; 2/3 is for Jacobi alone
SMOOTHINGS = 2  # sweeps before and after each correction; even, so that the result lies where the start lay
CYCLES = 60
SMALLEST = 4  # nodes along an axis from which halving stops


@device
def tent(offset, ratio):
    """Weight of a fine node beside a coarse one."""
    if ratio == 1:
        return 1.0
    return 0.5 if offset == 0 else 0.25


@kernel(tasks=True)
def restrict(t, coarse, fine, rx, ry, rz, nx, ny, nz, mx, my, mz):
    """Full weighting of one coarse line ``t = (i, j)``: 1/4, 1/2, 1/4 along each halved axis."""
    i, j = nonnegative(t // my), nonnegative(t % my)
    into = coarse[i, j]
    for each in range(mz):
        k = nonnegative(each)
        total = 0.0
        for a in range(1 - rx, rx):
            for b in range(1 - ry, ry):
                line = fine[nonnegative((rx * i + a + nx) % nx), nonnegative((ry * j + b + ny) % ny)]
                for c in range(1 - rz, rz):
                    weight = tent(a, rx) * tent(b, ry) * tent(c, rz)
                    total += weight * line[nonnegative((rz * k + c + nz) % nz)]
        into[k] = total


@kernel(tasks=True)
def prolong(t, fine, coarse, rx, ry, rz, ny, nz, mx, my, mz):
    """Add the linear interpolation of `coarse` to one fine line ``t = (i, j)``."""
    i, j = nonnegative(t // ny), nonnegative(t % ny)
    x0, y0 = nonnegative(i // rx), nonnegative(j // ry)
    x1, y1 = nonnegative((x0 + i % rx) % mx), nonnegative((y0 + j % ry) % my)
    into, a, b, c, d = fine[i, j], coarse[x0, y0], coarse[x0, y1], coarse[x1, y0], coarse[x1, y1]
    for each in range(nz):
        k = nonnegative(each)
        z0 = nonnegative(k // rz)
        z1 = nonnegative((z0 + k % rz) % mz)
        into[k] += 0.125 * ((a[z0] + a[z1]) + (b[z0] + b[z1]) + (c[z0] + c[z1]) + (d[z0] + d[z1]))


def coarsened(box: Box) -> tuple[int, int, int]:
    """By how much the next grid is coarser along each axis, 1 or 2; (1, 1, 1) if there is no next grid."""
    widest = 1.5 * min(h for h, count in zip(box.spacing, box.cells) if count > 1 or box.nodes == 1)
    near = [h <= widest and count > 1 for h, count in zip(box.spacing, box.cells)]
    if any(fine and (count % 2 or count < 2 * SMALLEST) for fine, count in zip(near, box.cells)):
        return (1, 1, 1)  # an axis that needs halving and cannot be
    return (2 if near[0] else 1, 2 if near[1] else 1, 2 if near[2] else 1)


class _Level:
    """One grid of the hierarchy, and the way down from it."""

    def __init__(self, mesh: Mesh) -> None:
        self.mesh, self.relaxation = mesh, Relaxation(mesh)
        self.work = mesh.grid()
        self.ratio = coarsened(mesh.box)
        self.below: _Level | None = None
        self.direct: FourierPoisson | None = None
        if self.ratio == (1, 1, 1):
            self.direct = FourierPoisson(mesh, "seven_point")
            return
        nx, ny, nz = mesh.box.cells
        cells = (nx // self.ratio[0], ny // self.ratio[1], nz // self.ratio[2])
        self.below = _Level(Mesh(Box(mesh.box.edges, cells), mesh.device))
        self.source, self.correction = self.below.mesh.grid(), self.below.mesh.grid()

    def cycle(self, field: Any, source: Any, strength: float, mean: float) -> None:
        """One V-cycle for ``lap field = strength (source - mean)`` from this grid down."""
        if self.below is None or self.direct is not None:
            assert self.direct is not None
            self.direct.solve(source, strength, field)
            return
        on, relax, work = self.mesh.device, self.relaxation, self.work
        fine, coarse = self.mesh.box.cells, self.below.mesh.box.cells
        self._smooth(field, source, strength, mean)
        relax.residual(work, field, source, strength, mean)
        restrict(Rows(coarse[0] * coarse[1], on), self.source, work, *self.ratio, *fine, *coarse)
        self.correction[...] = 0
        self.below.cycle(self.correction, self.source, 1.0, 0.0)
        prolong(Rows(fine[0] * fine[1], on), field, self.correction, *self.ratio, fine[1], fine[2], *coarse)
        self._smooth(field, source, strength, mean)

    def _smooth(self, field: Any, source: Any, strength: float, mean: float) -> None:
        for _ in range(SMOOTHINGS // 2):
            self.relaxation.sweep(self.work, field, source, strength, mean, WEIGHT)
            self.relaxation.sweep(field, self.work, source, strength, mean, WEIGHT)


class MultigridPoisson:
    """V-cycles from the last potential until the residual is small enough.

    Parameters
    ----------
    mesh
        Gives box and device.
    tolerance
        Stop when the rms residual is below this part of the rms source; raised to what rounding allows.

    Attributes
    ----------
    sweeps, residual
        V-cycles that the last solution took, and its relative residual.
    """

    def __init__(self, mesh: Mesh, tolerance: float) -> None:
        self.mesh, self._top = mesh, _Level(mesh)
        self.tolerance = max(tolerance, self._top.relaxation.finest)
        self.sweeps, self.residual = 0, 0.0

    def solve(self, density: Any, strength: float, potential: Any) -> None:
        """Improve `potential`, which holds the first guess.

        Raises
        ------
        NotConvergedError
            If the residual does not fall to the tolerance.
        """
        mean, scale = source_norm(density, strength)
        top, work = self._top, self._top.work
        self.sweeps = 0
        while True:
            top.relaxation.residual(work, potential, density, strength, mean)
            self.residual = math.sqrt(self.mesh.dot(work, work) / scale) if scale > 0 else 0.0
            if self.residual <= self.tolerance:
                break
            if self.sweeps >= CYCLES:
                raise NotConvergedError(
                    f"multigrid: residual {self.residual:.3g} after {CYCLES} cycles, tolerance {self.tolerance:.3g}"
                )
            top.cycle(potential, density, strength, mean)
            self.sweeps += 1
        potential -= potential.dtype.type(potential.mean(dtype="f8"))
