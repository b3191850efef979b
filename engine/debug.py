"""Debug mode: declared access enforced, column by column."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium.engine.component import Component, Field
from sensorium.engine.errors import AccessError

if TYPE_CHECKING:
    from sensorium.engine.population import Population
    from sensorium.engine.system import System
    from sensorium.engine.world import World

__all__ = ["Guard", "guarded"]


class Guard:
    """What one system sees in debug mode.

    Columns that it only reads are read-only arrays; columns that it did not declare are missing from its views.
    Kernels run on the full blocks, past the read-only flag: a comparison of all columns before and after the call
    finds what they wrote.
    """

    def __init__(self, system: System, world: World) -> None:
        self.system, self.world = system, world
        self.writable = frozenset((*system.writes, *system.accumulates))
        self.readable = self.writable | frozenset(system.reads)
        self._classes: dict[type[Component], type[Component]] = {}
        self._before: dict[tuple[str, str], tuple[Any, Any]] = {}
        self._lent: list[Any] = []  # kept alive: the storage map knows arrays by their id, which is used again

    def query(self, *components: type[Component]) -> tuple[Any, ...]:
        """The query of the world, with guarded views."""
        rows = self.world.query(*components)
        return tuple((row[0], *(self._view(row[0], component) for component in components)) for row in rows)

    def _view(self, population: Population, component: type[Component]) -> Component:
        view = object.__new__(self._classes.setdefault(component, _restricted(component, self.system)))
        for name, field in component.fields.items():
            if field not in self.readable:
                continue
            column = population.column(field)
            if field not in self.writable:
                full, column = self.world.storage[id(column)], column.view()
                column.flags.writeable = False
                self.world.storage[id(column)] = full
                self._lent.append(column)
            view.__dict__[name] = column
        return view

    def before(self) -> None:
        """Remember every column that the system may not write."""
        self._before = {
            (p.name, field.path): (p.ids.copy(), p.column(field).copy())
            for p in self.world.populations
            for field in p.fields
            if field not in self.writable
        }

    def after(self, phase: str) -> None:
        """Compare.

        Raises
        ------
        AccessError
            Naming the system, the phase and every column that it wrote without saying so.
        """
        for column in self._lent:
            self.world.storage.pop(id(column), None)
        self._lent.clear()
        changed = [
            f"{field.path} of '{p.name}'"
            for p in self.world.populations
            for field in p.fields
            if field not in self.writable and not self._same(p, field, self._before)
        ]
        if changed:
            name = self.system.instance
            raise AccessError(f"{name} (phase '{phase}') wrote {', '.join(changed)} without declaring it in `writes`")

    @staticmethod
    def _same(population: Population, field: Field, before: Mapping[tuple[str, str], tuple[Any, Any]]) -> bool:
        if (population.name, field.path) not in before:
            return True
        ids, old = before[population.name, field.path]
        new = population.column(field)
        if not np.array_equal(ids, population.ids):  # rows were sorted: compare row by row of the same id
            old, new = old[np.argsort(ids)], new[np.argsort(population.ids)]
        return np.ascontiguousarray(old).tobytes() == np.ascontiguousarray(new).tobytes()


def _restricted(component: type[Component], system: System) -> type[Component]:
    """A subclass of `component` whose missing columns say who asked for them."""

    def missing(view: Component, name: str) -> Any:
        if name in component.fields:
            raise AccessError(
                f"{system.instance} reads {component.fields[name]!r} without declaring it in `reads`, `writes` or"
                " `accumulates`"
            )
        raise AttributeError(f"{component.__name__} has no field '{name}' (it has {', '.join(component.fields)})")

    return type(component.__name__, (component,), {"__getattr__": missing, "name": component.name})


def guarded(system: System, phase: str, method: Callable[[float], None]) -> Callable[[float], None]:
    """`method` under guard: the wrapper that a :class:`~sensorium.engine.schedule.Schedule` takes in debug mode."""
    owner = getattr(system.query, "__self__", None)
    guard = owner if isinstance(owner, Guard) else Guard(system, system.world)
    system.query = guard.query  # type: ignore[method-assign]

    def run(dt: float) -> None:
        guard.before()
        try:
            method(dt)
        except ValueError as error:
            if "read-only" not in str(error):
                raise
            raise AccessError(
                f"{system.instance} (phase '{phase}') writes a column that it declares in `reads` only"
            ) from error
        guard.after(phase)

    return run
