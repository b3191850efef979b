"""Population: a table of entities, stored as columns; rows are born, die and move, ids stay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt

from sensorium.engine.component import Component, Field
from sensorium.engine.device import Device

__all__ = ["Identifiers", "Population"]

C = TypeVar("C", bound=Component)
Array = npt.NDArray[Any]

SMALLEST = 2  # a block of one row would be C and F contiguous at once, and kernels would compile again for it
PAGE = 4096  # bytes; components of a vector that are whole pages apart share their sets of the cache: 13 to 28% slower
APART = 48  # unused rows that keep them apart


class Identifiers:
    """The counter of entity ids of a world: every id is given once, from 0 upwards."""

    def __init__(self) -> None:
        self.next = 0

    def take(self, count: int) -> range:
        """The next `count` ids."""
        first = self.next
        self.next += count
        return range(first, self.next)


class Population:
    """A struct of arrays: one block per field, one row per entity.

    Scalar fields are blocks of shape ``(capacity,)``; vector fields are ``(k, capacity)``, shown as ``(n, k)``
    transposed views, so that every component of a vector is contiguous over rows. Rows keep their order when
    others are removed. Capacity grows by doubling.

    Parameters
    ----------
    name
        Name of the population in scenarios and files.
    components
        Component classes; each field of each becomes a column.
    device
        Where the columns live.
    identifiers
        Source of ids, shared by all populations of a world.
    storage
        Map from the ``id()`` of a column view to its full block, shared by all populations of a world: a kernel
        launched on a view runs on the block, which is contiguous whatever the number of rows.
    """

    def __init__(
        self,
        name: str,
        components: Sequence[type[Component]],
        device: Device,
        *,
        identifiers: Identifiers | None = None,
        storage: dict[int, Array] | None = None,
        capacity: int = 0,
    ) -> None:
        self.name, self.device = name, device
        self.components = tuple(dict.fromkeys(components))
        self.n, self.version = 0, 0
        self.capacity = max(SMALLEST, capacity)
        self.storage: dict[int, Array] = {} if storage is None else storage
        self._identifiers = identifiers or Identifiers()
        self._blocks: dict[Field, Array] = {
            field: self._block(field.shape, field.stored(device.real), self.capacity)
            for component in self.components
            for field in component.fields.values()
        }
        self._id_block = device.zeros((self.capacity,), np.int64)
        self._views: dict[type[Component], Component] = {c: object.__new__(c) for c in self.components}
        self._rows_by_id: tuple[int, Array, Array] | None = None
        self._columns: dict[Field, Array] = {}
        self._ids: Array = self._id_block[:0]
        self._show()

    def __len__(self) -> int:
        return self.n

    def __contains__(self, component: type[Component]) -> bool:
        return component in self._views

    def __getitem__(self, component: type[C]) -> C:
        """The view of `component`: its columns as attributes. The same object as long as the population lives."""
        try:
            return self._views[component]  # type: ignore[return-value]
        except KeyError:
            has = ", ".join(c.__name__ for c in self.components)
            raise KeyError(f"population '{self.name}' has no {component.__name__} (it has {has})") from None

    def __repr__(self) -> str:
        return f"<Population {self.name}: {self.n} rows of {', '.join(c.__name__ for c in self.components)}>"

    @property
    def fields(self) -> tuple[Field, ...]:
        """Every field, in the order of the components."""
        return tuple(self._blocks)

    @property
    def ids(self) -> Array:
        """Ids of the rows, ``(n,)`` int64, on the device."""
        return self._ids

    def column(self, field: Field) -> Array:
        """The column of `field`: ``(n,)`` or ``(n, k)``, a view on the device."""
        try:
            return self._columns[field]
        except KeyError:
            raise KeyError(f"population '{self.name}' has no column {field!r}") from None

    def clear(self, field: Field) -> None:
        """Set a column to zero."""
        self._blocks[field][..., : self.n] = 0

    def rows_of(self, ids: npt.ArrayLike) -> Array:
        """Row of each id, int64 on the host; -1 where no living row has the id."""
        wanted = np.atleast_1d(np.asarray(ids, np.int64))
        if self._rows_by_id is None or self._rows_by_id[0] != self.version:
            own = self.device.host(self._ids)
            order = np.argsort(own, kind="stable")
            self._rows_by_id = self.version, own[order], order
        _, known, order = self._rows_by_id
        if not len(known):
            return np.full(wanted.shape, -1, np.int64)
        place = np.minimum(np.searchsorted(known, wanted), len(known) - 1)
        return np.where(known[place] == wanted, order[place], -1)

    # ---- rows come, go and move -------------------------------------------------------------------------------

    def spawn(
        self, count: int, values: Mapping[Field, npt.ArrayLike] | None = None, *, ids: range | None = None
    ) -> Array:
        """Append `count` rows and return their ids.

        Parameters
        ----------
        count
            Number of rows, >= 0.
        values
            Column values of the new rows: a scalar, ``(k,)``, ``(count,)`` or ``(count, k)``; defaults elsewhere.
        ids
            Ids reserved before (deferred commands); taken from the counter otherwise.
        """
        if count < 0:
            raise ValueError(f"cannot spawn {count} rows in population '{self.name}'")
        values = values or {}
        for field in values:
            if field not in self._blocks:
                raise KeyError(f"population '{self.name}' has no column {field!r}")
        ids = self._identifiers.take(count) if ids is None else ids
        if self.n + count > self.capacity:
            self._grow(max(2 * self.capacity, self.n + count))
        new = slice(self.n, self.n + count)
        self._id_block[new] = self.device.array(np.arange(ids.start, ids.stop, dtype=np.int64))
        for field, block in self._blocks.items():
            value = np.asarray(values.get(field, field.default))
            if field.shape:
                value = np.broadcast_to(value, (count, *field.shape)).T
            block[..., new] = self.device.array(np.ascontiguousarray(value.astype(block.dtype)))
        self.n += count
        self._show()
        return np.arange(ids.start, ids.stop, dtype=np.int64)

    def despawn(self, ids: npt.ArrayLike) -> int:
        """Remove the rows of `ids`; the others keep their order. Unknown ids are an error. Returns how many went."""
        rows = self.rows_of(ids)
        if (rows < 0).any():
            unknown = np.atleast_1d(np.asarray(ids))[rows < 0][:5].tolist()
            raise KeyError(f"population '{self.name}' has no entity {unknown}")
        keep = np.ones(self.n, bool)
        keep[rows] = False
        kept = np.flatnonzero(keep)
        gone = self.n - len(kept)
        if gone:
            self._take(kept)
        return gone

    def reorder(self, permutation: npt.ArrayLike) -> None:
        """Put row ``permutation[i]`` at row ``i``; ids move with their rows."""
        if len(permutation) != self.n:  # type: ignore[arg-type]
            raise ValueError(f"population '{self.name}' has {self.n} rows; a permutation has as many")
        self._take(permutation)

    def _take(self, rows: Any) -> None:
        rows = self.device.array(rows)
        n = len(rows)
        for block in (*self._blocks.values(), self._id_block):
            block[..., :n] = block.take(rows, axis=-1)  # five times as fast as an index
        self.n = n
        self._show()

    def _grow(self, capacity: int) -> None:
        for field, block in self._blocks.items():
            self._blocks[field] = self._widened(block, capacity)
        self._id_block = self._widened(self._id_block, capacity)
        self.capacity = capacity

    def _widened(self, block: Array, capacity: int) -> Array:
        wide = self._block(block.shape[:-1], block.dtype, capacity)
        wide[..., : self.n] = block[..., : self.n]
        return wide

    def _block(self, shape: tuple[int, ...], dtype: npt.DTypeLike, capacity: int) -> Array:
        """Zeros for `capacity` rows."""
        collide = bool(shape) and capacity * np.dtype(dtype).itemsize % PAGE == 0
        block: Array = self.device.zeros((*shape, capacity + APART if collide else capacity), dtype)
        return block

    def _show(self) -> None:
        """Point every view at the living rows, and the launcher from the views to their blocks."""
        self.version += 1
        for shown in (*self._columns.values(), self._ids):
            self.storage.pop(id(shown), None)
        self._columns = {field: block[..., : self.n].T for field, block in self._blocks.items()}
        self._ids = self._id_block[: self.n]
        for component, view in self._views.items():
            view.__dict__.update((name, self._columns[field]) for name, field in component.fields.items())
        for field, shown in self._columns.items():
            self.storage[id(shown)] = self._blocks[field].T
        self.storage[id(self._ids)] = self._id_block

    # ---- state ------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        """Everything, on the host, in row order."""
        columns = {field.path: self.device.host(self.column(field)).copy() for field in self._blocks}
        return {"ids": self.device.host(self._ids).copy(), "columns": columns}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over rows, ids and columns of :meth:`state`."""
        ids = np.asarray(state["ids"], np.int64)
        if len(ids) > self.capacity:
            self._grow(len(ids))
        self.n = len(ids)
        self._id_block[: self.n] = self.device.array(ids)
        for field, block in self._blocks.items():
            block[..., : self.n] = self.device.array(np.ascontiguousarray(np.asarray(state["columns"][field.path]).T))
        self._show()
