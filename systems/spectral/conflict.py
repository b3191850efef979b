"""Conflict: how incoherently the oscillators of a carrier drive it (paper, Section 7.5)."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from sensorium.components.carrier import Carrier
from sensorium.components.probe import NO_WRITE
from sensorium.engine.kernel import kernel
from sensorium.engine.math import sqrt
from sensorium.engine.world import World
from sensorium.systems.spectral.probes import policies
from sensorium.systems.spectral.spectrum import Spectrum

__all__ = ["ConflictAverage", "follow_conflict"]


@kernel
def average(i, d_re, d_im, support, share, conflict):
    """Exponential moving average of 1 - |sum T z| / sum T |z|; 0 where nothing drives."""
    full = support[i]
    coherence = sqrt(d_re[i] * d_re[i] + d_im[i] * d_im[i]) / full if full > 0.0 else 1.0
    conflict[i] += share * (max(1.0 - coherence, 0.0) - conflict[i])


@dataclass
class ConflictAverage:
    """The average is one for all systems that look at it; the first of them in a step brings it up to date.

    Attributes
    ----------
    window
        Time constant of the average.
    done
        Last step for which it was computed.
    """

    window: float = 0.1
    done: int = -1

    @classmethod
    def of(cls, world: World) -> ConflictAverage:
        """The average of `world`, made when first asked for."""
        if not world.has(cls):
            world.insert(cls())
        return world.resource(cls)


def follow_conflict(spectrum: Spectrum, dt: float) -> None:
    """Let ``Carrier.conflict`` follow drive and support, once per step; probes that may not write do not count."""
    world = spectrum.world
    conflict = ConflictAverage.of(world)
    if conflict.done == world.clock.step:
        return
    conflict.done = world.clock.step
    share = -math.expm1(-dt / conflict.window)
    spectrum.refresh()
    heard = policies(spectrum) != NO_WRITE
    sums = None if heard.all() else _heard(spectrum, heard)
    for (population, carrier), slot in zip(world.query(Carrier), spectrum.carriers.slots, strict=True):
        if sums is None:
            parts = carrier.drive[:, 0], carrier.drive[:, 1], carrier.support
        else:
            parts = tuple(part[slot] for part in sums)
        average(population, *parts, share, carrier.conflict)


def _heard(spectrum: Spectrum, heard: Any) -> tuple[Any, Any, Any]:
    """(re, im) of the drive, and support, by the oscillators that count, in the order of the carriers."""
    spectrum.take()
    mask = spectrum.device.array(heard, spectrum.device.real)
    heard_waves = spectrum.waves[2:]
    heard_waves[:, : len(mask)] *= mask
    return tuple(spectrum.collect(heard_waves))
