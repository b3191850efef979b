"""The ``output`` section against the rest of the scenario: what it names must exist."""

from __future__ import annotations

from collections.abc import Collection, Iterable

from sensorium.engine.component import Component
from sensorium.engine.naming import did_you_mean
from sensorium.engine.plugins import Registry
from sensorium.scenarios.populations import PopulationPlan
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.tree import Node, Path

__all__ = ["CARRIERS", "check_output"]

# the population that is made for systems that deal with carriers
CARRIERS = "carriers"
EVERYWHERE = ("id", "species")


def check_output(root: Node, plans: Iterable[PopulationPlan], registry: Registry, problems: Problems) -> None:
    """Refuse populations, columns and writers that do not exist."""
    output = root.get("output")
    if output is None:
        return
    plans = tuple(plans)
    present: dict[type[Component], None] = {c: None for plan in plans for c in plan.components}
    present |= {c: None for c in registry.components.values() if c.name == "carrier"}
    columns = [*EVERYWHERE, *(name for component in present for name in component.fields)]
    trajectory = output.get("trajectory") or Node({}, output.mark)
    path: Path = ("output", "trajectory")
    _each(trajectory, "populations", "population", [*(p.name for p in plans), CARRIERS], path, problems)
    _each(trajectory, "columns", "column", columns, path, problems)
    writers = output.get("writers")
    for index, item in enumerate(writers.items if writers is not None else []):
        for name, entry in item.entries.items():
            if name not in registry.writers:
                said = registry.unknown("writer", name, registry.writers)
                problems.add(entry.key, ("output", "writers", index), said)


def _each(section: Node, key: str, kind: str, known: Collection[str], path: Path, problems: Problems) -> None:
    listed = section.get(key)
    for index, item in enumerate(listed.items if listed is not None else []):
        if isinstance(item.value, str) and item.value not in known:
            said = f"no {kind} '{item.value}'{did_you_mean(item.value, known)}"
            problems.add(item.mark, (*path, key, index), said)
