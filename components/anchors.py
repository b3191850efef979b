"""Anchors: the oscillators that a carrier remembers, with weight and phase offset; as many as each carrier has."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.world import World

__all__ = ["Anchors"]

Array = npt.NDArray[Any]


class Anchors:
    """Anchors of all carriers as flat arrays, sorted by carrier id; a resource (paper, Section 7.4).

    Attributes
    ----------
    carrier, oscillator
        Ids, ``(n,)`` int64.
    weight
        Share in the carrier, ``(n,)`` float64.
    phase
        Offset phi of the oscillator's phase from the carrier's, ``(n,)`` float64 [rad].
    version
        Counts the changes.
    """

    table = "anchors"  # name in trajectories

    def __init__(self) -> None:
        self.version = 0
        self._take(np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0), np.zeros(0))

    def __len__(self) -> int:
        return len(self.carrier)

    @classmethod
    def of(cls, world: World) -> Anchors:
        """The anchors of `world`, made when first asked for."""
        if not world.has(cls):
            world.insert(cls())
        return world.resource(cls)

    @property
    def carriers(self) -> Array:
        """Ids of the carriers that have anchors, ascending."""
        return np.unique(self.carrier)

    @property
    def offsets(self) -> Array:
        """Where the anchors of each of :attr:`carriers` begin, and the end, ``(carriers + 1,)``."""
        return np.append(np.searchsorted(self.carrier, self.carriers), len(self))

    def rows_of(self, carrier: int) -> slice:
        """Rows of the flat arrays that belong to `carrier`."""
        first, past = np.searchsorted(self.carrier, [carrier, carrier + 1])
        return slice(int(first), int(past))

    def put(self, carrier: int, oscillator: npt.ArrayLike, weight: npt.ArrayLike, phase: npt.ArrayLike) -> None:
        """Give `carrier` these anchors instead of those it had."""
        oscillator = np.atleast_1d(np.asarray(oscillator, np.int64))
        rows, count = self.rows_of(carrier), len(oscillator)
        parts = []
        for old, new in (
            (self.carrier, np.full(count, carrier)),
            (self.oscillator, oscillator),
            (self.weight, np.broadcast_to(weight, count)),
            (self.phase, np.broadcast_to(phase, count)),
        ):
            parts.append(np.concatenate([old[: rows.start], new, old[rows.stop :]]))
        self._take(*parts)

    def drop(self, *, carriers: npt.ArrayLike = (), oscillators: npt.ArrayLike = ()) -> None:
        """Forget the anchors of `carriers`, and those that are `oscillators`."""
        gone = np.isin(self.carrier, carriers) | np.isin(self.oscillator, oscillators)
        if gone.any():
            keep = ~gone
            self._take(self.carrier[keep], self.oscillator[keep], self.weight[keep], self.phase[keep])

    def _take(self, carrier: Any, oscillator: Any, weight: Any, phase: Any) -> None:
        self.carrier, self.oscillator = np.asarray(carrier, np.int64), np.asarray(oscillator, np.int64)
        self.weight, self.phase = np.asarray(weight, np.float64), np.asarray(phase, np.float64)
        self.version += 1

    def columns(self) -> dict[str, Array]:
        """The flat arrays by name, as a trajectory keeps them."""
        return {"carrier": self.carrier, "oscillator": self.oscillator, "weight": self.weight, "phase": self.phase}

    def state(self) -> dict[str, Any]:
        """The flat arrays."""
        return {name: column.copy() for name, column in self.columns().items()}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""
        self._take(*(np.asarray(state[name]) for name in ("carrier", "oscillator", "weight", "phase")))
