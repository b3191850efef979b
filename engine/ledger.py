"""The energy ledger: every store measured, every flow booked, the first law checked each step."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping
from typing import Any

__all__ = ["Ledger"]


class Ledger:
    """First law of a run: sum(stores) - sum(booked flows) stays what it was.

    Stores are energies that the world holds (kinetic, heat, ...), measured at the end of a step. Channels are
    flows across the border of the world, booked by the system that causes them: positive in, negative out.

    Attributes
    ----------
    stores
        Last measured energy of each store.
    booked
        Energy that came in through each channel since the baseline.
    """

    def __init__(self) -> None:
        self.stores: dict[str, float] = {}
        self.booked: dict[str, float] = {}
        self._carry: dict[str, float] = {}
        self._baseline: float | None = None
        self._scale = 0.0

    def book(self, channel: str, amount: float) -> None:
        """Add `amount` to `channel` (compensated, so that 1e6 small flows lose nothing)."""
        amount = float(amount)
        old = self.booked.get(channel, 0.0)
        new = old + amount
        lost = (old - new) + amount if abs(old) >= abs(amount) else (amount - new) + old
        self.booked[channel] = new
        self._carry[channel] = self._carry.get(channel, 0.0) + lost

    def measure(self, stores: Mapping[str, float], potentials: Collection[str] = ()) -> None:
        """Take the stores at the end of a step; the first measurement is the baseline.

        Stores named in `potentials` are those that forces derive from. Their fall should equal the work that the
        kicks did; a finite step misses that by the error of the integrator. The rise of the potentials is booked
        here as channel ``integrator``, to which the kicks book their work: what remains in the channel is that
        error, computed, not left over.
        """
        for name in potentials:
            if name in self.stores:
                self.book("integrator", stores[name] - self.stores[name])
        self.stores = {name: float(value) for name, value in stores.items()}
        self._scale = max(self._scale, math.fsum(abs(value) for value in self.stores.values()))
        if self._baseline is None:
            self._baseline = self.total - self._inflow()

    def _inflow(self) -> float:
        return math.fsum((*self.booked.values(), *self._carry.values()))

    @property
    def total(self) -> float:
        """Sum of the stores."""
        return math.fsum(self.stores.values())

    @property
    def residual(self) -> float:
        """(total - baseline - booked) relative to the largest energy held so far; 0 before the first measurement."""
        if self._baseline is None or not self._scale:
            return 0.0
        return (self.total - self._baseline - self._inflow()) / self._scale

    def rebase(self) -> None:
        """Start again from the next measurement, after a change from outside the run (columns set by hand)."""
        self.booked, self._carry, self._baseline, self._scale = {}, {}, None, 0.0

    def series(self) -> dict[str, float]:
        """``energy/<store>``, ``energy/total``, ``energy/booked/<channel>``, ``energy/residual``."""
        out = {f"energy/{name}": value for name, value in self.stores.items()}
        out["energy/total"] = self.total
        out |= {f"energy/booked/{name}": value + self._carry[name] for name, value in sorted(self.booked.items())}
        out["energy/residual"] = self.residual
        return out

    def state(self) -> dict[str, Any]:
        """Everything."""
        baseline = {} if self._baseline is None else {"baseline": self._baseline}
        return {
            "stores": dict(self.stores),
            "booked": dict(self.booked),
            "carry": dict(self._carry),
            "scale": self._scale,
            **baseline,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""
        self.stores, self.booked, self._carry = (
            {k: float(v) for k, v in state[part].items()} for part in ("stores", "booked", "carry")
        )
        self._scale = float(state["scale"])
        self._baseline = float(state["baseline"]) if "baseline" in state else None
