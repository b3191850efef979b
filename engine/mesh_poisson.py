"""Poisson's equation on the periodic grid, solved in Fourier space.

``lap phi = strength (rho - mean rho)``, with the mean of phi zero. In Fourier space the Laplacian is a number for each
wave: ``-k^2`` for the true (spectral) Laplacian, ``-sum (2 - 2 cos k h) / h^2`` for the seven-point one.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.engine.grid import Box
from sensorium.engine.mesh import Mesh
from sensorium.engine.mesh_fourier import Axes

__all__ = ["FourierPoisson", "laplacian_symbol", "wavenumbers"]


def wavenumbers(box: Box) -> Axes:
    """Angular wavenumbers along the three axes of a box, in the order of ``numpy.fft.fftfreq``."""
    return tuple(2 * np.pi * np.fft.fftfreq(count, spacing) for count, spacing in zip(box.cells, box.spacing))


def laplacian_symbol(box: Box, kernel: str) -> Axes:
    """Minus the Laplacian of a wave, as a sum of one number per axis.

    Parameters
    ----------
    box
        Cells and spacing.
    kernel
        ``"spectral"``: k^2; ``"seven_point"``: (2 - 2 cos k h) / h^2.
    """
    waves = wavenumbers(box)
    if kernel == "spectral":
        return tuple(wave**2 for wave in waves)
    return tuple((2 * np.sin(wave * h / 2) / h) ** 2 for wave, h in zip(waves, box.spacing))


def green(x: Any, y: Any, z: Any) -> Any:
    """The inverse of the Laplacian; the mean, which has none, becomes zero."""
    symbol = x + y + z
    return np.divide(-1.0, symbol, out=np.zeros_like(symbol), where=symbol > 0)


class FourierPoisson:
    """Direct solver: each wave of the density over minus its wavenumber squared.

    Parameters
    ----------
    mesh
        Gives box and transforms.
    kernel
        ``"spectral"`` or ``"seven_point"``, see :func:`laplacian_symbol`.
    """

    def __init__(self, mesh: Mesh, kernel: str = "spectral") -> None:
        self.mesh, self._axes = mesh, laplacian_symbol(mesh.box, kernel)
        self._table: Any = None
        self._spectrum_table: Any = None

    def transform(self, density: Any, strength: float) -> Any:
        """The transform of phi, in the spectrum of the mesh, such that the backward transform gives phi."""
        fourier = self.mesh.fourier
        if self._spectrum_table is None:
            self._spectrum_table = fourier.table(green, self._axes)
        fourier.forward(density)
        return fourier.multiply(self._spectrum_table, strength)

    def solve(self, density: Any, strength: float, potential: Any) -> None:
        """Write phi into `potential`; `density` is kept."""
        if self._table is None:
            self._table = self.mesh.convolution.table(green, self._axes)
        self.mesh.convolution.convolve(density, self._table, strength, potential)
