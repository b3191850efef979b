"""Poisson's equation on the periodic grid, solved in Fourier space.

``lap phi = strength (rho - mean rho)``, with the mean of phi zero. In Fourier space the Laplacian is a number for each
wave: ``-k^2`` for the true (spectral) Laplacian, ``-sum (2 - 2 cos k h) / h^2`` for the seven-point one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.device import Rows
from sensorium.engine.kernel import kernel
from sensorium.engine.mesh import Mesh
from sensorium.engine.primitives import nonnegative

__all__ = ["FourierPoisson", "laplacian_symbol"]


def laplacian_symbol(mesh: Mesh, kernel: str) -> tuple[npt.NDArray[np.floating[Any]], ...]:
    """Minus the Laplacian of a wave, as a sum of one number per axis: three tables over the half spectrum.

    Parameters
    ----------
    mesh
        Gives box and transforms.
    kernel
        ``"spectral"``: k^2; ``"seven_point"``: (2 - 2 cos k h) / h^2.
    """
    waves = mesh.fourier.wavenumbers(mesh.box.spacing)
    if kernel == "spectral":
        return tuple(wave**2 for wave in waves)
    return tuple((2 * np.sin(wave * h / 2) / h) ** 2 for wave, h in zip(waves, mesh.box.spacing))


@kernel(tasks=True)
def apply_green(t, spectrum, x, y, z, factor, ny, half):
    """spectrum_k *= -factor / (x + y + z) on one line of waves; the mean (all three zero) becomes zero."""
    i, j = nonnegative(t // ny), nonnegative(t % ny)
    across = x[i] + y[j]
    line = spectrum[i, j]
    first = 0
    if across == 0.0:
        line[0] = 0.0
        first = 1
    for each in range(first, half):
        k = nonnegative(each)
        line[k] *= -factor / (across + z[k])


class FourierPoisson:
    """Direct solver: two real transforms.

    Parameters
    ----------
    mesh
        Gives box and transforms.
    kernel
        ``"spectral"`` or ``"seven_point"``, see :func:`laplacian_symbol`.
    """

    def __init__(self, mesh: Mesh, kernel: str = "spectral") -> None:
        self.mesh = mesh
        self._symbol = [mesh.device.array(part, mesh.device.real) for part in laplacian_symbol(mesh, kernel)]

    def transform(self, density: Any, strength: float) -> Any:
        """The transform of phi, in the spectrum of the mesh, such that the backward transform gives phi."""
        fourier = self.mesh.fourier
        spectrum = fourier.forward(density)
        nx, ny, half = spectrum.shape
        factor = strength / fourier.size
        apply_green(Rows(nx * ny, self.mesh.device), spectrum, *self._symbol, factor, ny, half)
        return spectrum

    def solve(self, density: Any, strength: float, potential: Any) -> None:
        """Write phi into `potential`; `density` is kept."""
        self.transform(density, strength)
        self.mesh.fourier.backward(potential)
