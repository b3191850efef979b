"""Statistics: mean and variance of the energy of oscillators, to which adaptive rates scale."""

from __future__ import annotations

from sensorium.components.conditions import EnergyStatistics
from sensorium.components.energies import sum_of
from sensorium.components.oscillator import Oscillator
from sensorium.engine.kernel import device
from sensorium.engine.reduce import Sum
from sensorium.engine.system import System, param
from sensorium.engine.world import World

__all__ = ["Statistics"]


@device
def squared_distance(i, column, centre):
    """Term of the variance."""
    away = column[i] - centre
    return away * away


sum_squared_distance = Sum(squared_distance)


class Statistics(System):
    """Energy statistics for adaptive thermodynamics (paper, Section 8.2).

    The result is the resource :class:`~sensorium.components.conditions.EnergyStatistics`. Where it is there, carrier
    coupling scales its decay with the mean energy and its noise with the root mean square, and metabolism its cost
    with the mean: a world without energy neither decays nor fluctuates.
    """

    reads = (Oscillator.energy,)
    phase = "begin"
    after = ("clamp",)

    reference: float = param(1.0, gt=0, unit="energy", doc="mean energy at which rates have their nominal values")

    def attach(self, world: World) -> None:
        """Bring the resource, so that a restore finds it."""
        super().attach(world)
        world.insert(EnergyStatistics(reference=self.reference))

    def setup(self) -> None:
        """Know the energies before the first step."""
        self.step(0.0)

    def step(self, dt: float) -> None:
        """Measure."""
        rows = self.query(Oscillator)
        count = sum(population.n for population, _ in rows)
        statistics = self.world.resource(EnergyStatistics)
        statistics.mean = sum(sum_of(p, view.energy) for p, view in rows) / max(count, 1)
        spread = sum(sum_squared_distance(p, view.energy, statistics.mean) for p, view in rows)
        statistics.variance = spread / max(count, 1)

    def observe(self) -> dict[str, float]:
        """``statistics/mean`` and ``statistics/variance`` of the energy at the beginning of the last step."""
        statistics = self.world.resource(EnergyStatistics)
        return {"statistics/mean": statistics.mean, "statistics/variance": statistics.variance}
