"""Derivatives on the grid: centred differences of second and fourth order, and the spectral gradient.

All of them are antisymmetric, so that on a periodic grid the sum of ``rho grad phi`` vanishes whenever phi comes from
rho by a symmetric kernel: the grid pulls on itself without moving.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.engine.device import Rows
from sensorium.engine.grid import Box
from sensorium.engine.kernel import device, kernel
from sensorium.engine.mesh import Mesh
from sensorium.engine.mesh_poisson import wavenumbers
from sensorium.engine.primitives import for_each, nonnegative

__all__ = ["STENCILS", "Differences", "SpectralGradient", "stencil_weights"]

# weights of f(x + h) - f(x - h) and of f(x + 2h) - f(x - 2h), times h
STENCILS = {"centred": (1 / 2, 0.0), "four_point": (2 / 3, -1 / 12)}


def stencil_weights(box: Box, stencil: str, factor: float) -> tuple[float, ...]:
    """Weights along x, y and z of the near neighbours, and of the far ones."""
    return tuple(factor * weight / h for weight in STENCILS[stencil] for h in box.spacing)


@device
def ring(k, count):
    """The neighbours k - 2, k - 1, k + 1, k + 2 of a node along a periodic axis."""
    before = k - 1 if k > 0 else count - 1
    after = k + 1 if k + 1 < count else 0
    far_before = before - 1 if before > 0 else count - 1
    far_after = after + 1 if after + 1 < count else 0
    return nonnegative(far_before), nonnegative(before), nonnegative(after), nonnegative(far_after)


@device
def difference_at(k, out, line, far_west, west, east, far_east, far_south, south, north, far_north, ends, near, far):
    """Differences along x, y and z at node `k` of a line; `ends` are its neighbours along z."""
    z0, z1, z3, z4 = ends
    out[k, 0] = near[0] * (east[k] - west[k]) + far[0] * (far_east[k] - far_west[k])
    out[k, 1] = near[1] * (north[k] - south[k]) + far[1] * (far_north[k] - far_south[k])
    out[k, 2] = near[2] * (line[z3] - line[z1]) + far[2] * (line[z4] - line[z0])
    out[k, 3] = 0.0


@device
def difference_inside(k, out, line, far_west, west, east, far_east, far_south, south, north, far_north, near, far):
    """As :func:`difference_at`, two nodes or more from the ends."""
    ends = (nonnegative(k - 2), nonnegative(k - 1), k + 1, k + 2)
    difference_at(k, out, line, far_west, west, east, far_east, far_south, south, north, far_north, ends, near, far)


@kernel(tasks=True)
def difference(t, out, field, near_x, near_y, near_z, far_x, far_y, far_z, nx, ny, nz):
    """Differences along x, y and z on the line of nodes ``t = (i, j)``."""
    i, j = nonnegative(t // ny), nonnegative(t % ny)
    x0, x1, x3, x4 = ring(i, nx)
    y0, y1, y3, y4 = ring(j, ny)
    near, far, into = (near_x, near_y, near_z), (far_x, far_y, far_z), out[i, j]
    lines = (
        field[i, j], field[x0, j], field[x1, j], field[x3, j], field[x4, j],
        field[i, y0], field[i, y1], field[i, y3], field[i, y4],
    )  # fmt: skip
    for_each(difference_inside, 2, nz - 2, (into, *lines, near, far))
    for each in range(min(4, nz)):  # the ends of the line, where neighbours lie around the ring
        k = nonnegative(each if each < 2 or nz < 4 else nz - 4 + each)
        difference_at(k, into, *lines, ring(k, nz), near, far)


class Differences:
    """Centred differences along the three axes.

    Parameters
    ----------
    mesh
        Gives the box.
    stencil
        ``"centred"``, (f(+1) - f(-1)) / 2h, or ``"four_point"``, (8 f(+1) - 8 f(-1) - f(+2) + f(-2)) / 12h.
    factor
        Multiplies the result; -1 turns a potential into an acceleration.
    """

    def __init__(self, mesh: Mesh, stencil: str, factor: float = 1.0) -> None:
        self.mesh, self._weights = mesh, stencil_weights(mesh.box, stencil, factor)

    def __call__(self, field: Any, out: Any) -> None:
        """Write the three derivatives of `field` into the vectors `out`."""
        nx, ny, nz = self.mesh.box.cells
        difference(Rows(nx * ny, self.mesh.device), out, field, *self._weights, nx, ny, nz)


@kernel(tasks=True)
def differentiate(t, out, spectrum, wave_x, wave_y, wave_z, factor, ny, half):
    """out_k = i (wave_x + wave_y + wave_z) spectrum_k on one line; two of the three waves are zero."""
    i, j = nonnegative(t // ny), nonnegative(t % ny)
    across = wave_x[i] + wave_y[j]
    line, into = spectrum[i, j], out[i, j]
    for each in range(half):
        k = nonnegative(each)
        wave = factor * (across + wave_z[k])
        value = line[k]
        into[k] = complex(-wave * value.imag, wave * value.real)


class SpectralGradient:
    """The exact derivative of the trigonometric interpolant: i k in Fourier space, zero at the Nyquist wavenumber.

    Parameters
    ----------
    mesh
        Gives box and transforms.
    factor
        Multiplies the result.
    """

    def __init__(self, mesh: Mesh, factor: float = 1.0) -> None:
        self.mesh, self.factor = mesh, factor
        self._work, self._grid = mesh.fourier.like(), mesh.grid()
        waves = [wave.copy() for wave in wavenumbers(mesh.box)]
        waves[2] = waves[2][: self._work.shape[2]]
        for wave, count in zip(waves, mesh.box.cells):
            if count % 2 == 0:
                wave[count // 2] = 0  # the sign of the Nyquist wave is not known, so its slope is not either
        array, none = mesh.device.array, [np.zeros_like(wave) for wave in waves]
        real = mesh.device.real
        self._waves = [[array(waves[a] if a == axis else none[a], real) for a in range(3)] for axis in range(3)]

    def __call__(self, spectrum: Any, out: Any) -> None:
        """Write the derivatives of the grid that `spectrum` transforms back to into the vectors `out`."""
        mesh = self.mesh
        nx, ny, half = spectrum.shape
        for axis, waves in enumerate(self._waves):
            differentiate(Rows(nx * ny, mesh.device), self._work, spectrum, *waves, self.factor, ny, half)
            out[..., axis] = mesh.fourier.backward(self._grid, self._work)
