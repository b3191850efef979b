"""Random initial values: a stream for each field of each population, the same for every numpy and every machine.

The stream is Philox4x64 with the key (seed, hash of ``population/component.field``): it depends neither on the order
of populations nor on what else they hold, and row i has the same value whatever the number of rows. Only numpy's raw
words are used (its stream of those is guaranteed); the transforms to real numbers are here.
"""

from __future__ import annotations

import hashlib

import numpy as np
import numpy.typing as npt
from scipy.special import ndtri

__all__ = ["Draws"]

Reals = npt.NDArray[np.float64]


class Draws:
    """Random numbers for one field of one population.

    Parameters
    ----------
    seed
        The seed of the run.
    population, field
        Name of the population, and path of the field (``particle.velocity``).
    """

    def __init__(self, seed: int, population: str, field: str) -> None:
        digest = hashlib.sha256(f"{population}/{field}".encode()).digest()
        self._raw = np.random.Philox(key=np.array([seed, int.from_bytes(digest[:8], "little")], np.uint64))

    def uniform(self, shape: tuple[int, ...]) -> Reals:
        """Uniform in [0, 1), with 53 bits."""
        words = self._raw.random_raw(int(np.prod(shape))) >> np.uint64(11)
        return (words.astype(np.float64) * 2.0**-53).reshape(shape)

    def normal(self, shape: tuple[int, ...]) -> Reals:
        """Standard normal, by the inverse of the distribution function: one word for each number."""
        return np.asarray(ndtri(self.uniform(shape) + 2.0**-54), np.float64)
