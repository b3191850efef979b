"""What a trajectory contains, for ``senso info``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

__all__ = ["contents", "page"]


def contents(source: str) -> dict[str, Any]:
    """Populations, frames, series and provenance of a run, finished or not."""
    import json

    from sensorium.cli.stored import Stored, trajectory_of
    from sensorium.io.run import open as open_run

    path = trajectory_of(Path(source))
    stored = Stored.read(path)
    with open_run(path) as run:
        about = run.about()
    texts = stored.parameters
    return {
        "run": str(path),
        "name": texts.get("name", path.stem),
        "steps": stored.resolved.get("run", {}).get("steps"),
        "seed": texts.get("seed"),
        "versions": json.loads(texts.get("versions", "{}")),
        **about,
    }


def page(found: dict[str, Any]) -> str:
    """The same, to read."""
    lines = [f"{found['run']}: {found['name']}, seed {found['seed']}"]
    for key, value in found.items():
        if key in ("run", "name", "seed", "versions"):
            continue
        if isinstance(value, dict):
            lines.append(key)
            lines += [f"  {name}: {each}" for name, each in value.items()]
        else:
            lines.append(f"{key}: {value}")
    return "\n".join(lines)
