"""What a trajectory says of the scenario that made it, for commands that go on with it or look at it."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sensorium.engine.errors import OutputError

__all__ = ["Stored", "trajectory_of"]

# sections in which a scenario may change without becoming another one
FREE = frozenset({"name", "description", "output", "sensorium"})


@dataclass(frozen=True)
class Stored:
    """The texts under ``/parameters`` of a trajectory."""

    path: Path
    parameters: dict[str, str]

    @classmethod
    def read(cls, path: Path) -> Stored:
        """From the file itself, or from the segments of an unfinished run.

        Raises
        ------
        OutputError
            If there is no trajectory of ours.
        """
        from sensorium.io.guard import open_file, safe_get
        from sensorium.io.parts import Parts

        parts = Parts(path)
        files = [path] if path.is_file() else [*parts.sealed(), *filter(None, [parts.open_segment()])]
        if not files:
            raise OutputError(f"there is no run '{path}'")
        try:
            with open_file(files[0]) as file:
                group = safe_get(file, "parameters")
                texts = {name: group[name].asstr()[()] for name in group} if group is not None else {}
        except OSError as error:
            raise OutputError(f"'{files[0]}' is not a readable trajectory: {error}") from None
        if "resolved" not in texts:
            raise OutputError(f"'{files[0]}' is not a trajectory of this engine")
        return cls(path, {name: str(text) for name, text in texts.items()})

    @property
    def resolved(self) -> dict[str, Any]:
        """The scenario with everything written out."""
        found = json.loads(self.parameters["resolved"])
        return found if isinstance(found, dict) else {}

    @property
    def plugins(self) -> tuple[str, ...]:
        """Plugin files that the run was given."""
        return tuple(json.loads(self.parameters.get("plugins", "[]")))

    def differences(self, resolved: dict[str, Any]) -> list[str]:
        """Sections in which another scenario differs."""
        mine = self.resolved
        return sorted(k for k in {*mine, *resolved} - FREE if mine.get(k) != resolved.get(k))


def trajectory_of(name: Path) -> Path:
    """The trajectory that a user means by a file, or by its folder of parts."""
    return name.with_suffix("") if name.suffix == ".parts" else name
