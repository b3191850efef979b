"""The ``populations`` section: which components, how many rows, and their initial values."""

from __future__ import annotations

from dataclasses import dataclass, field

from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.components.token import Token
from sensorium.engine.component import Component, Field
from sensorium.engine.errors import ScenarioError
from sensorium.engine.naming import did_you_mean
from sensorium.engine.plugins import Registry
from sensorium.io.modalities.text import Tokens, read_text
from sensorium.io.modalities.tokenizer import Tokenizer
from sensorium.scenarios.inherit import Sources
from sensorium.scenarios.initial import Initial, read_initial
from sensorium.scenarios.library import text_file
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.schema import PopulationSection, TextSource
from sensorium.scenarios.tree import Entry, Node, Path, find

__all__ = ["PopulationPlan", "read_population"]

# short forms beside `components`
SHORT = ("probe", "clamp")


@dataclass
class PopulationPlan:
    """A checked population, ready to be made.

    Attributes
    ----------
    initial
        What the scenario says of each field; the others have their defaults, or come from `tokens`.
    tokens, tokenizer
        The data that the rows are made from, if any.
    """

    name: str
    count: int
    capacity: int
    components: tuple[type[Component], ...]
    initial: dict[Field, Initial] = field(default_factory=dict)
    tokens: Tokens | None = None
    tokenizer: Tokenizer | None = None
    space: str = "none"

    @property
    def needs_box(self) -> bool:
        """Whether positions are drawn in a box."""
        drawn = self.tokens is not None and self.space != "none" and Particle.position not in self.initial
        return drawn or any(initial.needs == "box" for initial in self.initial.values())


def read_population(
    name: str, section: PopulationSection, node: Node, registry: Registry, problems: Problems, sources: Sources
) -> PopulationPlan | None:
    """Check one population against the registry; None when its rows cannot be counted."""
    path: Path = ("populations", name)
    reader = _Reader(path, node, registry, problems, sources)
    plan = PopulationPlan(name, 0, section.capacity, ())
    if section.from_ is not None:
        reader.text(plan, section.from_)
    components = reader.components(plan)
    plan.components = tuple(dict.fromkeys((*plan.components, *components)))
    if not plan.components and not {"components", "from"} & node.entries.keys():
        problems.add(find(node, (), key=True), path, "has no components and no 'from'")
    count = reader.count(plan, section)
    if count is None:
        return None
    plan.count = count
    return plan


@dataclass
class _Reader:
    path: Path
    node: Node
    registry: Registry
    problems: Problems
    sources: Sources

    def components(self, plan: PopulationPlan) -> list[type[Component]]:
        listed = self.node.get("components")
        entries: dict[str, Entry] = dict(listed.entries) if listed is not None else {}
        within: dict[str, Path] = {name: (*self.path, "components", name) for name in entries}
        for short in SHORT:
            if short in self.node.entries and short not in entries:
                entries[short], within[short] = self.node.entries[short], (*self.path, short)
        found = []
        for name, (mark, node) in entries.items():
            component = self.registry.components.get(name)
            if component is None:
                known = self.registry.components
                self.problems.add(mark, within[name], self.registry.unknown("component", name, known))
                continue
            found.append(component)
            if node.value is not None:
                plan.initial |= self.fields(component, node, within[name])
        return found

    def fields(self, component: type[Component], node: Node, path: Path) -> dict[Field, Initial]:
        if not isinstance(node.value, dict):
            self.problems.add(node.mark, path, f"must be a mapping of fields to initial values, not {node.kind}")
            return {}
        found: dict[Field, Initial] = {}
        for name, (mark, value) in node.entries.items():
            field = component.fields.get(name)
            if field is None:
                hint = did_you_mean(name, component.fields) or f" (it has: {', '.join(component.fields)})"
                self.problems.add(mark, (*path, name), f"component '{component.name}' has no field '{name}'{hint}")
                continue
            initial = read_initial(value, field, (*path, name), self.problems, self.sources.folder(value.mark))
            if initial is not None:
                found[field] = initial
        return found

    def text(self, plan: PopulationPlan, source: TextSource) -> None:
        path = (*self.path, "from")
        place = find(self.node, ("from", "text"))
        options = source.tokenizer
        try:
            file = text_file(source.text, self.sources.folder(place))
            plan.tokens = read_text(file, options.bytes, options.offset)
        except ScenarioError as error:
            self.problems.add(place, (*path, "text"), str(error))
            return
        try:
            plan.tokenizer = Tokenizer.spanning(
                len(plan.tokens),
                vocabulary=options.vocabulary,
                hash=options.hash,
                band=options.band,
                guard=options.guard,
                phase=options.phase,
            )
        except ValueError as error:
            self.problems.add(find(self.node, ("from", "tokenizer"), key=True), (*path, "tokenizer"), str(error))
        plan.space = source.space
        plan.components = (Token, Oscillator) if source.space == "none" else (Token, Oscillator, Particle)

    def count(self, plan: PopulationPlan, section: PopulationSection) -> int | None:
        place = find(self.node, ("count",), key=True)
        if section.from_ is not None:
            if plan.tokens is None:
                return None
            given: tuple[int, str] | None = len(plan.tokens), "the text"
            if section.count not in (None, len(plan.tokens)):
                said = f"is {section.count}, but the text gives {len(plan.tokens)} rows; use from.tokenizer.bytes"
                self.problems.add(place, (*self.path, "count"), said)
        else:
            given = None if section.count is None else (section.count, "count")
        for column, initial in plan.initial.items():
            if initial.rows is None:
                continue
            if given is None:
                given = initial.rows, column.path
            elif initial.rows != given[0]:
                path = (*self.path, "components", column.owner.name, column.name)
                said = f"has values for {initial.rows} rows, but {given[1]} gives {given[0]}"
                self.problems.add(initial.node.mark, path, said)
        if given is None:
            if not self.problems:
                self.problems.add(self.node.mark, self.path, "required key 'count' is missing")
            return None
        return given[0]
