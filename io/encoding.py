"""Chunks as they lie in the file: padded, shuffled, compressed outside HDF5's global lock."""

from __future__ import annotations

import itertools
import zlib
from collections.abc import Iterator
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from sensorium.io.spec import Spec

__all__ = ["Encoder", "Piece"]

Array = npt.NDArray[Any]
_names = itertools.count()
Piece = tuple[tuple[int, ...], "bytes | Array"]  # offset inside the row, and the bytes of the chunk


def _deflated(chunk: Array) -> bytes:
    """HDF5's shuffle and deflate filters: byte planes one after the other, zlib level 1."""
    planes = chunk.reshape(-1).view(np.uint8).reshape(-1, chunk.dtype.itemsize).T
    return zlib.compress(np.ascontiguousarray(planes).data, 1)


class Encoder:
    """Cuts the row of one bulk dataset into encoded chunks.

    A compressed column that did not change since the last frame (ids, species, masses) is not encoded again.
    """

    def __init__(self) -> None:
        self._last: dict[str, tuple[Array, list[Piece]]] = {}
        self._scratch: h5py.File | None = None

    def pieces(self, spec: Spec, row: Array) -> list[Piece]:
        """Chunks of `row`, whose first axis may be shorter than the dataset's."""
        if spec.codec == "raw":
            return list(self._cut(spec, row, spec.filled))
        if spec.codec == "digits":
            return [(offset, self._rounded(spec, chunk)) for offset, chunk in self._cut(spec, row, 0)]
        known = self._last.get(spec.path)
        if known is not None and known[0].shape == row.shape and np.array_equal(_bits(known[0]), _bits(row)):
            return known[1]
        encoded: list[Piece] = [(offset, _deflated(chunk)) for offset, chunk in self._cut(spec, row, spec.filled)]
        self._last[spec.path] = row.copy(), encoded
        return encoded

    def close(self) -> None:
        """Forget what was encoded."""
        self._last.clear()
        if self._scratch is not None:
            self._scratch.close()
            self._scratch = None

    @staticmethod
    def _cut(spec: Spec, row: Array, padding: Any) -> Iterator[tuple[tuple[int, ...], Array]]:
        rows = spec.chunk[0]
        rest = (0,) * (len(spec.chunk) - 1)
        for first in range(0, len(row), rows):
            part = row[first : first + rows]
            if len(part) < rows:
                whole = np.full(spec.chunk, padding, spec.dtype)
                whole[: len(part)] = part
                part = whole
            yield (first, *rest), np.ascontiguousarray(part)

    def _rounded(self, spec: Spec, chunk: Array) -> bytes:
        """The chunk after HDF5's own scale-offset filter, which numpy has no twin of: written to memory, read back."""
        if self._scratch is None:
            # a name of its own: HDF5 tells files in memory apart by their names
            self._scratch = h5py.File(f"scratch-{next(_names)}", "w", driver="core", backing_store=False)
        # with the fill value of the real one: the filter sets a code apart for it
        dataset = self._scratch.create_dataset(
            "chunk", data=chunk, chunks=chunk.shape, scaleoffset=spec.digits, fillvalue=spec.filled
        )
        dataset.flush()
        stored: bytes = dataset.id.read_direct_chunk((0,) * chunk.ndim)[1]
        del self._scratch["chunk"]
        return stored


def _bits(array: Array) -> Array:
    """The same memory as whole numbers: NaN equals NaN, and comparing takes one pass."""
    return array.view(f"u{array.dtype.itemsize}")
