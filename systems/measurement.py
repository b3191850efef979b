"""Measurement: reads the world at intervals and tells what it read."""

from __future__ import annotations

from typing import Literal

from sensorium.components.carrier import Carrier
from sensorium.components.oscillator import Oscillator
from sensorium.engine.system import System, param
from sensorium.systems.inference.measure import Reading, measure

__all__ = ["Measurement"]


class Measurement(System):
    """The hard, soft or spectral measurement as events (paper, Section 6.2).

    Every `every` steps ``measured`` is emitted with place, id, value and probability of each choice, which a
    trajectory keeps in its event log.
    """

    reads = (Oscillator.energy, Carrier.amplitude, Carrier.frequency)
    phase = "end"
    after = ("clamp", "relaxation")

    mode: Literal["hard", "soft", "spectral"] = param("hard", doc="what to read")
    every: int = param(1, ge=1, doc="steps between readings")
    temperature: float = param(0.1, gt=0, unit="energy", doc="of the draw of a soft measurement")

    def step(self, dt: float) -> None:
        """Read, when it is time."""
        if (self.world.clock.step + 1) % self.every == 0:
            reading = self.read()
            values = {"place": reading.place, "value": reading.value, "probability": reading.probability}
            self.world.events.emit("measured", id=reading.id, **values)

    def read(self) -> Reading:
        """Read now."""
        options = {"temperature": self.temperature} if self.mode == "soft" else {}
        return measure(self.world, self.mode, **options)
