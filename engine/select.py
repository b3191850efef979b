"""Selections: questions to a world, or to a frame of a stored run, that compose.

>>> world.select(Carrier).where(state="crystallized").top(10, by="amplitude").statistics("phase")
>>> world.select(Oscillator).coupled_to(world.select(Carrier).where(id=7)).values("energy")

A selection is a component and some rows of the tables that have it. Every question gives a new selection or plain
numbers; nothing is changed, and nothing is remembered. Tables of components that are ``hidden``, such as probes, are
left out unless they are asked for.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.component import Component
from sensorium.engine.naming import did_you_mean

__all__ = ["Selection", "Statistics", "Table"]

Array = npt.NDArray[Any]


@dataclass(frozen=True)
class Table:
    """Rows of one population.

    Attributes
    ----------
    name
        Of the population.
    ids
        Ids of its rows, ``(n,)``, on the host.
    column
        Gives the column of a field by its name, ``(n,)`` or ``(n, k)``, on the host.
    """

    name: str
    ids: Array
    column: Callable[[str], Array]


@dataclass(frozen=True)
class Statistics:
    """Of one quantity over a selection. For angles `mean` and `deviation` are circular, and `order` is |mean e^ix|.

    Attributes
    ----------
    count
        Number of rows; with none, the others are NaN.
    mean, deviation, minimum, maximum, total
        Mean, standard deviation, extremes, and sum.
    order
        Length of the mean direction of an angle, in [0, 1]; NaN for other quantities.
    """

    count: int
    mean: float
    deviation: float
    minimum: float
    maximum: float
    total: float
    order: float = float("nan")

    @classmethod
    def of(cls, values: Array, *, angle: bool = False) -> Statistics:
        """Statistics of `values`, ``(n,)``."""
        values = np.asarray(values, np.float64)
        if len(values) == 0:
            nan = float("nan")
            return cls(0, nan, nan, nan, nan, total=0.0)
        extremes = float(values.min()), float(values.max())
        if not angle:
            return cls(len(values), float(values.mean()), float(values.std()), *extremes, total=float(values.sum()))
        direction = np.exp(1j * values).mean()
        order = min(float(abs(direction)), 1.0)
        spread = float(np.sqrt(-2 * np.log(order))) if order > 0 else float("inf")
        mean = float(np.angle(direction) % (2 * np.pi))
        return cls(len(values), mean, spread, *extremes, total=float(values.sum()), order=order)


class Selection:
    """Some rows of the tables that have `component`.

    Quantities are the fields of the component, what it derives from them (``Carrier``: ``amplitude`` is |C|,
    ``phase`` its angle), and ``id``. Made by ``world.select(...)`` and ``run.select(...)``.
    """

    def __init__(
        self, component: type[Component], tables: Iterable[Table], rows: Sequence[Array] | None = None
    ) -> None:
        self.component, self.tables = component, tuple(tables)
        self._rows = tuple(np.arange(len(t.ids)) for t in self.tables) if rows is None else tuple(rows)

    def __len__(self) -> int:
        return sum(len(rows) for rows in self._rows)

    def __repr__(self) -> str:
        parts = ", ".join(f"{len(rows)} of '{t.name}'" for t, rows in zip(self.tables, self._rows, strict=True))
        return f"<{len(self)} {self.component.__name__}: {parts or 'no population'}>"

    # ---- values -----------------------------------------------------------------------------------------------

    @property
    def ids(self) -> Array:
        """Ids of the rows, ``(n,)``."""
        return self.values("id").astype(np.int64)

    @property
    def quantities(self) -> tuple[str, ...]:
        """Names that can be asked for."""
        return tuple(dict.fromkeys(("id", *self.component.fields, *self.component.derived)))

    def values(self, quantity: str) -> Array:
        """Values of a quantity, ``(n,)`` or ``(n, k)``, in the order of the selection; KeyError suggests a name."""
        parts = [self._of(t, quantity)[rows] for t, rows in zip(self.tables, self._rows, strict=True)]
        return np.concatenate(parts) if parts else np.zeros(0)

    def _of(self, table: Table, quantity: str) -> Array:
        if quantity == "id":
            return table.ids
        derive = self.component.derived.get(quantity)
        if derive is not None:
            return derive(table.column)
        if quantity not in self.component.fields:
            hint = did_you_mean(quantity, self.quantities)
            raise KeyError(f"{self.component.__name__} has no quantity '{quantity}'{hint}")
        return table.column(quantity)

    def statistics(self, quantity: str) -> Statistics:
        """Count, mean, deviation, extremes and sum of a quantity; circular where it is an angle."""
        return Statistics.of(self.values(quantity), angle=quantity in self.component.angles)

    def table(self, *quantities: str) -> dict[str, Array]:
        """Several quantities by name; all of them when none is named."""
        return {name: self.values(name) for name in quantities or self.quantities}

    # ---- choosing ---------------------------------------------------------------------------------------------

    def where(self, **conditions: Any) -> Selection:
        """Rows that meet every condition.

        Parameters
        ----------
        **conditions
            By quantity: a value (or a label: ``state="crystallized"``), a tuple ``(low, high)`` with both ends
            included and None for no bound, a set or list of values, or a function of the values that gives booleans.
        """
        kept = []
        for table, rows in zip(self.tables, self._rows, strict=True):
            met = np.ones(len(rows), bool)
            for quantity, condition in conditions.items():
                met &= _meets(self._of(table, quantity)[rows], condition, self.component.labels.get(quantity, ()))
            kept.append(rows[met])
        return Selection(self.component, self.tables, kept)

    def top(self, count: int, *, by: str) -> Selection:
        """The `count` rows of largest `by`; of equals those of lowest id."""
        return self._ranked(count, -np.asarray(self.values(by), np.float64))

    def bottom(self, count: int, *, by: str) -> Selection:
        """The `count` rows of smallest `by`; of equals those of lowest id."""
        return self._ranked(count, np.asarray(self.values(by), np.float64))

    def _ranked(self, count: int, key: Array) -> Selection:
        chosen = np.zeros(len(self), bool)
        chosen[np.lexsort((self.ids, key))[: max(count, 0)]] = True
        return self._masked(chosen)

    def coupled_to(self, other: Selection, *, threshold: float = 0.1) -> Selection:
        """Rows that couple to a row of `other` by at least `threshold`, as the components say (T_ik of carriers)."""
        strength = self.component.coupling(self.values, other.component, other.values)
        return self._masked(np.asarray((strength >= threshold).any(axis=1), bool))

    def _masked(self, chosen: Array) -> Selection:
        ends = np.cumsum([0, *(len(rows) for rows in self._rows)])
        parts = [rows[chosen[a:b]] for rows, a, b in zip(self._rows, ends[:-1], ends[1:], strict=True)]
        return Selection(self.component, self.tables, parts)


def _meets(values: Array, condition: Any, labels: Sequence[str]) -> Array:
    """Which of `values` meet one condition."""
    if callable(condition):
        return np.asarray(condition(values), bool)
    if isinstance(condition, tuple):
        low, high = condition
        return np.asarray(
            (values >= (-np.inf if low is None else low)) & (values <= (np.inf if high is None else high)), bool
        )
    if isinstance(condition, Collection) and not isinstance(condition, str | Mapping):
        return np.isin(values, [_number(item, labels) for item in condition])
    return np.asarray(values == _number(condition, labels), bool)


def _number(value: Any, labels: Sequence[str]) -> Any:
    """The number that a label stands for."""
    if not isinstance(value, str):
        return value
    if value not in labels:
        raise ValueError(f"'{value}' is not one of {', '.join(labels) or 'any labels'}{did_you_mean(value, labels)}")
    return list(labels).index(value)
