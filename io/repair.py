"""Repair: the good frames of a damaged run, copied to a new file by a process that may die without harm."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sensorium.engine.errors import OutputError
from sensorium.io.commits import commit, extend
from sensorium.io.encoding import Encoder
from sensorium.io.layout import LAYOUT
from sensorium.io.parts import replacing
from sensorium.io.segment import Segment
from sensorium.io.series import Block
from sensorium.io.source import Source
from sensorium.io.spec import EVENTS, FRAMES, SERIES, TABLES, Plan, Spec
from sensorium.io.survey import survey

__all__ = ["Repaired", "repair"]

SECONDS = 600
TRIES = 20
BLOCK_ROWS = 1024


@dataclass(frozen=True)
class Repaired:
    """What was saved: frames copied, frames lost, and scalar columns that are not whole."""

    copied: int
    lost: tuple[int, ...]
    columns: tuple[str, ...]


def repair(source: str | Path, target: str | Path) -> Repaired:
    """Copy every frame of `source` that can be read to `target`, a new and whole trajectory.

    A damaged file can crash the HDF5 library, so the copy is made by a child process; frames in which it dies are
    left out.

    Raises
    ------
    OutputError
        If nothing can be saved, or `target` is there already.
    """
    source, target = Path(source), Path(target)
    if target.exists():
        raise OutputError(f"{target} is there already; choose another name")
    bad: list[int] = []
    with replacing(target) as fresh:
        for _ in range(TRIES):
            fresh.unlink(missing_ok=True)
            answer, reached = _child(source, fresh, bad)
            if answer is not None:
                if "error" in answer:
                    raise OutputError(str(answer["error"]))
                return Repaired(int(answer["copied"]), tuple(answer["lost"]), tuple(answer["columns"]))
            bad.append(reached)
        raise OutputError(f"{source} is damaged beyond repair: the reader died {TRIES} times")


def _child(source: Path, target: Path, bad: list[int]) -> tuple[dict[str, Any] | None, int]:
    """The answer of the copying process, or None and the frame at which it died."""
    command = [sys.executable, "-m", "sensorium.io.repair", str(source), str(target), json.dumps(bad)]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS)
        said = done.stdout
    except subprocess.TimeoutExpired as stuck:
        said = (stuck.stdout or b"").decode()
        done = None
    lines = [line for line in said.splitlines() if line.startswith("{")]
    told = json.loads(lines[-1]) if lines else {}
    if done is not None and done.returncode == 0 and "frame" not in told:
        return told, -1
    if "frame" not in told:
        raise OutputError(f"{source} is damaged beyond repair: its structure cannot be read")
    return None, int(told["frame"])


# ---- in the child ---------------------------------------------------------------------------------------------


def _tell(**what: Any) -> None:
    print(json.dumps(what), flush=True)


def _plan(source: Source) -> Plan:
    """The plan that a seal left, or one made from what the file shows."""
    stored = source.get(LAYOUT)
    if isinstance(stored, h5py.Dataset):
        with suppress(ValueError, KeyError, TypeError, OSError):  # damaged too: the datasets speak for themselves
            return Plan.from_json(stored[()].decode())
    with source.reading():
        return survey(source.last)


def _good_frames(source: Source, plan: Plan, skip: list[int]) -> Iterator[int]:
    frames = [spec for spec in plan.specs.values() if spec.table == FRAMES]
    for row in range(len(source.steps[FRAMES])):
        if row in skip:
            continue
        _tell(frame=row)
        try:
            for spec in frames:
                source.rows(spec.dataset, FRAMES, row, row + 1)
        except OutputError:
            continue
        yield row


def _scalars(source: Source, plan: Plan, table: str, lost: list[str]) -> Block:
    """All rows of a table; blocks that cannot be read hold the fill value, and the column is named in `lost`."""
    rows = len(source.steps[table])
    columns = {}
    for spec in plan.specs.values():
        if spec.table != table:
            continue
        values = np.full(rows, spec.filled, spec.dtype)
        for first in range(0, rows, BLOCK_ROWS):
            end = min(rows, first + BLOCK_ROWS)
            try:
                values[first:end] = source.rows(spec.dataset, table, first, end)
            except OutputError:
                if spec.path not in lost:
                    lost.append(spec.path)
        columns[spec.path.removeprefix(f"engine/{table}/")] = values
    return source.steps[table], source.times[table], columns


def _copy(source: Source, target: Path, skip: list[int]) -> None:
    old = _plan(source)
    good = list(_good_frames(source, old, skip))
    lost_columns: list[str] = []
    series, events = (_scalars(source, old, table, lost_columns) for table in (SERIES, EVENTS))
    plan = Plan(header=old.header)
    segment = Segment(target, plan, dict.fromkeys(TABLES, 0))
    encoder = Encoder()
    extend(plan, segment, (replace(spec, since=0) for spec in old.specs.values()))
    nothing: Block = (np.zeros(0, np.int64), np.zeros(0), {})
    for row in good:

        def put(spec: Spec, row: int = row) -> None:
            values = source.rows(spec.dataset, FRAMES, row, row + 1)
            if spec.bulk:
                segment.put_row(spec, encoder.pieces(spec, np.ascontiguousarray(values[0], spec.dtype)))
            else:
                segment.put_block(spec, values)

        clock = int(source.steps[FRAMES][row]), float(source.times[FRAMES][row])
        commit(plan, segment, put, clock, nothing, nothing)
    commit(plan, segment, None, (0, 0.0), series, events)
    segment.seal()
    lost = sorted(set(range(len(source.steps[FRAMES]))) - set(good))
    _tell(copied=len(good), lost=lost, columns=lost_columns)


def _main(source: str, target: str, skip: str) -> None:
    try:
        _copy(Source(source), Path(target), json.loads(skip))
    except OutputError as error:
        _tell(error=str(error))


if __name__ == "__main__":
    _main(*sys.argv[1:])
