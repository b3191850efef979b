"""What a trajectory file is made of: a header that never changes, and datasets that grow row by row."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

__all__ = ["CHUNK_BYTES", "EVENTS", "FRAMES", "SERIES", "TABLES", "Plan", "Spec", "chunk_rows"]

FRAMES, SERIES, EVENTS = "frames", "series", "events"
TABLES = (FRAMES, SERIES, EVENTS)
CHUNK_BYTES = 4 << 20  # one frame is one chunk up to here; larger frames are cut along their first axis


def chunk_rows(rows: int, row_bytes: int) -> int:
    """Rows per chunk so that `rows` split evenly into chunks of at most about 4 MB."""
    pieces = max(1, math.ceil(rows * row_bytes / CHUNK_BYTES))
    return max(1, math.ceil(rows / pieces))


@dataclass(frozen=True)
class Spec:
    """One dataset that grows.

    Attributes
    ----------
    path
        H5MD element (a group with ``value``, ``step``, ``time``), or the dataset itself when not `element`.
    table
        The clock that it shares: ``frames``, ``series`` or ``events``.
    dtype, shape
        Of one row, when the dataset is created; ``grows`` lets the first axis of the row become longer.
    chunk
        Shape of a chunk without the row axis. Bulk datasets have one row in a chunk.
    bulk
        Written chunk by chunk, past HDF5's own cache; the others are small and appended in blocks.
    codec
        ``raw``, ``gzip`` (level 1, shuffled) or ``digits`` (HDF5 scale-offset with `digits` decimals; lossy).
    fill
        What a reader sees where nothing was written.
    since
        Row of the table at which the dataset appeared; rows before hold `fill`.
    attributes
        Attributes of the dataset.
    rank
        Place among the datasets that are created together, before the alphabet.
    links
        Hard links ``(existing, new)`` made right after the dataset.
    """

    path: str
    table: str
    dtype: str
    shape: tuple[int, ...] = ()
    chunk: tuple[int, ...] = ()
    bulk: bool = False
    codec: str = "raw"
    digits: int = 0
    fill: float | int | str = 0
    grows: bool = False
    element: bool = True
    since: int = 0
    attributes: Mapping[str, str] = field(default_factory=dict)
    rank: int = 0
    links: tuple[tuple[str, str], ...] = ()

    @property
    def dataset(self) -> str:
        """Path of the dataset."""
        return f"{self.path}/value" if self.element else self.path

    @property
    def chunk_bytes(self) -> int:
        """Size of a chunk before compression."""
        return np.dtype(self.dtype).itemsize * self.row_chunk * math.prod(self.chunk)

    @property
    def order(self) -> tuple[int, int, int, str]:
        """Sort key among datasets created in one commit; it does not depend on how the run was cut into segments."""
        return TABLES.index(self.table), self.since, self.rank, self.path

    @property
    def filled(self) -> Any:
        """The fill value as a numpy scalar of the dtype."""
        return np.asarray(self.fill, self.dtype)[()]

    @property
    def row_chunk(self) -> int:
        """Rows of the table in one chunk."""
        if self.bulk:
            return 1
        row_bytes = np.dtype(self.dtype).itemsize * math.prod(self.shape)
        return max(1, min(1024, (64 << 10) // max(1, row_bytes)))


@dataclass
class Plan:
    """The whole file: its header (what :func:`sensorium.io.layout.write_header` writes) and its datasets in order."""

    header: dict[str, Any] = field(default_factory=dict)
    specs: dict[str, Spec] = field(default_factory=dict)

    def add(self, spec: Spec) -> Spec:
        """Append a dataset to the plan."""
        self.specs[spec.path] = spec
        return spec

    def widen(self, path: str, rows: int) -> Spec:
        """Make the first axis of `path`'s rows `rows` long."""
        old = self.specs[path]
        self.specs[path] = replace(old, shape=(rows, *old.shape[1:]))
        return self.specs[path]

    def to_json(self) -> str:
        """Text that :meth:`from_json` reads; the same plan gives the same text."""
        return json.dumps({"header": self.header, "specs": [vars(s) for s in self.specs.values()]}, sort_keys=True)

    @classmethod
    def from_json(cls, text: str) -> Plan:
        """Inverse of :meth:`to_json`."""
        raw = json.loads(text)
        plan = cls(header=raw["header"])
        for item in raw["specs"]:
            shapes = {name: tuple(item[name]) for name in ("shape", "chunk")}
            plan.add(Spec(**{**item, **shapes, "links": tuple((old, new) for old, new in item["links"])}))
        return plan
