"""A scenario, read and checked: what the loader builds a simulation from."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from copy import deepcopy
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from sensorium.engine.plugins import Registry
from sensorium.engine.system import System
from sensorium.engine.world import Constants
from sensorium.scenarios.assembly import check_assembly
from sensorium.scenarios.entries import SystemPlan, read_systems
from sensorium.scenarios.explain import check
from sensorium.scenarios.inherit import Sources, open_scenario, with_bases
from sensorium.scenarios.output import check_output
from sensorium.scenarios.override import assign
from sensorium.scenarios.populations import PopulationPlan, read_population
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.schema import BoxSection, Document, PopulationSection, TextSource
from sensorium.scenarios.sweep import read_sweep
from sensorium.scenarios.tree import Mark, Node, dotted, find, from_plain, plain

__all__ = ["BUILT_IN", "Scenario", "read_scenario", "registry_of"]

# packages whose modules are the systems and components that come with the engine
BUILT_IN = ("sensorium.components", "sensorium.systems")

LEDGER = "energy-ledger"  # every loaded scenario has it

CONSTANTS = {
    "natural": Constants(),
    # CODATA 2022; the specific heat is that of liquid water, J/(kg K): a material has to be named or chosen
    "si": Constants(6.67430e-11, 1.380649e-23, 1.054571817e-34, 4184.0),
}


@dataclass
class Scenario:
    """A checked scenario.

    Attributes
    ----------
    name
        Its own, or the name of the file.
    document
        The sections with their defaults.
    populations, systems
        Checked against the registry.
    sources
        The files that it was read from.
    folder
        Where relative paths begin, or None.
    """

    name: str
    document: Document
    populations: list[PopulationPlan]
    systems: list[SystemPlan]
    root: Node
    registry: Registry
    sources: Sources
    folder: Path | None = None
    plugins: tuple[str, ...] = ()
    overrides: Mapping[str, Any] = field(default_factory=dict)

    @property
    def constants(self) -> Constants:
        """The constants of the units, changed by what the scenario gives."""
        given = {name: value for name, value in self.document.constants if value is not None}
        return Constants(**{**vars(CONSTANTS[self.document.units]), **given})

    @property
    def box(self) -> BoxSection | None:
        """Edges and grid; None for open space."""
        return box_of(self.document, self.populations)

    def make_systems(self) -> list[System]:
        """A new instance of every system of the run, the energy ledger included."""
        made = [plan.make() for plan in self.systems]
        ledger = self.registry.system(LEDGER)
        return made if any(isinstance(system, ledger) for system in made) else [*made, ledger()]

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """The scenario with its bases, overrides and defaults written out: a mapping that loads as the same run."""
        sections = self.document.model_dump(mode="json", by_alias=True, exclude_none=True)
        populations = _anchored(self.root.get("populations") or Node({}, self.root.mark), self.sources)
        systems = [plan.resolved for plan in self.systems]
        sections |= {
            "name": self.name,
            "constants": vars(self.constants),
            "populations": populations,
            "systems": systems,
        }
        return {key: value for key, value in sections.items() if key not in ("extends", "sweep")}

    @property
    def portable(self) -> dict[str, Any]:
        """What was written, bases and overrides merged: a mapping for other processes, which may change it again."""
        written = {"name": self.name, **plain(self.root)}
        if (populations := self.root.get("populations")) is not None:
            written["populations"] = _anchored(populations, self.sources)
        return {key: value for key, value in written.items() if key not in ("extends", "sweep")}

    @property
    def provenance(self) -> dict[str, str]:
        """Texts that writers store, and that a restart reads."""
        return {
            "name": self.name,
            "scenario": self.sources.text,
            "resolved": json.dumps(self.resolved, indent=1),
            "folder": str(self.folder.resolve()) if self.folder is not None else "",
            "plugins": json.dumps([str(Path(plugin).resolve()) for plugin in self.plugins]),
        }


def box_of(document: Document, populations: Iterable[PopulationPlan]) -> BoxSection | None:
    """The box of a scenario; the unit cube when positions are drawn and none is given; None for open space."""
    drawn = any(plan.needs_box for plan in populations)
    return document.box or (BoxSection() if drawn else None)


def registry_of(plugins: Iterable[str | Path] = ()) -> Registry:
    """Everything that a scenario may name: built in, installed, and in plugin files."""
    return Registry.discover(BUILT_IN, plugins)


def read_scenario(
    source: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    plugins: Iterable[str | Path] = (),
    folder: str | Path | None = None,
    registry: Registry | None = None,
    origin: str = "overrides",
) -> Scenario:
    """Read and check a scenario.

    Parameters
    ----------
    source
        A file, the name of a packaged scenario, or a mapping.
    overrides
        Values by path: ``{"systems.gravity.G": 2.0}``.
    plugins
        Python files whose systems and components the scenario may name.
    folder
        For a mapping, where relative paths begin; the current folder unless given.
    registry
        What may be named; discovered unless given.
    origin
        What messages call the overrides (``--set``).

    Raises
    ------
    InvalidScenario
        With every mistake, at its line and column.
    """
    files = tuple(str(plugin) for plugin in plugins)
    registry = registry or registry_of(files)
    problems, sources = Problems(), Sources()
    if isinstance(source, Mapping):
        root = _mapping(source, problems, sources, folder)
        name, place = "scenario", Path(folder) if folder is not None else None
    else:
        root = open_scenario(source, problems, sources)
        path = Path(root.mark.source)
        name, place = path.stem, path.parent
    if not isinstance(root.value, dict):
        problems.add(root.mark, "", f"a scenario is a mapping of sections, not {root.kind}")
        problems.raise_any()
    assign(root, overrides or {}, problems, origin)
    found = _checked(root, registry, problems, sources)
    sweep = root.get("sweep")
    if sweep is not None:
        members = read_sweep(sweep, problems)
        if members and not problems:
            _try_sweep(root, members[0], registry, problems, sources)
    problems.raise_any()
    assert found is not None
    document, populations, systems = found
    return Scenario(
        document.name or name, document, populations, systems, root, registry,
        sources, place, files, dict(overrides or {}),
    )  # fmt: skip


def _mapping(source: Mapping[str, Any], problems: Problems, sources: Sources, folder: str | Path | None) -> Node:
    mark = Mark("scenario")
    if folder is not None:
        sources.folders[mark.source] = Path(folder)
    try:
        root = from_plain(source, mark)
    except TypeError as error:
        problems.add(mark, "", str(error))
        problems.raise_any()
        raise
    sources.text = json.dumps(plain(root), indent=1)
    return with_bases(root, problems, sources)


def _checked(
    root: Node, registry: Registry, problems: Problems, sources: Sources
) -> tuple[Document, list[PopulationPlan], list[SystemPlan]] | None:
    """Check the whole tree; every part is looked at, whatever is wrong with the others."""
    document = check(Document, root, (), problems)
    populations = []
    section = root.get("populations")
    for name, (_, node) in section.entries.items() if section is not None else ():
        own = check(PopulationSection, node, ("populations", name), Problems())
        plan = read_population(name, own or _salvaged(node), node, registry, problems, sources)
        if plan is not None:
            populations.append(plan)
    systems = read_systems(root, registry, problems)
    check_output(root, populations, systems, registry, problems)
    if document is None:
        return None
    if not problems:
        box = box_of(document, populations)
        check_assembly(systems, populations, box, root, problems)
    return document, populations, systems


def _salvaged(node: Node) -> PopulationSection:
    """What can still be looked at in a population whose section has mistakes: the name of its text."""
    source = node.get("from")
    text = source.get("text") if source is not None else None
    if text is None or not isinstance(text.value, str) or not text.value:
        return PopulationSection()
    return PopulationSection().model_copy(update={"from_": TextSource(text=text.value)})


def _try_sweep(root: Node, member: Mapping[str, Any], registry: Registry, problems: Problems, sources: Sources) -> None:
    """Check the first member of the sweep, and report what is wrong with it at the lines of the sweep."""
    changed, found = deepcopy(root), Problems()
    changed.entries.pop("sweep")
    assign(changed, member, found, "sweep")
    if not found:
        _checked(changed, registry, found, sources)
    for problem in found.found:
        path = next((key for key in member if problem.path.startswith(key) or key.startswith(problem.path)), "")
        mark = find(root, ("sweep", path), key=True)
        problems.add(mark, dotted(("sweep", path)), problem.message)


def _anchored(node: Node, sources: Sources, key: str = "") -> Any:
    """Plain values, the paths of files made absolute: the mapping means the same wherever it is read."""
    if isinstance(node.value, dict):
        return {name: _anchored(entry.node, sources, name) for name, entry in node.value.items()}
    if isinstance(node.value, str) and key in ("file", "text"):
        path = (sources.folder(node.mark) or Path()) / node.value
        return str(path.resolve()) if path.is_file() else node.value
    return plain(node)
