"""Commits: when rows go to the file, in which order, and how the datasets of new names come about.

One set of rules serves the live run and the merge of segments. That is why a run that was killed and resumed ends
with the same bytes as one that was not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.io.segment import Segment
from sensorium.io.series import Block
from sensorium.io.spec import EVENTS, FRAMES, SERIES, Plan, Spec

__all__ = ["COMMIT_STEPS", "commit", "commit_steps", "extend"]

Array = npt.NDArray[Any]

COMMIT_STEPS = 256  # series and events go to the file with every frame, and at multiples of this without one


def commit_steps(frames: Iterable[int], last: int) -> Iterator[int]:
    """Steps at which an uninterrupted run commits: its frames, multiples of `COMMIT_STEPS`, and the end."""
    marks = {*(int(step) for step in frames), last}
    first = min(marks)
    marks.update(range(-(-first // COMMIT_STEPS) * COMMIT_STEPS, last, COMMIT_STEPS))
    yield from sorted(marks)


def extend(plan: Plan, segment: Segment, specs: Iterable[Spec]) -> None:
    """Add new datasets to the plan and the file, in the order that does not depend on earlier segments."""
    for spec in sorted(specs, key=lambda s: s.order):
        segment.create(plan.add(spec))


def commit(
    plan: Plan,
    segment: Segment,
    put_frame: Callable[[Spec], None] | None,
    clock: tuple[int, float],
    series: Block,
    events: Block,
) -> None:
    """Write one frame, if `put_frame` is given, and blocks of series and events.

    Parameters
    ----------
    put_frame
        Appends the row of one dataset of the frame to the segment.
    clock
        Step and time of the frame.
    series, events
        Rows that wait.
    """
    columns = {f"engine/series/{name}": values for name, values in series[2].items()}
    columns |= {f"engine/events/{name}": values for name, values in events[2].items()}
    counts = {SERIES: len(series[0]), EVENTS: len(events[0])}
    for spec in plan.specs.values():
        if spec.table == FRAMES:
            if put_frame is not None:
                put_frame(spec)
            continue
        values = columns.get(spec.path)
        segment.put_block(spec, np.full(counts[spec.table], spec.filled) if values is None else values)
    frame = (np.array([clock[0]], np.int64), np.array([clock[1]])) if put_frame is not None else _NOTHING
    segment.commit({FRAMES: frame, SERIES: series[:2], EVENTS: events[:2]})


_NOTHING = (np.zeros(0, np.int64), np.zeros(0))
