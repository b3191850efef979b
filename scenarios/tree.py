"""A scenario as a tree of nodes that remember where they were written."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

__all__ = ["Entry", "Mark", "Node", "Path", "Scalar", "dotted", "find", "from_plain", "plain", "walk"]

Scalar = str | int | float | bool | None
Path = tuple[str | int, ...]


class Mark(NamedTuple):
    """A place in a source: ``file:line:column``, counted from 1; line 0 where the source has no lines."""

    source: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        return f"{self.source}:{self.line}:{self.column}" if self.line else self.source


class Entry(NamedTuple):
    """One key of a mapping: where the key stands, and its value."""

    key: Mark
    node: Node


@dataclass(slots=True)
class Node:
    """A scalar, a list of nodes, or a mapping of keys to entries."""

    value: Scalar | list[Node] | dict[str, Entry]
    mark: Mark

    @property
    def entries(self) -> dict[str, Entry]:
        """The entries of a mapping; empty for anything else."""
        return self.value if isinstance(self.value, dict) else {}

    @property
    def items(self) -> list[Node]:
        """The items of a list; empty for anything else."""
        return self.value if isinstance(self.value, list) else []

    def get(self, key: str) -> Node | None:
        """The node of `key`, or None."""
        entry = self.entries.get(key)
        return entry.node if entry else None

    @property
    def kind(self) -> str:
        """What a person would call the value: ``a mapping``, ``a list``, ``text``, ``a number`` ..."""
        return describe(self.value)


def describe(value: Any) -> str:
    """The kind of a plain or node value, in words."""
    match value:
        case Mapping():
            return "a mapping"
        case str():
            return "text"
        case Sequence():
            return "a list"
        case bool():
            return "true or false"
        case None:
            return "nothing"
        case _:
            return "a number"


def plain(node: Node) -> Any:
    """The tree as plain Python values (dict, list, str, int, float, bool, None)."""
    match node.value:
        case dict():
            return {key: plain(entry.node) for key, entry in node.value.items()}
        case list():
            return [plain(item) for item in node.value]
        case _:
            return node.value


def from_plain(value: Any, mark: Mark) -> Node:
    """A tree of plain values, all marked `mark`.

    Raises
    ------
    TypeError
        For a value that YAML could not have given (a set, a bytes object, a key that is not text).
    """
    match value:
        case Node():
            return value
        case str() | bool() | int() | float() | None:
            return Node(value, mark)
        case Mapping():
            if bad := [key for key in value if not isinstance(key, str)]:
                raise TypeError(f"key {bad[0]!r} is not text")
            return Node({key: Entry(mark, from_plain(item, mark)) for key, item in value.items()}, mark)
        case _ if hasattr(value, "tolist"):
            return from_plain(value.tolist(), mark)
        case list() | tuple() | range():
            return Node([from_plain(item, mark) for item in value], mark)
        case _:
            raise TypeError(f"{type(value).__name__} value {value!r} has no form in a scenario")


def find(root: Node, path: Iterable[str | int], *, key: bool = False) -> Mark:
    """The mark of the node at `path`, or of the deepest ancestor that exists; with `key`, of its key."""
    node, mark = root, root.mark
    for step in path:
        if isinstance(node.value, dict) and str(step) in node.value:
            entry = node.value[str(step)]
            node, mark = entry.node, entry.key if key else entry.node.mark
        elif isinstance(node.value, list) and isinstance(step, int) and step < len(node.value):
            node = node.value[step]
            mark = node.mark
        else:
            break
    return mark


def walk(node: Node, path: Path = ()) -> Iterator[tuple[Path, Node]]:
    """Every node with its path, parents first."""
    yield path, node
    if isinstance(node.value, dict):
        for key, entry in node.value.items():
            yield from walk(entry.node, (*path, key))
    elif isinstance(node.value, list):
        for index, item in enumerate(node.value):
            yield from walk(item, (*path, index))


def dotted(path: Iterable[str | int]) -> str:
    """``("box", "edges", 0)`` -> ``box.edges.0``: the notation of ``--set``."""
    return ".".join(str(step) for step in path)
