"""The Universal Tokenizer (paper, equation 15): a byte at an index is an id, and the id is a frequency."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

__all__ = ["DEFAULT_VOCABULARY", "Hash", "Tokenizer", "mix64"]

Hash = Literal["mix", "author_linear", "lattice"]
DEFAULT_VOCABULARY = 4096

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_ID_SALT, _PHASE_SALT = np.uint64(0x5851F42D4C957F2D), np.uint64(0xD1342543DE82EF95)


def mix64(values: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """A bijection of 64-bit integers in which every input bit moves every output bit (splitmix64's finalizer)."""
    with np.errstate(over="ignore"):  # numpy warns of the wrap-around that is wanted, for single values only
        z = values + _GOLDEN
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
        return z ^ (z >> np.uint64(31))


@dataclass(frozen=True)
class Tokenizer:
    """Maps ``(byte, index)`` to ids, frequencies and start phases. It has no state and learns nothing.

    Parameters
    ----------
    vocabulary
        Number N of ids; two tokens with one id are one frequency (the paper: "collision is compression").
    hash
        ``mix``: 64-bit mixing hash, ids uniform and independent. ``author_linear``: 31 byte + index. ``lattice``:
        (256 + guard) index + byte, which keeps neighbouring bytes of one index neighbours in frequency.
    band
        Frequencies ``(low, high)`` in rad/time: id k of N has low + (high - low) (k + 1/2) / N, so that no frequency
        is 0 in a band that begins at 0.
    guard
        For ``lattice``: unused ids between two indices, so that their tuning curves do not meet.
    phase
        ``hash``: start phases from a second hash, uniform in [0, 2 pi), so that tokens whose ids collide add
        incoherently. ``zero``: all start in phase.

    Raises
    ------
    ValueError
        If the vocabulary is not positive or the band is empty or not finite.
    """

    vocabulary: int = DEFAULT_VOCABULARY
    hash: Hash = "mix"
    band: tuple[float, float] = (0.5, 4.5)
    guard: int = 0
    phase: Literal["hash", "zero"] = "hash"

    def __post_init__(self) -> None:
        low, high = self.band
        if self.vocabulary < 1:
            raise ValueError(f"vocabulary = {self.vocabulary}: must be >= 1")
        if not (math.isfinite(low) and math.isfinite(high) and low < high):
            raise ValueError(f"band = {self.band}: must be two finite frequencies, low < high")
        if self.guard < 0:
            raise ValueError(f"guard = {self.guard}: must be >= 0")
        if self.hash not in ("mix", "author_linear", "lattice"):
            raise ValueError(f"hash = {self.hash!r}: must be 'mix', 'author_linear' or 'lattice'")

    @classmethod
    def spanning(cls, indices: int, **options: Any) -> Tokenizer:
        """A tokenizer whose default vocabulary suits `indices` positions: for ``lattice`` one id for each token."""
        if options.get("vocabulary") is None:
            lattice = options.get("hash") == "lattice"
            width = 256 + int(options.get("guard", 0))
            options["vocabulary"] = width * max(1, indices) if lattice else DEFAULT_VOCABULARY
        return cls(**options)

    def ids(self, values: npt.ArrayLike, index: npt.ArrayLike) -> npt.NDArray[np.int64]:
        """Ids h(byte, index) mod N, int64, of bytes `values` (0..255) at positions `index` (>= 0), broadcast."""
        byte, place = _tokens(values, index)
        if self.hash == "mix":
            hashed = mix64(_joined(byte, place) ^ _ID_SALT)
        elif self.hash == "author_linear":
            hashed = np.uint64(31) * byte + place
        else:
            hashed = np.uint64(256 + self.guard) * place + byte
        return (hashed % np.uint64(self.vocabulary)).astype(np.int64)

    def frequencies(self, ids: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Frequencies of ids in rad/time, inside `band`."""
        low, high = self.band
        return low + (high - low) * ((np.asarray(ids, np.float64) + 0.5) / self.vocabulary)

    def phases(self, values: npt.ArrayLike, index: npt.ArrayLike) -> npt.NDArray[np.float64]:
        """Start phases in [0, 2 pi)."""
        byte, place = _tokens(values, index)
        if self.phase == "zero":
            return np.zeros(byte.shape)
        hashed = mix64(_joined(byte, place) ^ _PHASE_SALT) >> np.uint64(11)
        return hashed.astype(np.float64) * (2 * math.pi * 2.0**-53)

    def expected_distinct(self, tokens: int) -> float:
        """Expected number of distinct ids of `tokens` different tokens: V (1 - (1 - 1/V)^n)."""
        return -self.vocabulary * math.expm1(tokens * math.log1p(-1 / self.vocabulary)) if self.vocabulary > 1 else 1.0


def _tokens(values: npt.ArrayLike, index: npt.ArrayLike) -> tuple[npt.NDArray[np.uint64], npt.NDArray[np.uint64]]:
    byte, place = np.broadcast_arrays(np.asarray(values), np.asarray(index))
    if byte.size and not (byte.min() >= 0 and byte.max() <= 255):
        raise ValueError("bytes must lie in 0..255")
    if place.size and place.min() < 0:
        raise ValueError("indices must be >= 0")
    return byte.astype(np.uint64), place.astype(np.uint64)


def _joined(byte: npt.NDArray[np.uint64], place: npt.NDArray[np.uint64]) -> npt.NDArray[np.uint64]:
    """One 64-bit word for each token: distinct for indices below 2^56."""
    return place << np.uint64(8) | byte
