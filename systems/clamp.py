"""Clamp: columns of some rows as boundary conditions, held bit by bit."""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from pydantic import Field

from sensorium.components.carrier import Carrier
from sensorium.components.conditions import Held
from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.engine import component
from sensorium.engine.errors import ScenarioError
from sensorium.engine.naming import did_you_mean
from sensorium.engine.population import Population
from sensorium.engine.system import Parameters, System, param
from sensorium.engine.world import World

__all__ = ["Clamp", "Selection"]

Value = float | list[float] | list[list[float]] | Literal["hold"]


class Selection(Parameters):
    """Which rows: `ids`, or in the order of their ids `rows` as [first, past], every `every`-th of them."""

    ids: list[int] | None = None
    rows: tuple[int, int] | None = None
    every: int = Field(1, ge=1)


class Clamp(System):
    """Holds columns of selected rows (paper, equation 23: q_i = target).

    `values` gives for each column (``oscillator.phase``) the value to hold: one for all rows, one per row, or
    ``hold``: what the rows have when the run starts. Rows are set at the beginning and at the end of each step;
    held phases and carrier amplitudes are constant within it too. The energy that this takes or brings is booked to
    the channel ``clamp``. Rows are chosen once, by id; those that die are let go.
    """

    phase = ("begin", "end")
    before = ("statistics", "homeostasis", "relaxation", "energy-ledger")

    population: str = param(doc="name of the population")
    select: Selection | Literal["all"] = param("all", doc="rows: all, {ids: [...]}, or {rows: [first, past], every: k}")
    values: dict[str, Value] = param(doc="value of each column to hold, or 'hold'")

    def attach(self, world: World) -> None:
        """Find the columns, and declare to write them."""
        super().attach(world)
        try:
            self._rows: Population = world.population(self.population)
        except KeyError as error:
            raise ScenarioError(f"{self.instance}: {error.args[0]}") from None
        known = {field.path: field for field in self._rows.fields}
        for path in self.values:
            if path not in known:
                said = f"population '{self.population}' has no column '{path}'{did_you_mean(path, known)}"
                raise ScenarioError(f"{self.instance}: {said}")
        self._fields = tuple(known[path] for path in self.values)
        self.writes = self._fields  # type: ignore[misc]
        self._ids: Any = None
        self._targets: dict[str, Any] = {}

    def setup(self) -> None:
        """Choose the rows and take the values, unless a restore has brought them."""
        if self._ids is None:
            self._ids = self._chosen(np.sort(self.device.host(self._rows.ids)))
            rows = self._rows.rows_of(self._ids)
            for field in self._fields:
                self._targets[field.path] = self._target(field, rows)
        self._announce()

    def _announce(self) -> None:
        if not self.world.has(Held):
            self.world.insert(Held())
        for field in self._fields:
            self.world.resource(Held).hold(self._rows, field, self._ids)

    def _chosen(self, ids: Any) -> Any:
        """Ids of the rows to hold; `ids` are those of the population, ascending."""
        if self.select == "all":
            return ids
        if self.select.ids is None:
            first, past = self.select.rows or (0, len(ids))
            return ids[first : past : self.select.every]
        wanted = np.asarray(self.select.ids, np.int64)
        missing = np.setdiff1d(wanted, ids)
        if len(missing):
            raise ScenarioError(f"{self.instance}: population '{self.population}' has no ids {missing[:5].tolist()}")
        return wanted

    def _target(self, field: component.Field, rows: Any) -> Any:
        column = self.device.host(self._rows.column(field))
        value = self.values[field.path]
        if isinstance(value, str):
            return column[rows].copy()
        try:
            return np.broadcast_to(np.asarray(value, column.dtype), (len(rows), *field.shape)).copy()
        except ValueError:
            said = f"{field.path} takes one value, or one for each of {len(rows)} rows"
            raise ScenarioError(f"{self.instance}: {said}") from None

    # ---- the step ---------------------------------------------------------------------------------------------

    def begin(self, dt: float) -> None:
        """Set the values."""
        self._hold()

    def end(self, dt: float) -> None:
        """Set the values again, whatever happened in between."""
        self._hold()

    def _hold(self) -> None:
        rows = self._rows.rows_of(self._ids)
        living = rows >= 0
        rows = rows[living]
        before = self._energy(rows)
        for population, *views in self.query(*dict.fromkeys(field.owner for field in self._fields)):
            if population is self._rows:
                for field in self._fields:
                    view = next(view for view in views if field.name in type(view).fields)
                    column = getattr(view, field.name)
                    column[rows] = self.device.array(self._targets[field.path][living])
        change = self._energy(rows) - before
        if change:
            self.world.ledger.book("clamp", change)

    def _energy(self, rows: Any) -> float:
        """Energy that the stores count in these rows."""
        population, total = self._rows, 0.0

        def values(field: component.Field) -> Any:
            return self.device.host(population.column(field))[rows].astype(np.float64)

        if Particle in population:
            total += float((0.5 * values(Particle.mass) * (values(Particle.velocity) ** 2).sum(axis=1)).sum())
            total += float(values(Particle.heat).sum())
        if Oscillator in population:
            total += float(values(Oscillator.energy).sum())
        if Carrier in population:
            total += float((values(Carrier.amplitude) ** 2).sum() + values(Carrier.mass).sum())
        return total

    def state(self) -> dict[str, Any]:
        """Rows by id, and what they are held at."""
        return {"ids": self._ids.copy(), "targets": {path: t.copy() for path, t in self._targets.items()}}

    def restore(self, state: Any) -> None:
        """Take over :meth:`state`."""
        self._ids = np.asarray(state["ids"], np.int64)
        self._targets = {path: np.asarray(target) for path, target in state["targets"].items()}
        held = self.world.resource(Held)
        for field in self._fields:
            held.ids.pop((self._rows.name, field.path), None)
        self._announce()
