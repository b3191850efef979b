"""Idle: what the world does between observations."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from sensorium.components.conditions import IdleMode
from sensorium.engine.system import Parameters, System, param
from sensorium.engine.world import World

__all__ = ["Idle", "IdlePeriod"]

Mode = Literal["awake", "consolidation", "disambiguation", "exploration"]

MODES = {
    "awake": IdleMode(),
    "consolidation": IdleMode("consolidation", noise=0.25),
    "disambiguation": IdleMode("disambiguation", noise=0.5, repulsion=True),
    "exploration": IdleMode("exploration", noise=2.0, threshold=0.5),
}


class IdlePeriod(Parameters):
    """One entry of a schedule: a mode, and how long it lasts [time]."""

    mode: Mode
    time: float = Field(gt=0)


class Idle(System):
    """Idle modes (paper, Section 8.1): one for the whole run, or a schedule that is repeated.

    ``consolidation`` lowers the noise to a quarter, so that what was reinforced settles. ``disambiguation`` halves it
    and lets carriers repel each other. ``exploration`` doubles it and halves the amplitudes at which carriers become
    stable and crystallize. ``awake`` changes nothing. The result is the resource
    :class:`~sensorium.components.conditions.IdleMode`.
    """

    phase = "begin"

    mode: Mode | list[IdlePeriod] = param("consolidation", doc="a mode, or a list of {mode, time}, repeated")

    def attach(self, world: World) -> None:
        """Bring the resource."""
        super().attach(world)
        world.insert(self.present(0.0))

    def present(self, time: float) -> IdleMode:
        """The mode at `time`."""
        if isinstance(self.mode, str):
            return MODES[self.mode]
        whole = sum(period.time for period in self.mode)
        left = time % whole if whole > 0 else 0.0
        for period in self.mode:
            # a rounding error of slack: a period of n steps ends with step n
            if left < period.time * (1 - 1e-12):
                return MODES[period.mode]
            left -= period.time
        return MODES[self.mode[0].mode] if self.mode else MODES["awake"]

    def step(self, dt: float) -> None:
        """Look at the clock."""
        self.world.insert(self.present(self.world.clock.step * dt))

    def observe(self) -> dict[str, float]:
        """``idle/mode``: 0 awake, 1 consolidation, 2 disambiguation, 3 exploration."""
        return {"idle/mode": float(list(MODES).index(self.world.resource(IdleMode).name or "awake"))}
