"""Observer: statistics of a selection, as series."""

from __future__ import annotations

from typing import Any, Literal

from sensorium.components.carrier import Carrier
from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.components.probe import Probe
from sensorium.engine.errors import ScenarioError
from sensorium.engine.select import Selection
from sensorium.engine.system import System, param
from sensorium.engine.world import World

__all__ = ["Observer"]

KINDS = {"carrier": Carrier, "oscillator": Oscillator, "particle": Particle}

Condition = str | float | bool | list[str | float] | tuple[float | None, float | None]


class Observer(System):
    """A question that is asked whenever series are written (paper, Section 6).

    ``observer: {of: carrier, where: {state: crystallized}, top: {by: amplitude, count: 10}, quantity: phase}`` gives
    the series ``observer/count``, ``observer/phase/mean``, ``/deviation``, ``/minimum``, ``/maximum`` and ``/total``,
    and ``/order`` for angles; a second observer has a name of its own. Probes are left out unless `probes` asks for
    them.
    """

    phase = "end"

    of: Literal["carrier", "oscillator", "particle"] = param("carrier", doc="component of the rows")
    where: dict[str, Condition] = param({}, doc="conditions by quantity: value, label, list, or [low, high] range")
    top: dict[Literal["by", "count"], str | int] | None = param(None, doc="{by: quantity, count: n}")
    quantity: str | None = param(None, doc="whose statistics; only the count if not given")
    probes: bool = param(False, doc="count probes too")

    def attach(self, world: World) -> None:
        """Check the names."""
        super().attach(world)
        known = Selection(KINDS[self.of], ()).quantities
        asked = [*self.where, *([str(self.top["by"])] if self.top else []), *([self.quantity] if self.quantity else [])]
        for name in asked:
            if name not in known:
                raise ScenarioError(f"{self.instance}: {self.of} has no quantity '{name}' (it has {', '.join(known)})")

    def step(self, dt: float) -> None:
        """Nothing moves: the question is asked when series are written."""

    def selection(self) -> Selection:
        """The rows, now."""
        chosen = self.world.select(KINDS[self.of], include=[Probe] if self.probes else [])
        chosen = chosen.where(**{name: _condition(value) for name, value in self.where.items()})
        if self.top:
            chosen = chosen.top(int(self.top.get("count", 1)), by=str(self.top["by"]))
        return chosen

    def observe(self) -> dict[str, float]:
        """Count and statistics."""
        chosen = self.selection()
        found = {f"{self.instance}/count": float(len(chosen))}
        if self.quantity:
            statistics = vars(chosen.statistics(self.quantity))
            angle = self.quantity in chosen.component.angles
            names = ("mean", "deviation", "minimum", "maximum", "total", *(("order",) if angle else ()))
            found |= {f"{self.instance}/{self.quantity}/{name}": float(statistics[name]) for name in names}
        return found


def _condition(value: Any) -> Any:
    """A list of two bounds, one of which may be none, is a range; other lists are alternatives."""
    if isinstance(value, (list, tuple)) and len(value) == 2 and not any(isinstance(v, str) for v in value):
        return tuple(value)
    return value
