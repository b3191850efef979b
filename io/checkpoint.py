"""Checkpoints: the state of a run, two generations of it, and the way back."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from sensorium.engine.errors import OutputError
from sensorium.engine.simulation import Simulation
from sensorium.io.parts import Parts
from sensorium.io.statefile import DamagedState, State, load_state, save_state
from sensorium.io.triggers import Trigger, ends_told, interrupted

__all__ = ["CheckpointWriter", "restore_run"]

FREE = frozenset({"name", "description", "output", "sensorium"})  # sections that may change when a run goes on


class CheckpointWriter:
    """Keeps the last states of a run, so that the same command goes on after a kill.

    It must be the last writer: it seals the others, then takes their state with that of the world.

    Parameters
    ----------
    parts
        Where checkpoints lie, shared with the trajectory writer.
    every
        When: a number of steps, a mapping of triggers, or a :class:`Trigger`; None for only when the run is stopped.
    keep
        Generations to keep.
    """

    def __init__(self, parts: Parts, every: int | Mapping[str, Any] | Trigger | None = None, *, keep: int = 2) -> None:
        self.parts, self.keep = parts, keep
        self.trigger = Trigger.of(every)
        self.seconds = 0.0
        self._saved = -1
        self._outside: BaseException | None = None
        self._ends = 0

    def open(self, sim: Simulation) -> None:
        """Claim the parts folder."""
        self._outside, self._ends = sys.exc_info()[1], ends_told(sim)
        self.parts.claim()

    def write(self, sim: Simulation) -> None:
        """Save when it is due."""
        if self.trigger.due(sim.world.clock.step):
            self.save(sim)

    def close(self, sim: Simulation) -> None:
        """Save once more when the run was stopped before its end."""
        if interrupted(sim, self._ends) and sys.exc_info()[1] is self._outside and self._saved != sim.world.clock.step:
            self.save(sim)

    def save(self, sim: Simulation) -> Path:
        """Seal every writer, save the state at hand, and drop generations that are too old."""
        started = time.perf_counter()
        for writer in sim.writers:
            seal = getattr(writer, "seal", None)
            if callable(seal):
                seal(sim)
        clock = sim.world.clock
        path = self.parts.folder / f"checkpoint-{clock.step:012d}.h5"
        state = {"simulation": sim.state(), "resolved": sim.provenance.get("resolved", "")}
        save_state(path, state, {"step": clock.step, "time": clock.time})
        for old in self.parts.checkpoints()[self.keep :]:
            old.unlink(missing_ok=True)
        self._saved = clock.step
        self.seconds += time.perf_counter() - started
        return path

    def state(self) -> State:
        """When the next one is due."""
        return {"trigger": self.trigger.state()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""
        self.trigger.restore(state["trigger"])


def restore_run(sim: Simulation, parts: Parts) -> int | None:
    """Bring `sim`, with its writers added, to the newest good checkpoint.

    A damaged generation is passed over for the one before it; what was written after that one is computed again.

    Returns
    -------
    int or None
        The step at which the run goes on; None when there is no checkpoint.

    Raises
    ------
    OutputError
        If the checkpoints belong to another scenario, or none of them is whole.
    """
    parts.claim()
    complaints = []
    for path in parts.checkpoints():
        try:
            state = load_state(path)
        except DamagedState as error:
            complaints.append(str(error))
            continue
        _same_scenario(sim, str(state["resolved"]), parts)
        sim.restore(state["simulation"])
        for newer in parts.checkpoints():
            if newer > path:
                newer.unlink()
        return sim.world.clock.step
    if complaints:
        raise OutputError("; ".join(complaints))
    return None


def _same_scenario(sim: Simulation, stored: str, parts: Parts) -> None:
    """Refuse to mix two scenarios in one file; the length of the run and its output may change."""
    if not stored or "resolved" not in sim.provenance:
        return
    old, new = json.loads(stored), json.loads(sim.provenance["resolved"])
    changed = sorted(key for key in {*old, *new} - FREE if _essential(old.get(key)) != _essential(new.get(key)))
    if changed:
        raise OutputError(
            f"{parts.folder} holds an unfinished run of another scenario (it differs in: {', '.join(changed)}); "
            "choose another name or overwrite it"
        )


def _essential(section: Any) -> Any:
    return {k: v for k, v in section.items() if k != "steps"} if isinstance(section, dict) else section
