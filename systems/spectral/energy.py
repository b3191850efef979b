"""Energy of carriers: what the ledger counts, and who counts it.

A carrier holds |C|^2, as an oscillator holds |z|^2 = E, and its metabolic reserve M. The oscillators do not pay for
the drive of equation 27, nor are they paid: what changes |C|^2 and M is booked to a channel by the system that does it.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from sensorium.components.carrier import Carrier
from sensorium.engine.population import Population
from sensorium.engine.system import System
from sensorium.engine.world import World

__all__ = ["carrier_energy", "carrier_population", "carrier_stores"]

FIRST_CAPACITY = 64  # the population grows beyond


@dataclass(frozen=True)
class _Reporter:
    """Which system reports the carrier store: several may know it, one must tell."""

    instance: str


def carrier_energy(world: World) -> float:
    """Sum of |C|^2 + M over all carriers [energy], in double precision."""
    total = 0.0
    for population, carrier in world.query(Carrier):
        amplitude = population.device.host(carrier.amplitude).astype(np.float64)
        mass = population.device.host(carrier.mass).astype(np.float64)
        total += float(np.sum(amplitude * amplitude) + np.sum(mass))
    return total


def carrier_stores(system: System) -> dict[str, float]:
    """``{"carrier": energy}`` from the first spectral system that is asked, nothing from the others."""
    world = system.world
    if not world.has(_Reporter):
        world.insert(_Reporter(system.instance))
    return {"carrier": carrier_energy(world)} if world.resource(_Reporter).instance == system.instance else {}


def carrier_population(world: World) -> Population:
    """The population that carriers are born into: the first with a Carrier, made if there is none."""
    found = world.query(Carrier)
    if found:
        return found[0][0]  # type: ignore[no-any-return]
    return world.create("carriers", [Carrier], capacity=FIRST_CAPACITY)
