"""Member: one run of a sweep, as a worker process computes it."""

from __future__ import annotations

import functools
import json
import math
import threading
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from sensorium.engine.errors import SensoriumError
from sensorium.engine.kernel_threads import set_threads
from sensorium.engine.plugins import Registry
from sensorium.io.parts import fsync_directory
from sensorium.io.run import Run
from sensorium.scenarios.launch import launch
from sensorium.scenarios.scenario import read_scenario, registry_of

__all__ = ["OUTCOME", "TRAJECTORY", "Job", "Outcome", "failure", "run_member", "stop_members"]

TRAJECTORY = "run.h5"
OUTCOME = "member.json"

# a worker that somebody else started may have several threads; a process holds one world at a time
_one_at_a_time = threading.Lock()
_stopped: set[str] = set()


@dataclass(frozen=True)
class Job:
    """What a worker needs to know of a member.

    Attributes
    ----------
    scenario
        The scenario of the sweep, portable.
    text
        Its text as the user wrote it, for the trajectory to keep.
    parameters
        What this member changes, by path.
    folder
        The folder of the run.
    origin
        Where relative paths of the scenario begin.
    plugins
        Plugin files.
    device, threads
        Where to compute, and with how many threads.
    sweep
        A token of the sweep, by which its members can be stopped.
    """

    scenario: dict[str, Any]
    text: str
    parameters: dict[str, Any]
    folder: str
    origin: str | None = None
    plugins: tuple[str, ...] = ()
    device: str = "auto"
    threads: int = 1
    sweep: str = ""

    @property
    def trajectory(self) -> Path:
        """The file of the run."""
        return Path(self.folder) / TRAJECTORY


@dataclass(frozen=True)
class Outcome:
    """How a member ended.

    Attributes
    ----------
    parameters
        What it changes, by path.
    status
        ``complete``, ``failed``, ``stopped`` (it can go on) or ``waiting`` (it never began).
    exit_code
        What ``senso run`` would have returned.
    message
        Why it failed.
    step, seconds
        Where it is, and the wall time of its attempts (those that were killed told nothing).
    series
        Last value of every series; None where it is not finite.
    """

    parameters: dict[str, Any]
    status: str = "waiting"
    exit_code: int = 0
    message: str = ""
    step: int = 0
    seconds: float = 0.0
    series: dict[str, float | None] = field(default_factory=dict)

    @classmethod
    def read(cls, folder: Path) -> Outcome | None:
        """What the last attempt left in the folder of a member; None when there is nothing to rely on."""
        try:
            return cls(**json.loads((folder / OUTCOME).read_text(encoding="utf-8")))
        except (OSError, ValueError, TypeError):
            return None

    def write(self, folder: Path) -> None:
        """Replace the note in the folder in one go."""
        fresh = folder / f"{OUTCOME}.tmp"
        fresh.write_text(json.dumps(asdict(self), indent=1), encoding="utf-8")
        fresh.replace(folder / OUTCOME)
        fsync_directory(folder)


def run_member(job: Job) -> Outcome:
    """Run one member, or go on with it, and note in its folder how it ended.

    Mistakes of the scenario, guards of the physics and faults of the code would come again: they are outcomes. What
    the operating system refused is raised, so that the member is tried once more.
    """
    with _one_at_a_time:
        folder, began = Path(job.folder), time.perf_counter()
        before = Outcome.read(folder)
        earlier = before.seconds if before is not None else 0.0
        try:
            folder.mkdir(parents=True, exist_ok=True)
            outcome = _attempt(job)
        except Exception as error:
            outcome = failure(job.parameters, error)
            if outcome.exit_code == 5:
                raise
        outcome = Outcome(**{**asdict(outcome), "seconds": round(earlier + time.perf_counter() - began, 3)})
        outcome.write(folder)
        return outcome


def stop_members(sweep: str) -> None:
    """Let the member of `sweep` that this process runs finish its step, save, and return; start no other."""
    _stopped.add(sweep)


def failure(parameters: Mapping[str, Any], error: BaseException) -> Outcome:
    """The outcome of a member that ended with `error`."""
    text = " ".join(str(error).split()) or type(error).__name__
    if isinstance(error, SensoriumError):
        code = error.exit_code
    elif isinstance(error, OSError | MemoryError):
        code = 5
    else:
        code, text = 1, f"internal error: {type(error).__name__}: {text}"
    return Outcome(dict(parameters), "failed", code, text)


def _attempt(job: Job) -> Outcome:
    if job.sweep in _stopped:
        return Outcome(job.parameters, "stopped")
    set_threads(job.threads)
    scenario = read_scenario(
        job.scenario, job.parameters, plugins=job.plugins, folder=job.origin,
        registry=_registry(job.plugins, job.sweep), origin="sweep",
    )  # fmt: skip
    scenario.sources.text = job.text
    sim = launch(scenario, job.trajectory, device=job.device)
    if sim is not None:
        sim.run(progress=lambda sim: sim.stop() if job.sweep in _stopped else None)
        if sim.world.clock.step < sim.steps:
            return Outcome(job.parameters, "stopped", step=sim.world.clock.step)
    return Outcome(job.parameters, "complete", step=scenario.document.run.steps, series=_final(job.trajectory))


@functools.lru_cache(maxsize=1)
def _registry(plugins: tuple[str, ...], sweep: str) -> Registry:
    """What the members of one sweep may name; a later sweep looks again."""
    return registry_of(plugins)


def _final(path: Path) -> dict[str, float | None]:
    """The last value of every series of a trajectory."""
    with Run(path) as run:
        last = {name: run.series(name)[-1:] for name in run.series_names}
    return {name: float(v[0]) if len(v) and math.isfinite(v[0]) else None for name, v in last.items()}
