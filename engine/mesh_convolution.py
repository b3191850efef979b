"""Convolution of a grid with a kernel that is even: each wave of the grid is multiplied by a real number.

Where all edges of the grid are powers of two, the spectrum is never stored in its natural order: lines along x (real,
so half of their waves suffice), then for each plane of such waves y, z, the product, z, y, and last x back. A plane
stays in the cache for four of the six transforms, and lines lie side by side in vector registers. On the CPU that is
up to twice as fast as a library that transforms there and back; see ``benchmarks/heat.py``.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import device, kernel
from sensorium.engine.mesh_fourier import Axes, Symbol
from sensorium.engine.mesh_radix import assemble, decimate, digit_reversed, roots_of_unity
from sensorium.engine.primitives import for_each, nonnegative

__all__ = ["PlaneConvolution"]

LANES = 64  # lines that are transformed side by side in a buffer
PARTS = 16  # tasks of one sweep, each with a buffer of its own; fixed, whatever the number of threads
PADDING = 16  # unused reals at the end of a row of waves: rows a power of two apart would share few sets of the cache


@device
def load_pair(line, re, im, row, grid, even, odd, first):
    """Two rows of the grid as the real and the imaginary part of one."""
    re[row, line], im[row, line] = grid[even, first + line], grid[odd, first + line]


@device
def store_pair(line, re, im, row, grid, even, odd, first):
    """The real and the imaginary part of one row as two rows of the grid."""
    grid[even, first + line], grid[odd, first + line] = re[row, line], im[row, line]


@device
def untangle(line, re, im, a, b, wave_r, wave_i, low, high, first, wr, wi):
    """Waves k and h - k of a real line of 2h, both doubled, from those of its half-length complex line; w = root k."""
    x, y, p, q = re[a, line], im[a, line], re[b, line], im[b, line]
    even_r, even_i, odd_r, odd_i = x + p, y - q, y + q, p - x
    r, s = wr * odd_r - wi * odd_i, wr * odd_i + wi * odd_r
    wave_r[low, first + line], wave_i[low, first + line] = even_r + r, even_i + s
    wave_r[high, first + line], wave_i[high, first + line] = even_r - r, s - even_i


@device
def tangle(line, re, im, a, b, wave_r, wave_i, low, high, first, wr, wi):
    """The way back of :func:`untangle`, doubled once more."""
    x, y = wave_r[low, first + line], wave_i[low, first + line]
    p, q = wave_r[high, first + line], wave_i[high, first + line]
    even_r, even_i, r, s = x + p, y - q, x - p, y + q
    odd_r, odd_i = wr * r + wi * s, wr * s - wi * r  # times the conjugate of w
    re[a, line], im[a, line] = even_r - odd_i, even_i + odd_r
    re[b, line], im[b, line] = even_r + odd_i, odd_r - even_i


@device
def flip(line, re, im, row, wave_r, wave_i, base, place):
    """Element `place` of the lines ``base + line`` as one row of the buffer."""
    source = nonnegative(base + line)
    re[row, line], im[row, line] = wave_r[source, place], wave_i[source, place]


@device
def flip_back(line, re, im, row, wave_r, wave_i, base, place):
    """The way back of :func:`flip`."""
    target = nonnegative(base + line)
    wave_r[target, place], wave_i[target, place] = re[row, line], im[row, line]


@device
def damp(line, re, im, row, table, into, factor):
    """Multiply one row by its numbers of the table."""
    by = factor * table[into, line]
    re[row, line] *= by
    im[row, line] *= by


@kernel(tasks=True)
def transform_x(t, grid, wave_r, wave_i, re, im, place, root_r, root_i, roots, h, ny, nz, lanes, parts):
    """Part `t` of the lines along x: from rows ``x ny + y`` of the grid to rows ``k ny + y`` of the waves."""
    base = t * h
    for y in range(t * ny // parts, (t + 1) * ny // parts):
        for first in range(0, nz, lanes):
            for j in range(h):
                even = nonnegative(2 * j * ny + y)
                pair = (re, im, nonnegative(base + j), grid, even, nonnegative(even + ny), nonnegative(first))
                for_each(load_pair, 0, lanes, pair)
            decimate(re, im, base, h, lanes, root_r, root_i, roots)
            for k in range(h // 2 + 1):
                a, b = nonnegative(base + place[nonnegative(k)]), nonnegative(base + place[nonnegative((h - k) % h)])
                low, high = nonnegative(k * ny + y), nonnegative((h - k) * ny + y)
                w = nonnegative(k * (roots // (2 * h)))
                rows = (re, im, a, b, wave_r, wave_i, low, high, nonnegative(first), root_r[w], root_i[w])
                for_each(untangle, 0, lanes, rows)


@kernel(tasks=True)
def transform_back(t, grid, wave_r, wave_i, re, im, place, root_r, root_i, roots, h, ny, nz, lanes, parts):
    """The way back of :func:`transform_x`."""
    base = t * h
    for y in range(t * ny // parts, (t + 1) * ny // parts):
        for first in range(0, nz, lanes):
            for k in range(h // 2 + 1):
                a, b = nonnegative(base + place[nonnegative(k)]), nonnegative(base + place[nonnegative((h - k) % h)])
                low, high = nonnegative(k * ny + y), nonnegative((h - k) * ny + y)
                w = nonnegative(k * (roots // (2 * h)))
                rows = (re, im, a, b, wave_r, wave_i, low, high, nonnegative(first), root_r[w], root_i[w])
                for_each(tangle, 0, lanes, rows)
            assemble(im, re, base, h, lanes, root_r, root_i, roots)
            for j in range(h):
                even = nonnegative(2 * j * ny + y)
                pair = (re, im, nonnegative(base + j), grid, even, nonnegative(even + ny), nonnegative(first))
                for_each(store_pair, 0, lanes, pair)


@kernel(tasks=True)
def convolve_planes(t, wave_r, wave_i, re, im, table, factor, root_r, root_i, roots, planes, ny, nz, lanes, parts):
    """Part `t` of the planes of waves along x: y, z, the product with the table, z and y back."""
    base = t * nz
    for plane in range(t * planes // parts, (t + 1) * planes // parts):
        decimate(wave_r, wave_i, plane * ny, ny, nz, root_r, root_i, roots)
        for first in range(plane * ny, (plane + 1) * ny, lanes):
            for z in range(nz):
                row = (re, im, nonnegative(base + z), wave_r, wave_i, nonnegative(first), nonnegative(z))
                for_each(flip, 0, lanes, row)
            decimate(re, im, base, nz, lanes, root_r, root_i, roots)
            for z in range(nz):
                into = nonnegative(first // lanes * nz + z)
                for_each(damp, 0, lanes, (re, im, nonnegative(base + z), table, into, factor))
            assemble(im, re, base, nz, lanes, root_r, root_i, roots)
            for z in range(nz):
                row = (re, im, nonnegative(base + z), wave_r, wave_i, nonnegative(first), nonnegative(z))
                for_each(flip_back, 0, lanes, row)
        assemble(wave_i, wave_r, plane * ny, ny, nz, root_r, root_i, roots)


class PlaneConvolution:
    """Convolutions on grids whose edges are powers of two, on the CPU.

    Parameters
    ----------
    cells
        Shape of the grids.
    device
        Gives the precision. The simulator has its transforms made by the CPU, as a GPU has them made by cuFFT.
    """

    def __init__(self, cells: tuple[int, int, int], device: Device) -> None:
        nx, ny, nz = self.cells = cells
        self._host = Device("cpu", device.precision)
        real, half = device.real, nx // 2
        self._waves = [np.empty(((half + 1) * ny, nz + PADDING), real) for _ in range(2)]
        roots = max(cells)
        self._roots = (*(part.astype(real) for part in roots_of_unity(roots)), roots)
        self._lanes = min(LANES, ny, nz)
        self._parts = min(PARTS, ny)
        self._buffers = [np.empty((self._parts * max(half, nz), self._lanes), real) for _ in range(2)]
        self._place = digit_reversed(half)

    @staticmethod
    def fits(cells: tuple[int, int, int], device: Device) -> bool:
        """Whether grids of this shape can be convolved here."""
        return device.kind != "cuda" and cells[0] > 1 and all(count & (count - 1) == 0 for count in cells)

    def table(self, symbol: Symbol, axes: Axes) -> Any:
        """The factor of each wave, in the order in which :meth:`convolve` meets them.

        Parameters
        ----------
        symbol
            ``symbol(x, y, z)`` for arrays that broadcast; the same for opposite waves.
        axes
            What to give it: one number for each wave along each axis, in the order of ``numpy.fft.fftfreq``.
        """
        nx, ny, nz = self.cells
        half, lanes = nx // 2, self._lanes
        table = np.empty((half + 1, ny // lanes, nz, lanes), self._host.real)
        y, z = np.empty(ny), np.empty(nz)
        y[digit_reversed(ny)], z[digit_reversed(nz)] = axes[1], axes[2]
        for plane, x in zip(table, axes[0]):
            # 2 half ny nz from the transforms, and 2 from the doubled waves of the lines along x
            plane[...] = symbol(x, y.reshape(-1, 1, lanes), z[:, None]) / (4 * half * ny * nz)
        return table.reshape(-1, lanes)

    def convolve(self, grid: Any, table: Any, factor: float, out: Any) -> None:
        """Multiply every wave of `grid` by its number of the table times `factor`, into `out` (which may be `grid`)."""
        nx, ny, nz = self.cells
        half, parts = nx // 2, self._parts
        tasks, work = Rows(parts, self._host), (*self._waves, *self._buffers)
        shape = (half, ny, nz, self._lanes, parts)
        transform_x(tasks, grid.reshape(-1, nz), *work, self._place, *self._roots, *shape)
        planes = (half + 1, ny, nz, self._lanes, parts)
        convolve_planes(tasks, *work, table, factor, *self._roots, *planes)
        transform_back(tasks, out.reshape(-1, nz), *work, self._place, *self._roots, *shape)

    def __repr__(self) -> str:
        return f"PlaneConvolution({self.cells})"
