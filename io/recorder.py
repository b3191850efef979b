"""Recorder: takes frames, series and events from the run and turns them into sealed segments."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.errors import OutputError
from sensorium.engine.events import Event
from sensorium.io.commits import commit, extend
from sensorium.io.encoding import Encoder
from sensorium.io.eventlog import EVENT_GROUP, event_block, event_spec
from sensorium.io.layout import observable_path, scalar_spec, series_path
from sensorium.io.parts import Manifest, Parts, fsync_directory
from sensorium.io.segment import Segment
from sensorium.io.series import Row, first_seen, series_block, series_unit
from sensorium.io.snapshot import Snapshot
from sensorium.io.spec import EVENTS, FRAMES, SERIES, TABLES, Plan, Spec
from sensorium.io.worker import Worker

__all__ = ["Recorder"]

Array = npt.NDArray[Any]

SMALLEST_AXIS = 64  # the axis of a population that grows doubles from here


class Recorder:
    """Segments of one run, written by a thread of its own.

    Parameters
    ----------
    parts
        Where the segments lie.

    Attributes
    ----------
    plan
        Header and datasets so far; the header must be set before the first :meth:`put`.
    rows
        Rows of the run that were written, in each table.
    sealed
        Segments that are complete and durable.
    """

    def __init__(self, parts: Parts) -> None:
        self.parts = parts
        self.plan = Plan()
        self.rows = dict.fromkeys(TABLES, 0)
        self.sealed: list[Manifest] = []
        self._segment: Segment | None = None
        self._encoder = Encoder()
        self._worker = Worker()
        self._event_kinds: dict[str, str] = {}

    @property
    def failed(self) -> bool:
        """Whether the thread met an error: nothing more is written."""
        return self._worker.error is not None

    def put(self, frame: Snapshot | None, series: list[Row], events: list[Event], dt: float) -> None:
        """Queue a commit; blocks while two wait. Raises what an earlier one raised."""
        if frame is not None or series or events:
            self._worker.put(lambda: self._commit(frame, series, events, dt))

    def check(self) -> None:
        """Raise what the thread met."""
        self._worker.check()

    def seal(self) -> None:
        """Finish what is queued, close the open segment and make it durable."""
        self._worker.drain()
        segment, self._segment = self._segment, None
        if segment is None:
            return
        try:
            segment.seal()
        except BaseException:
            segment.discard(failed=True)
            raise
        path = self.parts.segment(len(self.sealed))
        segment.path.replace(path)
        fsync_directory(self.parts.folder)
        self.sealed.append(Manifest(path.name, path.stat().st_size, dict(self.rows)))

    def stop(self) -> None:
        """End the thread; an open segment stays as it is, readable up to its last commit."""
        self._worker.stop()
        self._encoder.close()
        segment, self._segment = self._segment, None
        if segment is not None:
            segment.discard(failed=self.failed)

    # ---- in the thread ----------------------------------------------------------------------------------------

    def _commit(self, frame: Snapshot | None, series: list[Row], events: list[Event], dt: float) -> None:
        try:
            event_rows, fresh = event_block(events, dt, self._event_kinds)
            series_rows = series_block(series)
            new = [event_spec(name, self._event_kinds[name], self.rows[EVENTS] + k) for name, k in fresh.items()]
            new += self._new_series(series)
            if frame is not None:
                new += self._new_frame_specs(frame)
            if self._segment is None:
                path = self.parts.growing(len(self.sealed))
                path.unlink(missing_ok=True)
                self._segment = Segment(path, self.plan, self.rows)
            extend(self.plan, self._segment, new)
            put_frame = None if frame is None else lambda spec: self._put(spec, frame)
            clock = (0, 0.0) if frame is None else (frame.step, frame.time)
            commit(self.plan, self._segment, put_frame, clock, series_rows, event_rows)
            self.rows = self._segment.committed
        finally:
            if frame is not None:
                frame.release()

    def _new_series(self, rows: list[Row]) -> list[Spec]:
        known = {path.removeprefix(f"engine/{SERIES}/") for path in self.plan.specs}
        return [
            scalar_spec(series_path(name), SERIES, since=self.rows[SERIES] + k, unit=series_unit(name))
            for name, k in first_seen(rows, known).items()
        ]

    def _new_frame_specs(self, frame: Snapshot) -> list[Spec]:
        since, known = self.rows[FRAMES], self.plan.specs
        new = [replace(spec, since=since) for spec in frame.specs if spec.path not in known]
        for name in frame.observables:
            if observable_path(name) not in known:
                new.append(scalar_spec(observable_path(name), FRAMES, since=since, unit=series_unit(name)))
        return new

    def _put(self, spec: Spec, frame: Snapshot) -> None:
        assert self._segment is not None
        row = frame.row(spec.path)
        if not spec.bulk:
            value = spec.filled if row is None else row
            self._segment.put_block(spec, np.asarray(value, spec.dtype).reshape(1, *spec.shape))
            return
        if row is None:
            self._segment.put_row(spec, ())
            return
        if spec.grows and len(row) > spec.shape[0]:
            spec = self.plan.widen(spec.path, max(SMALLEST_AXIS, 1 << (len(row) - 1).bit_length()))
        self._segment.put_row(spec, self._encoder.pieces(spec, row))

    # ---- state ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Plan, rows and sealed segments; :meth:`seal` first."""
        if self._segment is not None:
            raise RuntimeError("the open segment must be sealed before the state of a recorder is taken")
        return {
            "plan": self.plan.to_json(),
            "rows": dict(self.rows),
            "segments": {manifest.name: manifest.state() for manifest in self.sealed},
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after the segments that the state names; whatever came later is dropped.

        Raises
        ------
        OutputError
            If one of those segments is missing or has another size.
        """
        self.plan = Plan.from_json(str(state["plan"]))
        self.rows = {table: int(state["rows"][table]) for table in TABLES}
        self.sealed = sorted((Manifest.restored(m) for m in state["segments"].values()), key=lambda m: m.name)
        prefix = f"{EVENT_GROUP}/"
        self._event_kinds = {
            path.removeprefix(prefix): np.dtype(spec.dtype).kind
            for path, spec in self.plan.specs.items()
            if path.startswith(prefix)
        }
        for manifest in self.sealed:
            path = self.parts.folder / manifest.name
            if not path.is_file() or path.stat().st_size != manifest.size:
                raise OutputError(f"cannot resume {self.parts.output}: its segment {path} is missing or damaged")
        self.parts.keep_only(manifest.name for manifest in self.sealed)
