"""Column: a dataset of the run that is read when it is indexed."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.io.source import Source

__all__ = ["Column", "Series"]

Array = npt.NDArray[Any]


class Column:
    """One quantity over the frames of a run: ``(frames, rows)`` or ``(frames, rows, k)``, read as it is indexed.

    ``column[-1]`` is the last frame, with its living rows only; ``column[2:5]`` is a block of frames as it is
    stored, with NaN or -1 where a row is dead; further indices cut rows and components.

    Parameters
    ----------
    source, path, table
        Where it is.
    frames
        Rows of the table that are shown.
    living
        Number of living rows of a frame; None when every row counts.
    """

    def __init__(
        self,
        source: Source,
        path: str,
        table: str,
        frames: range,
        living: Callable[[int], int] | None = None,
    ) -> None:
        self._source, self._path, self._table, self._frames, self._living = source, path, table, frames, living
        self.shape = (len(frames), *source.shape(path, table)[1:])
        about = source.attributes(path, "quantity", "doc")
        self.unit = str(about.get("quantity", "1"))
        self.doc = str(about.get("doc", ""))

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Dtype as stored."""
        return np.asarray(self.fill).dtype

    @property
    def fill(self) -> Any:
        """What stands in a dead row."""
        return self._source.fill(self._path)

    @property
    def step(self) -> Array:
        """Step of each frame."""
        return self._source.steps[self._table][self._frames.start : self._frames.stop : self._frames.step]

    @property
    def time(self) -> Array:
        """Time of each frame."""
        return self._source.times[self._table][self._frames.start : self._frames.stop : self._frames.step]

    def __len__(self) -> int:
        return len(self._frames)

    def __iter__(self) -> Iterator[Array]:
        return (self[k] for k in range(len(self)))

    def __repr__(self) -> str:
        return f"<{self._path.removesuffix('/value')}: {self.dtype} {self.shape} [{self.unit}]>"

    def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> Array:
        return np.asarray(self[:], dtype)

    def __getitem__(self, key: Any) -> Any:
        key = key if isinstance(key, tuple) else (key,)
        if key and key[0] is Ellipsis:
            key = (slice(None), *key) if len(key) <= self.ndim else key[1:]
        first, rest = (key[0], key[1:]) if key else (slice(None), ())
        if isinstance(first, int | np.integer):
            frame = self._frames[int(first)]
            row = self._source.rows(self._path, self._table, frame, frame + 1)[0]
            if self._living is not None:
                row = row[: self._living(frame)]
            return row[rest] if rest else row
        if isinstance(first, slice):
            block = self._block(self._frames[first])
        else:
            chosen = np.arange(len(self))[np.asarray(first)]
            rows = [self._block(self._frames[int(k) : int(k) + 1]) for k in chosen]
            block = np.concatenate(rows) if rows else self._block(self._frames[:0])
        return block[(slice(None), *rest)] if rest else block

    def _block(self, frames: range) -> Array:
        if not len(frames):
            return np.empty((0, *self.shape[1:]), self.dtype)
        backward = frames.step < 0
        ordered = frames[::-1] if backward else frames
        block = self._source.rows(self._path, self._table, ordered.start, ordered[-1] + 1, ordered.step)
        return block[::-1] if backward else block


class Series(Column):
    """A scalar over time: an array with ``.step``, ``.time`` and ``.unit``."""

    @property
    def values(self) -> Array:
        """All values, ``(rows,)``."""
        return np.asarray(self)
