"""Output: the writers that a scenario asks for, and the way back into an unfinished run."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from sensorium.engine.errors import OutputError
from sensorium.engine.simulation import Simulation
from sensorium.io.checkpoint import CheckpointWriter, restore_run
from sensorium.io.frames import FrameOptions
from sensorium.io.h5md import TrajectoryWriter
from sensorium.io.parts import Parts
from sensorium.io.publish import finish
from sensorium.io.triggers import Trigger

__all__ = ["output_state", "record", "resume"]

FRAMES_BY_DEFAULT = 100  # frames of a run whose scenario does not say how many
CHECKPOINT_SECONDS = 300.0

_FRAME_OPTIONS = ("populations", "columns", "fields", "precision", "quantize")


def record(
    sim: Simulation,
    path: str | Path,
    output: Mapping[str, Any] | None = None,
    *,
    overwrite: bool = False,
) -> TrajectoryWriter:
    """Add the writers of a scenario's ``output`` section to `sim`: trajectory and series, then checkpoints.

    Parameters
    ----------
    sim
        A run that has not begun.
    path
        The trajectory.
    output
        ``trajectory``, ``series``, ``checkpoint`` (triggers and options) and ``segments``, as in a scenario.
        Without them: about 100 frames, series at every step, a checkpoint every five minutes.
    overwrite
        Replace a file, or an unfinished run, of that name.
    """
    given = dict(output or {})
    frames = dict(given.get("trajectory") or {})
    series = dict(given.get("series") or {})
    checkpoint = dict(given.get("checkpoint") or {})
    options = {name: frames[name] for name in _FRAME_OPTIONS if frames.get(name) is not None}
    writer = TrajectoryWriter(
        path,
        Trigger.of(frames, max(1, sim.steps // FRAMES_BY_DEFAULT)),
        series=Trigger.of(series, 1),
        series_names=series.get("names"),
        frame=FrameOptions(**options),
        segments=given.get("segments") or "merge",
        overwrite=overwrite,
    )
    sim.add_writer(writer)
    every = Trigger.of(checkpoint)
    if not every.active:
        every = Trigger(wall_time=CHECKPOINT_SECONDS)
    sim.add_writer(CheckpointWriter(writer.parts, every, keep=int(checkpoint.get("keep") or 2)))
    return writer


def output_state(path: str | Path) -> Literal["absent", "complete", "unfinished"]:
    """What there is under the name of a trajectory; finishes a publication that was cut short."""
    parts = Parts(Path(path))
    if parts.exist and not parts.in_use:
        finish(parts)
    if parts.exist and (parts.checkpoints() or parts.open_segment()):
        return "unfinished"
    if parts.output.is_file():
        return "complete"
    return "unfinished" if parts.exist and parts.sealed() else "absent"


def resume(sim: Simulation, path: str | Path) -> int | None:
    """Take `sim`, with the writers of :func:`record`, to the last good checkpoint of the unfinished run at `path`.

    Returns
    -------
    int or None
        The step at which the run goes on; None when there is nothing to resume, and it starts from the beginning.

    Raises
    ------
    OutputError
        If the run at `path` is complete or of another scenario, or its checkpoints are damaged.
    """
    parts = next((w.parts for w in sim.writers if isinstance(w, TrajectoryWriter)), None) or Parts(Path(path))
    if parts.exist:
        parts.claim()
        if finish(parts):  # it was killed when only the moving of files was left
            raise OutputError(f"{path} is complete: there is nothing to resume")
    if not parts.checkpoints():
        parts.release()
        return None
    return restore_run(sim, parts)
