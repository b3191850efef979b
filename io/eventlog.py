"""The event log: one row per happening, with step, kind, id, and whatever else the event says."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.errors import OutputError
from sensorium.engine.events import Event
from sensorium.io.series import Block
from sensorium.io.spec import EVENTS, Spec

__all__ = ["EVENT_GROUP", "event_block", "event_spec"]

Array = npt.NDArray[Any]

EVENT_GROUP = "engine/events"
TEXT = "S32"  # fixed length: opens in every reader, and compresses
_CLOCKS = frozenset({"step", "time", "kind"})
_DTYPES = {"i": "<i8", "f": "<f8", "S": f"|{TEXT}"}
_FILLS: dict[str, int | str] = {"i": -1, "f": "nan", "S": ""}
_SUFFIXES = {"i": "_int", "f": "_real", "S": "_text"}


def event_spec(name: str, kind: str, since: int) -> Spec:
    """A column of ``/engine/events``; rows of other events hold -1, NaN or an empty text."""
    return Spec(f"{EVENT_GROUP}/{name}", EVENTS, _DTYPES[kind], fill=_FILLS[kind], element=False, since=since)


def event_block(events: Iterable[Event], dt: float, kinds: MutableMapping[str, str]) -> tuple[Block, dict[str, int]]:
    """Rows of `events`: array values stand for several happenings, scalars hold for all of them.

    The step of an event is the one that was being computed: it lies between the frames of that step and the next.

    Parameters
    ----------
    events
        Oldest first.
    dt
        Time step.
    kinds
        Dtype kind of every column so far: ``i`` int64 (ids, counts, states), ``f`` float64, ``S`` text. A value of
        another kind goes to a column of its own. New columns are added.

    Returns
    -------
    block
        Steps, times and columns.
    fresh
        New columns, each with the row at which it appears.
    """
    steps: list[Array] = []
    parts: dict[str, list[tuple[int, Array]]] = {}
    fresh: dict[str, int] = {}
    count = 0
    for event in events:
        values = {name: _column(value) for name, value in event.values.items()}
        rows = max((len(value) for value in values.values()), default=1)
        if min((len(value) for value in values.values()), default=1) == 0:
            continue
        steps.append(np.full(rows, event.step, np.int64))
        named = {f"{name}_" if name in _CLOCKS else name: value for name, value in values.items()}
        for name, value in {"kind": np.array([event.kind.encode()], TEXT), **named}.items():
            kind = value.dtype.kind
            column = name if kinds.get(name, kind) == kind else name + _SUFFIXES[kind]
            if column not in kinds:
                kinds[column] = kind
                fresh[column] = count
            parts.setdefault(column, []).append((count, np.broadcast_to(value, (rows,))))
        count += rows
    step = np.concatenate([np.zeros(0, np.int64), *steps])
    columns = {name: _gathered(pieces, count, kinds[name]) for name, pieces in parts.items()}
    return (step, step * dt, columns), fresh


def _column(value: Any) -> Array:
    array = np.asarray(value).reshape(-1)
    if array.dtype.kind == "U":
        array = np.char.encode(array, "utf-8")
    if array.dtype.kind == "S":
        return array.astype(TEXT)
    if array.dtype.kind not in "biuf":
        raise OutputError(f"an event holds {type(value).__name__} objects; it may hold numbers and text")
    return array.astype(np.float64 if array.dtype.kind == "f" else np.int64)


def _gathered(pieces: list[tuple[int, Array]], count: int, kind: str) -> Array:
    out = np.full(count, {"i": -1, "f": np.nan, "S": b""}[kind], _DTYPES[kind])
    for first, piece in pieces:
        out[first : first + len(piece)] = piece
    return out
