"""What a trajectory contains, for ``senso info``."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from sensorium.cli.stored import trajectory_of

__all__ = ["contents", "page"]


def contents(source: str) -> dict[str, Any]:
    """Populations, frames, series, events and provenance of a run, finished or not."""
    from sensorium.io.run import open as open_run

    with open_run(trajectory_of(Path(source))) as run:
        texts, scenario = run.parameters, run.scenario
        kinds, counts = _tally(run.events()["kind"])
        return {
            "run": str(run.path),
            "name": scenario.get("name", run.path.stem),
            "complete": run.complete,
            "status": run.status,
            "length": scenario.get("run", {}),
            "frames": len(run),
            "steps": [int(run.steps[0]), int(run.steps[-1])] if len(run) else [],
            "populations": {
                name: {"rows": int(p.counts[-1]) if len(p) else 0, "columns": list(p.columns)}
                for name, p in run.populations.items()
            },
            "fields": list(run.fields),
            "series": list(run.series_names),
            "events": dict(zip(kinds, counts, strict=True)),
            "versions": json.loads(texts.get("versions", "{}")),
            "hardware": json.loads(texts.get("hardware", "{}")),
            "git": texts.get("git", ""),
        }


def _tally(kinds: Any) -> tuple[list[str], list[int]]:
    import numpy as np

    names, counts = np.unique(np.asarray(kinds, str), return_counts=True)
    return names.tolist(), counts.tolist()


def page(found: dict[str, Any]) -> str:
    """The same, to read."""
    run = found["length"]
    lines = [f"{found['run']}: {found['name']}, {'complete' if found['complete'] else 'unfinished'}"]
    if run:
        lines.append(
            f"run          {run.get('steps')} steps of {run.get('dt')}, seed {run.get('seed')}, {run.get('precision')}"
        )
    if found["steps"]:
        first, last = found["steps"]
        lines.append(f"frames       {found['frames']}, steps {first} to {last}")
    for name, population in found["populations"].items():
        lines.append(f"  {name}: {population['rows']} rows of {', '.join(population['columns'])}")
    for kind in ("fields", "series"):
        if found[kind]:
            lines.append(f"{kind:<12} {', '.join(found[kind])}")
    if found["events"]:
        lines.append("events       " + ", ".join(f"{kind} {count}" for kind, count in found["events"].items()))
    versions = found["versions"]
    lines.append(f"made by      sensorium-engine {versions.get('sensorium-engine', '?')} {found['git']}".rstrip())
    return "\n".join(lines)
