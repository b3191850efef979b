"""Sorted rows: the rows of several populations in one order, whatever order they are stored in."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.component import Field
from sensorium.engine.device import Device
from sensorium.engine.population import Population

__all__ = ["SortedRows"]


class SortedRows:
    """Rows of several populations, sorted by a field and, where that is equal, by id.

    The order depends on nothing else, so sums over it do not change when rows are stored in another order, or
    spread over other populations.

    Parameters
    ----------
    field
        Scalar field that sorts.
    device
        Where the populations are.

    Attributes
    ----------
    n
        Number of rows.
    keys, ids
        The sorted values of the field, in double, and the ids in that order, ``(n,)``, on the host.
    slots
        For each population the place of each of its rows in the order, ``(population.n,)`` int32, on the device.
    """

    def __init__(self, field: Field, device: Device) -> None:
        self.field, self.device = field, device
        self.n = 0
        self.keys: npt.NDArray[Any] = np.zeros(0)
        self.ids: npt.NDArray[np.int64] = np.zeros(0, np.int64)
        self.populations: tuple[Population, ...] = ()
        self.slots: tuple[Any, ...] = ()
        self._seen: tuple[tuple[int, Any], ...] = ()

    def refresh(self, populations: Sequence[Population]) -> bool:
        """Follow what happened to the rows since the last call; True if the keys or ids in order have changed."""
        if self._unchanged(populations):
            return False
        host = self.device.host
        ids = [host(p.ids).copy() for p in populations]
        keys = [host(p.column(self.field)).astype(np.float64) for p in populations]
        self.populations = tuple(populations)
        self._seen = tuple((p.version, self.device.array(p.column(self.field))) for p in populations)
        all_ids, all_keys = np.concatenate([*ids, []]).astype(np.int64), np.concatenate([*keys, []])
        place = self._places(all_ids, all_keys)
        changed = place is None
        if place is None:
            order = np.lexsort((all_ids, all_keys))
            self.n, self.keys, self.ids = len(order), all_keys[order], all_ids[order]
            place = np.empty(self.n, np.int32)
            place[order] = np.arange(self.n, dtype=np.int32)
        ends = np.cumsum([0, *(len(part) for part in ids)])
        self.slots = tuple(self.device.array(place[a:b]) for a, b in itertools.pairwise(ends))
        return changed

    def _unchanged(self, populations: Sequence[Population]) -> bool:
        if self.populations != tuple(populations):
            return False
        xp = self.device.xp
        return all(
            p.version == version and bool(xp.array_equal(p.column(self.field), keys))
            for p, (version, keys) in zip(populations, self._seen, strict=True)
        )

    def _places(self, ids: npt.NDArray[np.int64], keys: npt.NDArray[Any]) -> npt.NDArray[np.int32] | None:
        """Place of each row if the rows are the ones of last time in another storage order; None if they are not."""
        if len(ids) != self.n or self.n == 0:
            return None
        place = self.places_of(ids)
        return place if (place >= 0).all() and np.array_equal(self.keys[place], keys) else None

    def places_of(self, ids: npt.ArrayLike) -> npt.NDArray[np.int32]:
        """Place of each id in the order; -1 where no row has it."""
        wanted = np.asarray(ids, np.int64)
        if self.n == 0:
            return np.full(wanted.shape, -1, np.int32)
        by_id = np.argsort(self.ids)
        at = np.minimum(np.searchsorted(self.ids[by_id], wanted), self.n - 1)
        place = by_id[at].astype(np.int32)
        return np.where(self.ids[place] == wanted, place, np.int32(-1))
