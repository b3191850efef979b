"""``extends``: a scenario that changes another one. Maps merge, everything else replaces."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from sensorium.engine.errors import ScenarioError
from sensorium.scenarios.library import locate
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.tree import Entry, Mark, Node
from sensorium.scenarios.yaml12 import read

__all__ = ["MAX_CHAIN", "Sources", "merge", "open_scenario", "with_bases"]

MAX_CHAIN = 16

# an initial value has one form; a child that gives another form replaces the value instead of adding to it
FORMS = frozenset({"values", "file", "uniform", "normal", "random", "lattice", "maxwell"})


@dataclass
class Sources:
    """The files that a scenario was read from.

    Attributes
    ----------
    folders
        Folder of each source, by its name in marks: paths inside a scenario are relative to it.
    text
        Text of the scenario itself (not of its bases).
    """

    folders: dict[str, Path] = field(default_factory=dict)
    text: str = ""

    def folder(self, mark: Mark) -> Path | None:
        """The folder of the file in which `mark` lies; None for mappings and overrides."""
        return self.folders.get(mark.source)


def open_scenario(source: str | Path, problems: Problems, sources: Sources) -> Node:
    """Read a scenario file or packaged scenario, and everything that it extends."""
    path = locate(source)
    # `senso run NAME` names the file in messages by its path, but a path of the user's as it was written
    root, sources.text = read(path, problems, str(path))
    sources.folders[str(path)] = path.parent
    return with_bases(root, problems, sources, (path,))


def with_bases(root: Node, problems: Problems, sources: Sources, chain: tuple[Path, ...] = ()) -> Node:
    """`root` merged over the scenario that it extends, which is merged over the one that it extends ..."""
    entry = root.entries.get("extends")
    if entry is None:
        return root
    key, node = entry
    if not isinstance(node.value, str):
        return root  # the schema says what is wrong with it
    try:
        path = locate(node.value, sources.folder(key))
    except ScenarioError as error:
        problems.add(node.mark, "extends", str(error))
        return root
    if path.resolve() in {seen.resolve() for seen in chain}:
        cycle = " -> ".join(str(seen) for seen in (*chain, path))
        problems.add(node.mark, "extends", f"extends itself: {cycle}")
        return root
    if len(chain) >= MAX_CHAIN:
        problems.add(node.mark, "extends", f"more than {MAX_CHAIN} scenarios extend one another")
        return root
    if not path.is_file():
        problems.add(node.mark, "extends", f"no file '{path}'")
        return root
    base, _ = read(path, problems, str(path))
    sources.folders[str(path)] = path.parent
    return merge(with_bases(base, problems, sources, (*chain, path)), root)


def merge(base: Node, child: Node) -> Node:
    """`child` over `base`: the keys of mappings are merged, any other value of the child replaces the base's."""
    if not (isinstance(base.value, dict) and isinstance(child.value, dict)):
        return child
    if (FORMS & child.value.keys()) - base.value.keys() and FORMS & base.value.keys():
        return child
    merged = dict(base.value)
    for key, entry in child.value.items():
        under = base.value.get(key)
        merged[key] = Entry(entry.key, merge(under.node, entry.node)) if under else entry
    return Node(merged, child.mark)
