"""World: populations and resources, the clock and the ledger, in one esper world."""

from __future__ import annotations

import itertools
import weakref
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import esper
import numpy as np

from sensorium.engine.commands import Commands
from sensorium.engine.component import Component, Field
from sensorium.engine.device import Device, Precision
from sensorium.engine.events import Events
from sensorium.engine.ledger import Ledger
from sensorium.engine.population import Identifiers, Population
from sensorium.engine.select import Selection, Table

__all__ = ["Clock", "Constants", "World"]

R = TypeVar("R")
_numbers = itertools.count()


@dataclass
class Clock:
    """Steps completed so far, and the time that they span."""

    step: int = 0
    time: float = 0.0


@dataclass(frozen=True)
class Constants:
    """Physical constants of a run; 1 in natural units."""

    gravitational: float = 1.0
    boltzmann: float = 1.0
    planck_reduced: float = 1.0
    specific_heat: float = 1.0


@contextmanager
def _inside(name: str) -> Iterator[None]:
    """Make `name` the current esper world for a while: the one place that touches esper's global state."""
    before = esper.current_world
    esper.switch_world(name)
    try:
        yield
    finally:
        esper.switch_world(before)


def _forget(name: str) -> None:
    if name in esper.list_worlds() and name != esper.current_world:
        esper.delete_world(name)


class World:
    """Everything that a run computes with.

    An esper entity is a *population* (a table of entities), its components are column views; rows, ids and order
    are kept by :class:`~sensorium.engine.population.Population`.

    Parameters
    ----------
    seed
        Key of every random number of the run.
    precision
        ``"double"`` or ``"single"``: the working real of ``"f8"`` fields.
    device
        Where columns live and kernels run; the CPU by default.
    """

    def __init__(self, seed: int = 0, precision: Precision = "double", device: Device | None = None) -> None:
        self.seed = int(seed)
        self.device = device or Device("cpu", precision)
        self.clock = Clock()
        self.events = Events()
        self.ledger = Ledger()
        self.identifiers = Identifiers()
        self.commands = Commands(self.identifiers)
        self.storage: dict[int, Any] = {}
        self._populations: dict[str, tuple[int, Population]] = {}
        self._resources: dict[type, Any] = {Constants: Constants()}
        self._queries: dict[tuple[type[Component], ...], tuple[Any, ...]] = {}
        self._ticks: dict[Field, int] = {}
        self.watched = False  # whether anybody asks for stamps: only then are changes noted
        self._pass = 0
        self._esper = f"sensorium-{next(_numbers)}"
        with _inside(self._esper):
            pass
        weakref.finalize(self, _forget, self._esper)

    @property
    def precision(self) -> Precision:
        """``"double"`` or ``"single"``."""
        return self.device.precision

    # ---- populations ------------------------------------------------------------------------------------------

    def create(self, name: str, components: Sequence[type[Component]], count: int = 0, capacity: int = 0) -> Population:
        """Create the population `name` with `count` rows of default values.

        Raises
        ------
        ValueError
            If the name is taken or a component is listed twice.
        """
        if name in self._populations:
            raise ValueError(f"there is a population '{name}' already")
        if len(set(components)) != len(components):
            raise ValueError(f"population '{name}' lists a component twice")
        population = Population(
            name, components, self.device, identifiers=self.identifiers, storage=self.storage, capacity=capacity
        )
        population.spawn(count)
        with _inside(self._esper):
            entity = esper.create_entity(population, *(population[component] for component in components))
        self._populations[name] = (entity, population)
        self._queries.clear()
        return population

    @property
    def populations(self) -> tuple[Population, ...]:
        """All populations, oldest first."""
        return tuple(population for _, population in self._populations.values())

    def population(self, name: str) -> Population:
        """The population `name`; KeyError names the ones there are."""
        try:
            return self._populations[name][1]
        except KeyError:
            raise KeyError(f"no population '{name}' (there are: {', '.join(self._populations) or 'none'})") from None

    def query(self, *components: type[Component]) -> tuple[Any, ...]:
        """``(population, view, view, ...)`` for each population that has all `components`, oldest first.

        The answer is cached until a population is created; the views stay valid as rows come and go.
        """
        found = self._queries.get(components)
        if found is None:
            with _inside(self._esper):
                # esper iterates a set: sorted by entity, so that a restart gives the same order
                rows = sorted(esper.get_components(Population, *components), key=lambda row: row[0])
            found = self._queries[components] = tuple(tuple(parts) for _, parts in rows)
        return found

    def select(self, component: type[Component], *, include: Sequence[type[Component]] = ()) -> Selection:
        """A question to the present state: ``world.select(Carrier).where(state="stable").top(3, by="amplitude")``.

        Populations with a hidden component (probes) are left out, unless `include` names it.
        """
        return Selection(
            component,
            [
                Table(
                    population.name,
                    population.device.host(population.ids),
                    lambda name, p=population: p.device.host(p.column(component.fields[name])),  # type: ignore[misc]
                )
                for population, _ in self.query(component)
                if not any(c.hidden and c not in include and c is not component for c in population.components)
            ],
        )

    def processor(self, processor: esper.Processor) -> None:
        """Register a system with the esper world."""
        with _inside(self._esper):
            esper.add_processor(processor)

    # ---- what has changed -------------------------------------------------------------------------------------

    def begin_pass(self) -> None:
        """Forget what is known about columns: between steps they may be set by hand."""
        self._pass += 1

    def touch(self, fields: Iterable[Field]) -> None:
        """Take note that a system wrote these columns."""
        for field in fields:
            self._ticks[field] = self._ticks.get(field, 0) + 1

    def stamp(self, *fields: Field) -> tuple[Any, ...]:
        """A value that stays equal, within a step, until rows or these columns of any population change.

        What systems derive from columns may be shared as long as its stamp is the present one.
        """
        self.watched = True
        ticks = self._ticks
        versions = tuple(population.version for _, population in self._populations.values())
        return (self._pass, versions, *(ticks.get(field, 0) for field in fields))

    # ---- resources --------------------------------------------------------------------------------------------

    def insert(self, resource: Any) -> None:
        """Put in a resource; it replaces one of the same type."""
        self._resources[type(resource)] = resource

    @property
    def resources(self) -> tuple[Any, ...]:
        """All resources, oldest first."""
        return tuple(self._resources.values())

    def has(self, kind: type) -> bool:
        """Whether there is a resource of type `kind`."""
        return kind in self._resources

    def resource(self, kind: type[R]) -> R:
        """The resource of type `kind`; KeyError when there is none."""
        try:
            return self._resources[kind]  # type: ignore[no-any-return]
        except KeyError:
            raise KeyError(f"the world has no {kind.__name__}; insert one with world.insert(...)") from None

    # ---- state ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Populations, clock, ids, ledger, events, and every resource that has a state."""
        self.commands.state()
        return {
            "clock": {"step": self.clock.step, "time": self.clock.time},
            "next_id": self.identifiers.next,
            "ledger": self.ledger.state(),
            "events": self.events.state(),
            "populations": {p.name: p.state() for p in self.populations},
            "resources": {
                kind.__name__: resource.state() for kind, resource in self._resources.items() if _stateful(resource)
            },
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`; the populations must have been created before."""
        self.commands.clear()
        self.clock.step, self.clock.time = int(state["clock"]["step"]), float(state["clock"]["time"])
        self.identifiers.next = int(state["next_id"])
        self.ledger.restore(state["ledger"])
        self.events.restore(state["events"])
        for name, part in state["populations"].items():
            self.population(name).restore(part)
        for kind, resource in self._resources.items():
            if _stateful(resource):
                resource.restore(state["resources"][kind.__name__])

    def not_finite(self) -> list[tuple[Population, str, Any]]:
        """Columns with NaN or infinity: ``(population, field path, ids)``."""
        found = []
        for population in self.populations:
            for field in population.fields:
                column = self.device.host(population.column(field))
                if column.dtype.kind == "f" and not np.isfinite(column).all():
                    bad = ~np.isfinite(column).reshape(population.n, -1).all(axis=1)
                    found.append((population, field.path, self.device.host(population.ids)[bad]))
        return found

    def out_of_bounds(self) -> Iterator[tuple[Population, Field, float, Any]]:
        """Columns with values outside the bounds of their field: ``(population, field, one such value, ids)``."""
        for population in self.populations:
            for field in population.fields:
                if not field.bounds or not population.n:
                    continue
                column = self.device.host(population.column(field))
                wrong = field.outside(column)
                if wrong.any():
                    ids = self.device.host(population.ids)[wrong.reshape(population.n, -1).any(axis=1)]
                    yield population, field, float(column[wrong].min()), ids


def _stateful(resource: Any) -> bool:
    return hasattr(resource, "state") and hasattr(resource, "restore")
