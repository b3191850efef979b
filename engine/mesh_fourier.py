"""Real Fourier transforms of grids, with one spectrum that all transforms of a mesh share."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, TypeAlias

import ducc0
import numpy as np
import numpy.typing as npt

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import kernel
from sensorium.engine.kernel_threads import threads

__all__ = ["Axes", "Fourier", "Symbol"]

Axes: TypeAlias = tuple[npt.NDArray[np.floating[Any]], ...]
"""One number for each wave along each of the three axes, in the order of ``numpy.fft.fftfreq``."""
Symbol: TypeAlias = Callable[[Any, Any, Any], Any]
"""A real factor for each wave, from one number per axis (arrays that broadcast)."""

LANES = 16  # lines that a vector register may transform at once; whole multiples of it are treated all alike


@kernel(tasks=True)
def multiply_waves(t, spectrum, table, factor, half):
    """Multiply one line of waves by its numbers of the table."""
    line, by = spectrum[t], table[t]
    for k in range(half):
        line[k] *= factor * by[k]


class Fourier:
    """Forward and backward transforms, unnormalized: backward of forward multiplies by :attr:`size`.

    Parameters
    ----------
    cells
        Shape of the grids.
    device
        Where they live: ducc0 transforms on the CPU, cuFFT on a GPU.

    Attributes
    ----------
    size
        Number of nodes.
    spectrum
        The half spectrum ``(nx, ny, nz // 2 + 1)``, complex of the working precision; the workspace of both directions.
    """

    def __init__(self, cells: tuple[int, int, int], device: Device) -> None:
        self.cells, self.device = cells, device
        self.size = math.prod(cells)
        nx, ny, nz = cells
        half = nz // 2 + 1
        self.spectrum = device.empty((nx, ny, half), np.complex64 if device.precision == "single" else np.complex128)
        # lines along each axis; see _threads
        self._lines = math.gcd(nx * ny, nx * half, ny * half)

    def _threads(self) -> int:
        """Threads for one transform: as many as divide the lines of every axis into whole vectors.

        ducc0 transforms lines in vector registers, and what is left over one by one, which may round differently.
        With whole vectors only, the bits do not depend on the number of threads.
        """
        groups = self._lines // LANES if self._lines % LANES == 0 else 1
        return max(count for count in range(1, max(1, threads()) + 1) if groups % count == 0)

    def forward(self, grid: Any) -> Any:
        """Transform `grid` into :attr:`spectrum`; `grid` is kept."""
        if self.device.kind == "cuda":
            self.spectrum[...] = self.device.xp.fft.rfftn(grid)
        else:
            ducc0.fft.r2c(grid, out=self.spectrum, nthreads=self._threads())
        return self.spectrum

    def backward(self, out: Any, spectrum: Any = None) -> Any:
        """Transform `spectrum` (by default :attr:`spectrum`) into the real grid `out`; the spectrum is lost."""
        spectrum = self.spectrum if spectrum is None else spectrum
        if self.device.kind == "cuda":
            out[...] = self.device.xp.fft.irfftn(spectrum, s=self.cells, norm="forward")
        else:
            options = {"nthreads": self._threads(), "allow_overwriting_input": True}
            ducc0.fft.c2r(spectrum, out=out, lastsize=self.cells[2], forward=False, **options)
        return out

    def like(self) -> Any:
        """A new array of the shape of :attr:`spectrum`."""
        return self.device.empty(self.spectrum.shape, self.spectrum.dtype)

    def table(self, symbol: Symbol, axes: Axes) -> Any:
        """The factor of each wave of :attr:`spectrum`, the normalization of both transforms included.

        As :meth:`~sensorium.engine.mesh_convolution.PlaneConvolution.table`.
        """
        x, y, z = axes[0], axes[1][:, None], axes[2][: self.spectrum.shape[2]]
        table = np.empty(self.spectrum.shape, self.device.real)
        for plane, along_x in zip(table, x):
            plane[...] = symbol(along_x, y, z) / self.size
        return self.device.array(table)

    def multiply(self, table: Any, factor: float) -> Any:
        """Multiply :attr:`spectrum` by `table` and `factor`."""
        nx, ny, half = self.spectrum.shape
        rows = (nx * ny, half)
        multiply_waves(Rows(nx * ny, self.device), self.spectrum.reshape(rows), table.reshape(rows), factor, half)
        return self.spectrum

    def convolve(self, grid: Any, table: Any, factor: float, out: Any) -> None:
        """Multiply every wave of `grid` by its number of the table times `factor`, into `out` (which may be `grid`)."""
        self.forward(grid)
        self.multiply(table, factor)
        self.backward(out)

    def __repr__(self) -> str:
        return f"Fourier({self.cells}, {self.device!r})"
