"""TrajectoryWriter: the run in one H5MD file, durable while it grows, whole when it is complete."""

from __future__ import annotations

import json
import queue
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from sensorium.engine.errors import OutputError
from sensorium.engine.simulation import Simulation
from sensorium.io.commits import COMMIT_STEPS
from sensorium.io.fields import box_of, grid_header
from sensorium.io.frames import FrameOptions, Frames
from sensorium.io.parts import Manifest, Parts, fsync_directory, reported
from sensorium.io.provenance import parameters
from sensorium.io.publish import finish, publish
from sensorium.io.recorder import Recorder
from sensorium.io.series import SeriesBuffer
from sensorium.io.snapshot import Snapshot
from sensorium.io.triggers import Trigger, ends_told, interrupted

__all__ = ["TrajectoryWriter"]

STATUS_SECONDS = 0.5  # the status file is replaced at most so often
SNAPSHOTS = 4  # one that is filled, two that wait, one that is written

When = int | Mapping[str, Any] | Trigger | None


class TrajectoryWriter:
    """Writes frames, series and events of a run to one file.

    Parameters
    ----------
    path
        The file; it appears, whole, when the run ends. Until then its parts are in ``<path>.parts``.
    every
        When frames are written: a number of steps, a mapping of triggers, or a :class:`Trigger`; None for never.
    series
        When scalars are written, as `every`.
    series_names
        Which scalars; all when None.
    frame
        Which columns, populations and fields.
    segments
        ``"merge"`` leaves one file; ``"keep"`` leaves the segments beside a master file.
    overwrite
        Replace a file, or an unfinished run, of that name.

    Raises
    ------
    OutputError
        If the file exists and may not be replaced, another process writes it, or the disk refuses.
    """

    def __init__(
        self,
        path: str | Path,
        every: When = 1,
        *,
        series: When = 1,
        series_names: Sequence[str] | None = None,
        frame: FrameOptions | None = None,
        segments: str = "merge",
        overwrite: bool = False,
    ) -> None:
        self.path = Path(path)
        self.parts = Parts(self.path)
        self.options = frame or FrameOptions()
        self.keep_segments, self.overwrite = segments == "keep", overwrite
        self._triggers = {"frame": Trigger.of(every), "series": Trigger.of(series)}
        self._series_names = None if series_names is None else frozenset(series_names)
        self._series = SeriesBuffer()
        self._recorder = Recorder(self.parts)
        self._frames: Frames | None = None
        self._free: queue.SimpleQueue[Snapshot] = queue.SimpleQueue()
        self._started = False
        self._published = 0  # size of the file that this writer made, while it may still grow
        self._said = 0.0
        self._outside: BaseException | None = None
        self._ends = 0

    # ---- the writer protocol ----------------------------------------------------------------------------------

    def open(self, sim: Simulation) -> None:
        """Claim the parts folder; a run that starts gets a frame of its first state."""
        self._outside, self._ends = sys.exc_info()[1], ends_told(sim)
        if not self._started:
            self._make_room()
        elif self._published:
            self._take_back()
        self.parts.claim()
        sim.world.events.keep()
        self._frames = Frames(self.options, sim)
        self._free = queue.SimpleQueue()
        for _ in range(SNAPSHOTS):
            self._free.put(Snapshot(self._free.put))
        if not self._started:
            self._recorder.plan.header = self._header(sim)
            self._observe(sim, **{name: trigger.active for name, trigger in self._triggers.items()})
            self._started = True
        self._tell(sim, "running")

    def write(self, sim: Simulation) -> None:
        """Write what is due after the step at hand."""
        step = sim.world.clock.step
        frame, series = self._triggers["frame"].due(step), self._triggers["series"].due(step)
        if frame or series or step % COMMIT_STEPS == 0:
            self._observe(sim, frame=frame, series=series)
        if time.monotonic() - self._said > STATUS_SECONDS:
            self._tell(sim, "running")

    def close(self, sim: Simulation) -> None:
        """Publish the file, unless the run failed, or was stopped and can be resumed: then its parts stay."""
        failed = sys.exc_info()[1] is not self._outside
        try:
            if self._recorder.failed:
                return  # write() or seal() told why; what was sealed stays
            self.seal(sim)
            if failed or (interrupted(sim, self._ends) and self.parts.checkpoints()):
                self._tell(sim, "failed" if failed else "stopped")
                return
            self._recorder.stop()
            with reported(self.path, "write"):
                publish(self.parts, self._recorder.sealed, keep=self.keep_segments)
                self._published = self.path.stat().st_size
        finally:
            self._recorder.stop()
            self.parts.release()

    def seal(self, sim: Simulation) -> None:
        """Write what waits and make it durable: readers and a checkpoint may rely on it."""
        with reported(self.path, "write"):
            self._recorder.put(None, self._series.take(), sim.world.events.drain(), sim.dt)
            self._recorder.seal()

    def state(self) -> dict[str, Any]:
        """What was written, and when more is due; :meth:`seal` first."""
        triggers = {name: trigger.state() for name, trigger in self._triggers.items()}
        return {"recorder": self._recorder.state(), "triggers": triggers}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Go on after the segments that the checkpoint names; whatever came later is dropped and written again.

        Raises
        ------
        OutputError
            If one of those segments is missing or has another size, or another process writes.
        """
        for name, trigger in self._triggers.items():
            trigger.restore(state["triggers"][name])
        self.parts.claim()
        self._recorder.restore(state["recorder"])
        self._started = True

    # ---- parts ------------------------------------------------------------------------------------------------

    def _observe(self, sim: Simulation, *, frame: bool, series: bool) -> None:
        clock = sim.world.clock
        values = sim.series() if frame or series else {}
        if self._series_names is not None:
            values = {name: value for name, value in values.items() if name in self._series_names}
        if series:
            self._series.add(clock.step, clock.time, values)
        if not frame and clock.step % COMMIT_STEPS:
            return
        with reported(self.path, "write"):
            self._recorder.check()
            snapshot = self._snapshot(sim, values) if frame else None
            # what the systems told before the first step waits, as all that happens in step 0, for the next commit
            events = sim.world.events.drain() if self._started else []
            self._recorder.put(snapshot, self._series.take(), events, sim.dt)

    def _snapshot(self, sim: Simulation, observables: Mapping[str, float]) -> Snapshot:
        assert self._frames is not None
        snapshot = self._free.get()
        self._frames.take(sim, snapshot, observables)
        return snapshot

    def _make_room(self) -> None:
        """A new run: refuse to write over results, unless told to."""
        if finish(self.parts):
            raise OutputError(f"{self.path} is there already, complete; choose another name or overwrite it")
        if not self.overwrite:
            if self.path.exists():
                raise OutputError(f"{self.path} is there already; choose another name or overwrite it")
            if self.parts.checkpoints():
                raise OutputError(f"{self.parts.folder} holds an unfinished run; resume it or overwrite it")
        self.parts.claim()
        self.parts.clear()

    def _take_back(self) -> None:
        """The run goes on after it was published: the file becomes its first segment again."""
        recorder, size, self._published = self._recorder, self._published, 0
        if self.keep_segments:
            return
        if not self.path.is_file() or self.path.stat().st_size != size:
            raise OutputError(f"cannot go on with {self.path}: it was moved or changed since it was written")
        self.parts.claim()
        first = self.parts.segment(0)
        self.path.replace(first)
        fsync_directory(self.parts.folder)
        recorder.sealed[:] = [Manifest(first.name, size, dict(recorder.rows))]

    def _tell(self, sim: Simulation, state: str) -> None:
        """Replace the status file that ``senso watch`` and ``senso info`` read."""
        self._said = time.monotonic()
        clock = sim.world.clock
        told = {
            "state": state,
            "step": clock.step,
            "steps": sim.steps,
            "time": clock.time,
            "rows": self._recorder.rows,
            "segments": len(self._recorder.sealed),
            "populations": {population.name: population.n for population in sim.world.populations},
            "energy": {"total": sim.ledger.total, "residual": sim.ledger.residual},
        }
        with reported(self.path, "write"):
            self.parts.write_text("status.json", json.dumps(told))

    def _header(self, sim: Simulation) -> dict[str, Any]:
        texts = parameters(sim.world, sim.provenance)
        return {
            "author": texts.get("author", "sensorium-engine"),
            "version": json.loads(texts["versions"])["sensorium-engine"],
            "commit": texts["git"],
            "parameters": texts,
            "boundary": ["periodic" if box_of(sim) else "none"] * 3,
            "grid": grid_header(sim) if self.options.fields else None,
        }
