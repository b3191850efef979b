"""Merge: several sealed segments into the one file that an uninterrupted run would have written, bit by bit."""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from sensorium.engine.errors import OutputError
from sensorium.io.commits import commit, commit_steps, extend
from sensorium.io.layout import LAYOUT, clock_path
from sensorium.io.segment import Segment, Stored
from sensorium.io.series import Block
from sensorium.io.spec import EVENTS, FRAMES, SERIES, TABLES, Plan, Spec

__all__ = ["Joined", "merge"]

Array = npt.NDArray[Any]

OPEN_SEGMENTS = 4  # a run of many checkpoints has more segments than a process may hold open


class _Source:
    """A sealed segment: its clocks, and where in the run its rows are. The file is open only while it is read."""

    def __init__(self, path: Path, first: dict[str, int]) -> None:
        self.path, self.first = path, dict(first)
        self._file: h5py.File | None = None
        self.clocks = {
            table: (self.file[clock_path(table, "step")][()], self.file[clock_path(table, "time")][()])
            for table in TABLES
        }
        self.layout = self.file[LAYOUT][()].decode()
        self.after = {table: first[table] + len(steps) for table, (steps, _) in self.clocks.items()}
        self.release()

    @property
    def file(self) -> h5py.File:
        """The open file."""
        if self._file is None:
            self._file = h5py.File(self.path, "r", locking=False)
        return self._file

    def release(self) -> None:
        """Close the file and forget what was read."""
        if self._file is not None:
            self._file.close()
        self._file = None
        self._chunks: dict[str, dict[int, list[tuple[int, ...]]]] = {}
        self._columns: dict[str, Array | None] = {}

    def shape(self, spec: Spec) -> tuple[int, ...] | None:
        """Committed shape of a dataset here; None when it had not appeared yet."""
        if spec.dataset not in self.file:
            return None
        rows = self.after[spec.table] - self.first[spec.table]
        return (rows, *self.file[spec.dataset].shape[1:])

    def chunks(self, spec: Spec, row: int) -> list[Stored]:
        """Stored chunks of row `row` of the run."""
        if spec.dataset not in self.file:
            return []
        low = self.file[spec.dataset].id
        if spec.path not in self._chunks:
            found: dict[int, list[tuple[int, ...]]] = {}
            low.chunk_iter(lambda info: found.setdefault(info.chunk_offset[0], []).append(info.chunk_offset[1:]))
            self._chunks[spec.path] = {where: sorted(offsets) for where, offsets in found.items()}
        local = row - self.first[spec.table]
        stored = []
        for offset in self._chunks[spec.path].get(local, ()):
            mask, data = low.read_direct_chunk((local, *offset))
            stored.append((offset, mask, data))
        return stored

    def block(self, spec: Spec, begin: int, end: int) -> Array:
        """Rows `begin` to `end` of the run of a small dataset."""
        if spec.path not in self._columns:
            self._columns[spec.path] = self.file[spec.dataset][()] if spec.dataset in self.file else None
        column = self._columns[spec.path]
        if column is None:
            return np.full((end - begin, *spec.shape), spec.filled)
        first = self.first[spec.table]
        return column[begin - first : end - first]


class Joined:
    """All segments as one: rows of the run, read in ascending order, a few segments open at a time."""

    def __init__(self, paths: Sequence[Path]) -> None:
        self.sources: list[_Source] = []
        self._in_use: deque[_Source] = deque()
        first = dict.fromkeys(TABLES, 0)
        for path in paths:
            source = _Source(path, first)
            self.sources.append(source)
            first = source.after
        self._ends = {table: [source.after[table] for source in self.sources] for table in TABLES}
        self.plan = Plan.from_json(self.sources[-1].layout)
        self.steps, self.times = (
            {table: np.concatenate([s.clocks[table][k] for s in self.sources]) for table in TABLES} for k in (0, 1)
        )

    def close(self) -> None:
        """Close every segment."""
        for source in self.sources:
            source.release()

    def _use(self, source: _Source) -> _Source:
        if source not in self._in_use:
            self._in_use.append(source)
            if len(self._in_use) > OPEN_SEGMENTS:
                self._in_use.popleft().release()
        return source

    def frame_chunks(self, spec: Spec, row: int) -> list[Stored]:
        """Stored chunks of a frame."""
        return self._use(self.sources[bisect_right(self._ends[FRAMES], row)]).chunks(spec, row)

    def block(self, spec: Spec, begin: int, end: int) -> Array:
        """Rows of a small dataset, across segments."""
        pieces = [np.zeros((0, *spec.shape), spec.dtype)]
        k = bisect_right(self._ends[spec.table], begin)
        while begin < end:
            source = self._use(self.sources[k])
            stop = min(end, source.after[spec.table])
            if stop > begin:
                pieces.append(source.block(spec, begin, stop))
            begin, k = stop, k + 1
        return np.concatenate(pieces)

    def blocks(self, plan: Plan, table: str, begin: int, end: int) -> Block:
        """Rows of a table of scalars, for :func:`~sensorium.io.commits.commit`."""
        columns = {
            spec.path.removeprefix(f"engine/{table}/"): self.block(spec, begin, end)
            for spec in plan.specs.values()
            if spec.table == table
        }
        return self.steps[table][begin:end], self.times[table][begin:end], columns


def merge(paths: Sequence[Path], target: Path) -> None:
    """Replay the commits of a run from its sealed segments into `target`.

    Chunks of frames are copied as they are stored; scalars are cut anew at the commits of an uninterrupted run.

    Raises
    ------
    OutputError
        If a segment lacks what a seal writes.
    """
    try:
        joined = Joined(paths)
    except KeyError as error:
        raise OutputError(f"cannot merge {paths[0].parent}: a segment was not sealed ({error})") from None
    plan = Plan(header=joined.plan.header)
    segment = Segment(target, plan, dict.fromkeys(TABLES, 0))
    try:
        _replay(joined, plan, segment)
        segment.seal()
    except BaseException:
        segment.discard(failed=True)
        target.unlink(missing_ok=True)
        raise
    finally:
        joined.close()


def _replay(joined: Joined, plan: Plan, segment: Segment) -> None:
    steps = joined.steps
    ends = [int(steps[table][-1]) + (table == EVENTS) for table in TABLES if len(steps[table])]
    if not ends:
        return
    waiting = list(joined.plan.specs.values())
    done = dict.fromkeys(TABLES, 0)
    for step in commit_steps(steps[FRAMES], max(ends)):
        # an event of step s happened on the way from s to s + 1: it is committed with s + 1
        after = {
            table: int(np.searchsorted(steps[table], step, "left" if table == EVENTS else "right")) for table in TABLES
        }
        if after == done:
            continue
        new = [spec for spec in waiting if spec.since < after[spec.table]]
        waiting = [spec for spec in waiting if spec.since >= after[spec.table]]
        extend(plan, segment, new)
        row = done[FRAMES]

        def put_frame(spec: Spec, row: int = row) -> None:
            if spec.bulk:
                segment.put_raw(spec, joined.frame_chunks(spec, row))
            else:
                segment.put_block(spec, joined.block(spec, row, row + 1))

        commit(
            plan,
            segment,
            put_frame if after[FRAMES] > row else None,
            (step, float(joined.times[FRAMES][row]) if after[FRAMES] > row else 0.0),
            joined.blocks(plan, SERIES, done[SERIES], after[SERIES]),
            joined.blocks(plan, EVENTS, done[EVENTS], after[EVENTS]),
        )
        done = after
