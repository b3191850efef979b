"""Segment: one HDF5 file that grows, committed in two phases so that a killed run leaves a file that opens."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from sensorium.io.encoding import Piece
from sensorium.io.layout import clock_path, label, label_grid, write_header, write_layout
from sensorium.io.parts import fsync_file
from sensorium.io.space import Reservation, trim
from sensorium.io.spec import TABLES, Plan, Spec

__all__ = ["Segment", "Stored"]

HEADER_BYTES = 64 << 10

Array = npt.NDArray[Any]
Stored = tuple[tuple[int, ...], int, bytes]  # offset in the row, filter mask, bytes as they lie in a file


class Segment:
    """An HDF5 file open for appending.

    A commit writes every dataset, flushes, then lengthens ``step`` and ``time``, and flushes again: rows beyond
    ``len(step)`` do not exist for readers. The same calls give the same bytes, which is how several segments are
    merged into the file that an uninterrupted run would have written.

    Parameters
    ----------
    path
        The file; it must not exist.
    plan
        Header and datasets so far; more may be added with :meth:`create`.
    first
        For each table the row of the run at which the segment starts.
    """

    def __init__(self, path: Path, plan: Plan, first: Mapping[str, int]) -> None:
        self.path, self.plan, self.first = path, plan, dict(first)
        self.rows = dict.fromkeys(TABLES, 0)
        self._datasets: dict[str, h5py.Dataset] = {}
        self._lengths: dict[str, int] = {}
        # locking is off: readers open the growing file, and the lock of the parts folder keeps a second writer out
        self._file = h5py.File(path, "x", locking=False)
        self._space = Reservation(self._file)
        self._space.need(HEADER_BYTES)
        write_header(self._file, plan.header)
        self._clocks = {
            table: (self._clock(clock_path(table, "step"), "i8"), self._clock(clock_path(table, "time"), "f8"))
            for table in TABLES
        }
        for spec in plan.specs.values():
            self.create(spec)

    def _clock(self, path: str, dtype: str) -> h5py.Dataset:
        return self._file.create_dataset(path, (0,), dtype, maxshape=(None,), chunks=(1024,))

    def create(self, spec: Spec) -> None:
        """Create the dataset of `spec`; rows before it hold the fill value."""
        rows = self.rows[spec.table]
        compress: dict[str, Any] = {}
        if spec.codec == "gzip":
            compress = {"compression": "gzip", "compression_opts": 1, "shuffle": True}
        elif spec.codec == "digits":
            compress = {"scaleoffset": spec.digits}
        limits = (None, *spec.shape[1:]) if spec.grows else spec.shape
        dataset = self._file.create_dataset(
            spec.dataset,
            (rows, *spec.shape),
            spec.dtype,
            maxshape=(None, *limits),
            chunks=(spec.row_chunk, *spec.chunk),
            fillvalue=spec.filled,
            **compress,
        )
        label(dataset, spec.attributes)
        if spec.element:
            step, time = self._clocks[spec.table]
            group = dataset.parent
            group["step"], group["time"] = step, time
            if spec.path.startswith("fields/"):
                label_grid(group, self.plan.header["grid"])
        for existing, new in spec.links:
            self._file[new] = self._file[existing]
        self._datasets[spec.path], self._lengths[spec.path] = dataset, rows

    # ---- appending --------------------------------------------------------------------------------------------

    def put_row(self, spec: Spec, pieces: Iterable[Piece]) -> None:
        """Append one row to a bulk dataset, as encoded chunks."""
        row, low = self._lengthen(spec, 1)
        for offset, data in pieces:
            self._space.need(data.nbytes if isinstance(data, np.ndarray) else len(data))
            low.write_direct_chunk((row, *offset), data)

    def put_raw(self, spec: Spec, chunks: Iterable[Stored]) -> None:
        """Append one row as chunks that were read from another segment."""
        row, low = self._lengthen(spec, 1)
        for offset, mask, data in chunks:
            self._space.need(len(data))
            low.write_direct_chunk((row, *offset), data, mask)

    def put_block(self, spec: Spec, block: Array) -> None:
        """Append rows to a small dataset."""
        if not len(block):
            return
        self._space.need(2 * spec.chunk_bytes + block.nbytes)
        first = self._lengths[spec.path]
        self._lengths[spec.path] = first + len(block)
        _append(self._datasets[spec.path].id, first, np.ascontiguousarray(block, spec.dtype), spec.shape)

    def _lengthen(self, spec: Spec, rows: int) -> tuple[int, Any]:
        first = self._lengths[spec.path]
        self._lengths[spec.path] = first + rows
        low = self._datasets[spec.path].id
        low.set_extent((first + rows, *spec.shape))
        return first, low

    def commit(self, clocks: Mapping[str, tuple[Array, Array]]) -> None:
        """End a commit: `clocks` holds for each table the steps and times of the rows just written."""
        self._file.flush()
        for table, (steps, times) in clocks.items():
            if not len(steps):
                continue
            first = self.rows[table]
            self.rows[table] = first + len(steps)
            _append(self._clocks[table][0].id, first, np.ascontiguousarray(steps, np.int64))
            _append(self._clocks[table][1].id, first, np.ascontiguousarray(times, np.float64))
        self._file.flush()

    # ---- the end ----------------------------------------------------------------------------------------------

    def seal(self) -> None:
        """Close the file, complete: on disk when this returns."""
        layout = self.plan.to_json()
        self._space.need(HEADER_BYTES + len(layout))
        write_layout(self._file, layout, self.rows)
        self.discard()
        fsync_file(self.path)

    def discard(self, *, failed: bool = False) -> None:
        """Close the file without completing it; after a failed write nothing more goes to the disk."""
        if not self._file:
            return
        if failed:
            self._space.abandon()
        self._datasets.clear()
        self._clocks.clear()
        self._file.close()
        if not failed:
            trim(self.path)

    @property
    def committed(self) -> dict[str, int]:
        """Rows of the run, in each table, after this segment's."""
        return {table: self.first[table] + rows for table, rows in self.rows.items()}


def _append(low: Any, first: int, block: Array, shape: tuple[int, ...] = ()) -> None:
    """Write `block` behind the first `first` rows: h5py's own indexing takes longer than the disk."""
    low.set_extent((first + len(block), *shape))
    space = low.get_space()
    space.select_hyperslab((first, *(0 for _ in shape)), block.shape)
    low.write(h5py.h5s.create_simple(block.shape), space, block)
