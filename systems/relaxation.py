"""Relaxation: an annealed noise, a finish without noise, and a stop where nothing moves any more."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import Field

from sensorium.components.carrier import Carrier
from sensorium.components.conditions import Annealing
from sensorium.components.oscillator import Oscillator
from sensorium.engine.system import Parameters, System, param
from sensorium.engine.world import World
from sensorium.systems.spectral.residual import residual_gradient
from sensorium.systems.spectral.spectrum import Spectrum

__all__ = ["Anneal", "Relaxation"]


class Anneal(Parameters):
    """Noise temperatures at the beginning and at the end, and how many steps lie between."""

    start: float = Field(0.1, alias="from", ge=0)
    to: float = Field(0.0, ge=0)
    steps: int = Field(100, ge=0)


class Relaxation(System):
    """Solves grad V = 0 under what is clamped (paper, equations 22 and 23), from the first step of the run on.

    The noise temperature of the spectral layer goes down from ``from`` to ``to``, in equal factors (in equal parts
    where ``to`` is 0), in ``steps`` steps; after that there is no noise. Then, as soon as the residual gradient is
    below `residual`, ``relaxed`` is emitted with the number of steps and the residual, and the run stops if `stop`
    says so. The gradient is that of the potential (25): use it in the rotating frame or at frequency 0.
    """

    reads = (
        Oscillator.frequency,
        Oscillator.phase,
        Oscillator.energy,
        Carrier.amplitude,
        Carrier.frequency,
        Carrier.gate_width,
        Carrier.state,
    )
    phase = ("begin", "end")
    after = ("clamp",)

    anneal: Anneal = param(Anneal.model_validate({}), doc="noise temperature: {from, to, steps}")
    residual: float = param(1e-6, ge=0, doc="residual gradient at which the world is relaxed")
    stop: bool = param(True, doc="stop the run when relaxed")

    def attach(self, world: World) -> None:
        """Bring the annealing."""
        super().attach(world)
        self._spectrum = Spectrum.of(world)
        self._first: int | None = None
        self._relaxed_after: int | None = None
        self._last = 1.0
        world.insert(Annealing(self.temperature(0)))

    def temperature(self, step: int) -> float:
        """Noise temperature `step` steps after the first."""
        high, low = self.anneal.start, self.anneal.to
        if step >= self.anneal.steps:
            return 0.0
        done = step / self.anneal.steps
        return high * (low / high) ** done if low > 0 and high > 0 else high + (low - high) * done

    @property
    def relaxed_after(self) -> int | None:
        """Steps that it took; None while it has not relaxed."""
        return self._relaxed_after

    @property
    def last_residual(self) -> float:
        """The residual gradient when last looked at."""
        return self._last

    def begin(self, dt: float) -> None:
        """Set the noise."""
        if self._first is None:
            self._first = self.world.clock.step
        self.world.insert(Annealing(self.temperature(self.world.clock.step - self._first)))

    def end(self, dt: float) -> None:
        """Look at the gradient, once there is no noise."""
        taken = self.world.clock.step + 1 - (self._first or 0)
        if self._relaxed_after is not None or self.temperature(taken - 1) > 0:
            return
        self._last = residual_gradient(self._spectrum)
        if self._last <= self.residual:
            self._relaxed_after = taken
            self.world.events.emit("relaxed", steps=taken, residual=self._last)
            if self.stop:
                self.world.events.emit("stop", system=self.instance)

    def observe(self) -> dict[str, float]:
        """``relaxation/{temperature,residual}``."""
        temperature = self.world.resource(Annealing).temperature
        return {"relaxation/temperature": float(temperature or 0.0), "relaxation/residual": self._last}

    def state(self) -> dict[str, Any]:
        """The first step, and what has been found."""
        none = -1
        return {
            "first": none if self._first is None else self._first,
            "relaxed_after": none if self._relaxed_after is None else self._relaxed_after,
            "last": self._last,
        }

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""
        first, after = int(state["first"]), int(state["relaxed_after"])
        self._first = None if first < 0 else first
        self._relaxed_after = None if after < 0 else after
        self._last = float(state["last"])
