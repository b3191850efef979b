"""``--set a.b.c=value``: change one value of a scenario from outside, with the scenario's own rules."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

from sensorium.engine.naming import did_you_mean
from sensorium.scenarios.problems import InvalidScenario, Problems
from sensorium.scenarios.tree import Entry, Mark, Node, dotted, from_plain, plain
from sensorium.scenarios.yaml12 import parse

__all__ = ["ENTRY_KEYS", "assign", "instance_of", "parse_assignments", "system_entry"]

# what an entry of `systems` may say beside the system itself
ENTRY_KEYS = ("name", "before", "after")
# what is never written in another form than a mapping
SECTIONS = ("run", "box", "constants", "populations", "output")


def parse_assignments(assignments: Iterable[str], option: str = "--set") -> dict[str, Any]:
    """``["run.steps=100", "box.edges=[1, 1, 2]"]`` as a mapping of paths to values, read as YAML 1.2.

    Raises
    ------
    ScenarioError
        For each one that has no ``=``, an empty path, or a value that is not YAML.
    """
    problems, found = Problems(), {}
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        path = path.strip()
        if not equals or not path:
            problems.add(Mark(option), "", f"'{assignment}' is not of the form path=value")
            continue
        own = Problems()
        with suppress(InvalidScenario):
            found[path] = plain(parse(text, option, own)) if text.strip() else None
        for problem in own.found:
            problems.add(Mark(option), path, problem.message)
    problems.raise_any()
    return found


def assign(root: Node, overrides: Mapping[str, Any], problems: Problems, source: str = "overrides") -> None:
    """Write each override into the tree; a path that leads nowhere goes to `problems` with a suggestion."""
    for path, value in overrides.items():
        mark = Mark(source)
        try:
            _assign(root, path.split("."), from_plain(value, mark))
        except _Nowhere as nowhere:
            problems.add(mark, path, str(nowhere))
        except TypeError as error:
            problems.add(mark, path, str(error))


def system_entry(item: Node) -> tuple[str | None, Entry | None]:
    """The system that an entry of ``systems`` names, and its parameters; ``(None, None)`` when it names none or two."""
    if isinstance(item.value, str):
        return item.value, Entry(item.mark, Node({}, item.mark))
    names = [key for key in item.entries if key not in ENTRY_KEYS]
    if len(names) != 1:
        return None, None
    return names[0], item.entries[names[0]]


def instance_of(item: Node) -> str | None:
    """The instance name of an entry of ``systems``: its ``name``, or the name of the system."""
    own = item.get("name")
    return own.value if own is not None and isinstance(own.value, str) else system_entry(item)[0]


class _Nowhere(Exception):
    """A path that leads to nothing."""


def _assign(root: Node, steps: list[str], value: Node) -> None:
    if not all(steps):
        raise _Nowhere("a path is keys joined by single dots")
    if steps == ["extends"]:
        raise _Nowhere("only the scenario itself says what it extends")
    node = root
    for depth, step in enumerate(steps):
        last = depth == len(steps) - 1
        inside = steps[:depth]
        if isinstance(node.value, list):
            if inside == ["systems"]:
                node = _parameters(node, step, value if last else None)
            else:
                node = _item(node, step, inside, value if last else None)
            continue
        if inside in ([], *([section] for section in SECTIONS)) and not isinstance(node.value, dict | None):
            raise _Nowhere(f"'{dotted(inside)}' is {node.kind}, with nothing inside")
        if not isinstance(node.value, dict):
            # a value in another form: `mass: 1` becomes `mass: {uniform: ...}`
            node.value = {}
        if last:
            node.value[step] = Entry(value.mark, value)
        elif step in node.value:
            node = _own(node.value, step)
        elif inside == ["populations"]:
            raise _Nowhere(f"no population '{step}'{did_you_mean(step, node.value)}")
        elif inside == [] and step in ("systems", "populations"):
            raise _Nowhere(f"the scenario has no {step}")
        else:
            node.value[step] = Entry(value.mark, Node({}, value.mark))
            node = node.value[step].node


def _own(entries: dict[str, Entry], key: str) -> Node:
    """The node of `key`, copied one level deep: an alias elsewhere in the file must not change with it."""
    old = entries[key]
    value = old.node.value
    copied: Any = dict(value) if isinstance(value, dict) else list(value) if isinstance(value, list) else value
    entries[key] = Entry(old.key, Node(copied, old.node.mark))
    return entries[key].node


def _item(node: Node, step: str, inside: list[str], value: Node | None) -> Node:
    items = node.items
    if not step.isdecimal() or int(step) >= len(items):
        raise _Nowhere(f"'{dotted(inside)}' is a list with items 0 to {len(items) - 1}; '{step}' is none of them")
    if value is not None:
        items[int(step)] = value
    return items[int(step)]


def _parameters(systems: Node, name: str, value: Node | None) -> Node:
    """The parameters of the system instance `name`, made where the entry is a bare name."""
    for index, item in enumerate(systems.items):
        if instance_of(item) != name:
            continue
        system, entry = system_entry(item)
        if system is None or entry is None:
            break
        old = {} if isinstance(item.value, str) else dict(item.entries)
        parameters = value or Node(dict(entry.node.entries), entry.node.mark)
        systems.items[index] = Node({**old, system: Entry(entry.key, parameters)}, item.mark)
        return parameters
    names = [found for item in systems.items if (found := instance_of(item))]
    hint = did_you_mean(name, names) or f" (there are: {', '.join(names)})"
    raise _Nowhere(f"no system '{name}' in the scenario{hint}")
