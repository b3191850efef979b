"""Launch: a scenario into a file, from its beginning or from where an earlier run was left."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sensorium.engine.errors import OutputError
from sensorium.engine.simulation import Simulation
from sensorium.io.output import output_state, record, resume
from sensorium.io.run import Run
from sensorium.scenarios.loader import build
from sensorium.scenarios.output import make_writers
from sensorium.scenarios.scenario import Scenario

__all__ = ["differences", "launch"]

# sections in which a scenario may change without becoming another one
FREE = frozenset({"name", "description", "output", "sensorium"})


def launch(
    scenario: Scenario, path: Path, *, device: str = "auto", debug: bool = False, overwrite: bool = False
) -> Simulation | None:
    """A simulation that writes to `path`, taken to the last checkpoint of an unfinished run of that name.

    Parameters
    ----------
    scenario
        What to run.
    path
        The trajectory; its folder is made.
    device, debug
        As for :func:`sensorium.scenarios.loader.build`.
    overwrite
        Begin anew, whatever is there.

    Returns
    -------
    Simulation or None
        To be run to the end; its clock says where it starts. None when `path` holds the complete run already.

    Raises
    ------
    OutputError
        If `path` holds a run of another scenario, or cannot be written.
    """
    state = "absent" if overwrite else output_state(path)
    if state == "complete":
        _same(scenario, path)
        return None
    sim = build(scenario, device=device, debug=debug)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise OutputError(f"cannot make the folder {path.parent}: {error.strerror}") from None
    for plugin in make_writers(scenario.document.output.writers, scenario.registry):
        sim.add_writer(plugin)  # before the checkpoints, which save the state of every writer before them
    writer = record(sim, path, scenario.document.output.model_dump(exclude_none=True), overwrite=overwrite)
    if state == "unfinished":
        try:
            resume(sim, path)
        except BaseException:
            writer.parts.release()  # this process may live on, and try again
            raise
    return sim


def differences(one: dict[str, Any], other: dict[str, Any]) -> list[str]:
    """Sections in which two resolved scenarios differ; names, descriptions and outputs may."""
    keys = {*one, *other} - FREE
    return sorted(key for key in keys if one.get(key) != other.get(key))


def _same(scenario: Scenario, path: Path) -> None:
    """Refuse to take the complete run of another scenario for this one's."""
    try:
        with Run(path) as run:
            resolved = run.scenario
    except OutputError as error:
        raise OutputError(f"{path} is there already, and is no trajectory: {error}") from None
    if not resolved:
        raise OutputError(f"'{path}' does not say which scenario made it")
    changed = differences(resolved, json.loads(json.dumps(scenario.resolved)))
    if changed:
        raise OutputError(
            f"{path} holds a complete run of another scenario (it differs in: {', '.join(changed)}); "
            "choose another name with -o, or replace it with --overwrite"
        )
