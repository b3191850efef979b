"""Text as tokens: the bytes of a file, and their indices."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from sensorium.engine.errors import ScenarioError

__all__ = ["Tokens", "read_text"]


@dataclass(frozen=True)
class Tokens:
    """A run of bytes with the index of each.

    Attributes
    ----------
    byte
        ``(n,)`` uint8.
    index
        ``(n,)`` int64: the position of each byte, counted from 0.
    """

    byte: npt.NDArray[np.uint8]
    index: npt.NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.byte)

    @classmethod
    def of(cls, data: bytes) -> Tokens:
        """Tokens of `data`, indices from 0."""
        byte = np.frombuffer(data, np.uint8)
        return cls(byte, np.arange(len(byte), dtype=np.int64))


def read_text(path: Path, length: int | None = None, offset: int = 0) -> Tokens:
    """Bytes `offset` to `offset` + `length` of a file as tokens; indices start at 0 with the first byte taken.

    Raises
    ------
    ScenarioError
        If the file cannot be read, or is shorter than what is asked for.
    """
    try:
        size = path.stat().st_size
        if not path.is_file():
            raise ScenarioError(f"'{path}' is not a file")
        if offset >= size or (length is not None and offset + length > size):
            wanted = "more" if length is None else f"bytes {offset} to {offset + length}"
            raise ScenarioError(f"'{path}' has {size} bytes; {wanted} were asked for")
        with path.open("rb") as file:
            file.seek(offset)
            return Tokens.of(file.read(-1 if length is None else length))
    except OSError as error:
        raise ScenarioError(f"'{path}' cannot be read: {error.strerror}") from None
