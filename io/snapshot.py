"""Snapshot: host copies of everything in one frame, taken in the main thread and put in order in the writer's."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.component import Field
from sensorium.engine.population import Population
from sensorium.io.layout import EDGES, observable_path
from sensorium.io.spec import Spec

__all__ = ["Rows", "Snapshot", "id_order"]

Array = npt.NDArray[Any]


def id_order(ids: Array) -> Array | None:
    """The permutation that sorts `ids`, or None when they are sorted.

    Ids are unique and mostly dense, so a scatter into their range replaces the sort.
    """
    if len(ids) < 2 or bool((ids[1:] > ids[:-1]).all()):
        return None
    low, high = int(ids.min()), int(ids.max())
    if high - low > 8 * len(ids):
        return np.argsort(ids)
    row = np.full(high - low + 1, -1, np.int64)
    row[ids - low] = np.arange(len(ids))
    return row[row >= 0]


def _as_rows(block: Array, order: Array | None) -> Array:
    """``(n,)`` or ``(k, n)`` as C-contiguous ``(n,)`` or ``(n, k)``, rows taken in `order`.

    One component at a time: numpy's own transposing copy runs over the short axis and takes four times as long.
    """
    if block.ndim == 1:
        return block if order is None else np.take(block, order)
    rows = np.empty(block.shape[::-1], block.dtype)
    for k, component in enumerate(block):
        rows[:, k] = component if order is None else np.take(component, order)
    return rows


class Rows:
    """The rows of one population: ids and column blocks, ``(n,)`` or ``(k, n)``, in memory order.

    Parameters
    ----------
    ids, blocks
        Host copies.
    species
        The number that stands for the population.
    version
        That of the population: rows of one version are in one order.
    earlier
        The rows of an earlier frame, whose order is taken over where the version is the same.
    """

    def __init__(
        self, ids: Array, blocks: dict[str, Array], species: int, version: int = -1, earlier: Rows | None = None
    ) -> None:
        self.ids, self.blocks, self.species, self.version = ids, blocks, species, version
        self._order: Array | None = None
        self._known = False
        if earlier is not None and earlier.version == version:
            self._order, self._known = earlier._order, earlier._known

    def column(self, name: str) -> Array | None:
        """Column `name` in id order, C-contiguous ``(n,)`` or ``(n, k)``; None when there is none."""
        if name == "species" and name not in self.blocks:
            return np.full(len(self.ids), self.species, np.int8)
        block = self.ids if name == "id" else self.blocks.get(name)
        if block is None:
            return None
        if not self._known:
            self._order, self._known = id_order(self.ids), True
        return _as_rows(block, self._order)


class Snapshot:
    """One frame, in buffers that are used again for later frames.

    Parameters
    ----------
    released
        Called with the snapshot when it may be filled again.
    """

    def __init__(self, released: Callable[[Snapshot], None]) -> None:
        self.step, self.time = 0, 0.0
        self.edges = np.ones(3)
        self.rows: dict[str, Rows] = {}
        self._earlier: dict[str, Rows] = {}
        self.observables: dict[str, float] = {}
        self.fields: dict[str, Array] = {}
        self.specs: tuple[Spec, ...] = ()
        self._scalars: dict[str, float] = {}
        self._buffers: dict[str, Array] = {}
        self._released = released

    def start(self, step: int, time: float, edges: Array, observables: Mapping[str, float]) -> None:
        """Begin a new frame."""
        self.step, self.time, self.edges = step, time, edges
        self.observables = dict(observables)
        self._scalars = {observable_path(name): value for name, value in observables.items()}
        self._earlier, self.rows, self.fields, self.specs = self.rows, {}, {}, ()

    def take(
        self, population: Population, columns: Mapping[str, Field], dtypes: Mapping[str, np.dtype[Any]], species: int
    ) -> None:
        """Copy ids and `columns` of `population`, as `dtypes`, from its device."""
        name, host = population.name, population.device.host
        blocks = {
            column: self._keep(f"{name}/{column}", host(population.column(wanted)).T, dtypes[column])
            for column, wanted in columns.items()
        }
        ids = self._keep(f"{name}/id", host(population.ids), np.dtype(np.int64))
        self.rows[name] = Rows(ids, blocks, species, population.version, self._earlier.get(name))

    def take_table(self, name: str, columns: Mapping[str, Array]) -> None:
        """Copy a table that is no population: columns of one length, which may be another in the next frame."""
        blocks = {column: self._keep(f"{name}/{column}", values, values.dtype) for column, values in columns.items()}
        self.rows[name] = Rows(np.arange(len(next(iter(columns.values())))), blocks, 0)

    def row(self, path: str) -> Any:
        """What the frame has for the dataset at `path`; None when it has nothing."""
        if path.startswith("particles/"):
            _, name, column = path.split("/", 2)
            rows = self.rows.get(name)
            return None if rows is None else rows.column(column)
        if path.startswith("fields/"):
            return self.fields.get(path.removeprefix("fields/"))
        return self.edges if path == EDGES else self._scalars.get(path)

    def release(self) -> None:
        """Everything was written; the buffers may be filled again."""
        self._released(self)

    def _keep(self, key: str, source: Array, dtype: np.dtype[Any]) -> Array:
        """Copy `source` into the buffer `key`, which grows when needed and is otherwise used again."""
        buffer = self._buffers.get(key)
        if buffer is None or buffer.dtype != dtype or buffer.size < source.size:
            buffer = self._buffers[key] = np.empty(max(1, source.size), dtype)
        kept = buffer[: source.size].reshape(source.shape)
        np.copyto(kept, source, casting="unsafe")
        return kept
