"""What a trajectory says of the scenario that made it, for commands that go on with it or look at it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensorium.engine.errors import OutputError

__all__ = ["Stored", "trajectory_of"]


@dataclass(frozen=True)
class Stored:
    """The texts under ``/parameters`` of a trajectory, finished or not."""

    path: Path
    parameters: dict[str, str]
    resolved: dict[str, Any]

    @classmethod
    def read(cls, path: Path) -> Stored:
        """From the file itself, or from the segments of an unfinished run.

        Raises
        ------
        OutputError
            If there is no trajectory of ours.
        """
        from sensorium.io.run import open as open_run

        with open_run(path) as run:
            parameters, resolved = run.parameters, run.scenario
        if not resolved:
            raise OutputError(f"'{path}' does not say which scenario made it")
        return cls(path, parameters, resolved)

    @property
    def plugins(self) -> tuple[str, ...]:
        """Plugin files that the run was given."""
        return tuple(str(plugin) for plugin in json.loads(self.parameters.get("plugins", "[]")))


def trajectory_of(name: Path) -> Path:
    """The trajectory that a user means by a file, or by its folder of parts."""
    return name.with_suffix("") if name.suffix == ".parts" else name
