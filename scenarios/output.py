"""The ``output`` section against the rest of the scenario: what it names must exist."""

from __future__ import annotations

import inspect
from collections.abc import Collection, Iterable, Mapping
from typing import Any

from sensorium.engine.component import Component
from sensorium.engine.naming import did_you_mean
from sensorium.engine.plugins import Registry
from sensorium.engine.simulation import Writer
from sensorium.scenarios.entries import SystemPlan
from sensorium.scenarios.populations import PopulationPlan
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.tree import Node, Path, plain

__all__ = ["CARRIERS", "check_output", "make_writers"]

# the population that is made for systems that deal with carriers
CARRIERS = "carriers"
EVERYWHERE = ("id", "species")


def check_output(
    root: Node, plans: Iterable[PopulationPlan], systems: Iterable[SystemPlan], registry: Registry, problems: Problems
) -> None:
    """Refuse populations, columns, fields and writers that do not exist."""
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
    fields = _fields(systems)
    if fields is not None:
        _each(trajectory, "fields", "field", fields, path, problems)
    writers = output.get("writers")
    for item in writers.items if writers is not None else []:
        _writer(item, registry, problems)


def _fields(systems: Iterable[SystemPlan]) -> list[str] | None:
    """Grid fields that the run will have; None when a system knows its own only later, in a world."""
    known = ["density", "temperature"]
    for plan in systems:
        show = getattr(plan.make(), "fields", None)
        try:
            known += show() if callable(show) else ()
        except Exception:
            return None
    return known


def make_writers(listed: Iterable[str | Mapping[str, Any]], registry: Registry) -> list[Writer]:
    """The writers that ``output.writers`` lists, in its order."""
    made = []
    for item in listed:
        name, parameters = (item, None) if isinstance(item, str) else next(iter(item.items()))
        made.append(registry.writers[name](**(parameters or {})))
    return made


def _writer(item: Node, registry: Registry, problems: Problems) -> None:
    path: Path = ("output", "writers")
    if isinstance(item.value, str):
        name, parameters, mark = item.value, Node({}, item.mark), item.mark
    elif len(item.entries) == 1:
        name, (mark, parameters) = next(iter(item.entries.items()))
    else:
        problems.add(item.mark, path, f"must be a writer, or a mapping of one to its parameters, not {item.kind}")
        return
    if name not in registry.writers:
        problems.add(mark, (*path, name), registry.unknown("writer", name, registry.writers))
        return
    if not isinstance(parameters.value, dict | None):
        problems.add(
            parameters.mark, (*path, name), f"must be a mapping of parameters to values, not {parameters.kind}"
        )
        return
    try:
        inspect.signature(registry.writers[name]).bind(**plain(parameters) or {})
    except TypeError as error:
        problems.add(mark, (*path, name), str(error))


def _each(section: Node, key: str, kind: str, known: Collection[str], path: Path, problems: Problems) -> None:
    listed = section.get(key)
    for index, item in enumerate(listed.items if listed is not None else []):
        if isinstance(item.value, str) and item.value not in known:
            said = f"no {kind} '{item.value}'{did_you_mean(item.value, known)}"
            problems.add(item.mark, (*path, key, index), said)
