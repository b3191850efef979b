"""The ``systems`` section: a list of systems in order, each with its parameters."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from sensorium.engine.errors import ScenarioError
from sensorium.engine.plugins import Registry
from sensorium.engine.system import System
from sensorium.scenarios.explain import check
from sensorium.scenarios.override import ENTRY_KEYS, instance_of, system_entry
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.schema import NAME
from sensorium.scenarios.tree import Mark, Node, Path, plain

__all__ = ["SystemPlan", "read_systems"]


@dataclass
class SystemPlan:
    """A checked entry of ``systems``."""

    instance: str
    kind: type[System]
    mark: Mark
    parameters: dict[str, Any] = field(default_factory=dict)
    before: tuple[str, ...] = ()
    after: tuple[str, ...] = ()

    def make(self) -> System:
        """A new instance of the system."""
        system = self.kind(instance=self.instance, **self.parameters)
        # the scenario adds to what the class declares
        for side in ("before", "after"):
            if own := getattr(self, side):
                setattr(system, side, (*getattr(self.kind, side), *own))
        return system

    @property
    def resolved(self) -> dict[str, Any]:
        """The entry with every parameter, as a scenario would write it."""
        values = self.kind.parameters()(**self.parameters).model_dump(mode="json")
        order = {side: list(getattr(self, side)) for side in ("before", "after") if getattr(self, side)}
        own = {"name": self.instance} if self.instance != self.kind.name else {}
        return {**own, **order, self.kind.name: values}


def read_systems(root: Node, registry: Registry, problems: Problems) -> list[SystemPlan]:
    """Check every entry against the registry; those with mistakes are left out."""
    section = root.get("systems")
    found: dict[str, SystemPlan] = {}
    for index, item in enumerate(section.items if section is not None else []):
        plan = _entry(item, index, registry, problems)
        if plan is None:
            continue
        first = found.setdefault(plan.instance, plan)
        if first is not plan:
            where = f"on line {first.mark.line}" if first.mark.line else "above"
            said = f"there is a system '{plan.instance}' {where}; give one of the two a 'name' of its own"
            problems.add(plan.mark, ("systems", plan.instance), said)
    return list(found.values())


def _entry(item: Node, index: int, registry: Registry, problems: Problems) -> SystemPlan | None:
    path: Path = ("systems", index)
    if not isinstance(item.value, str | dict):
        problems.add(item.mark, path, f"must be a system, or a mapping of one to its parameters, not {item.kind}")
        return None
    name, entry = system_entry(item)
    if name is None or entry is None:
        named = [f"'{key}'" for key in item.entries if key not in ENTRY_KEYS]
        said = f"names {len(named)} systems ({', '.join(named)}); write each as an entry of its own"
        problems.add(item.mark, path, said if named else "names no system")
        return None
    instance = instance_of(item) or name
    path = ("systems", instance)
    kind = registry.systems.get(name)
    order = {side: _names(item, side, path, problems) for side in ("before", "after")}
    own = item.get("name")
    if own is not None and not (isinstance(own.value, str) and re.fullmatch(NAME, own.value)):
        said = repr(own.value) if isinstance(own.value, str) else own.kind
        rule = f"must begin with a letter and have only letters, digits, - and _, not {said}"
        problems.add(own.mark, (*path, "name"), rule)
    if kind is None:
        problems.add(entry.key, path, registry.unknown("system", name, registry.systems))
        return None
    parameters = Node({}, entry.key) if entry.node.value is None else entry.node
    if check(kind.parameters(), parameters, path, problems) is None:
        return None
    plan = SystemPlan(instance, kind, entry.key, plain(parameters), order["before"], order["after"])
    try:
        plan.make()
    except ScenarioError as error:
        problems.add(entry.key, path, str(error))
        return None
    return plan


def _names(item: Node, side: str, path: Path, problems: Problems) -> tuple[str, ...]:
    node = item.get(side)
    if node is None:
        return ()
    found = [node] if isinstance(node.value, str) else node.items
    if not found or not all(isinstance(one.value, str) for one in found):
        problems.add(node.mark, (*path, side), "must be the name of a system, or a list of names")
        return ()
    return tuple(str(one.value) for one in found)
