"""A small gas of particles that are oscillators too: the world in which systems are put to the contract."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from sensorium.components import Oscillator, Particle
from sensorium.engine.device import Device
from sensorium.engine.grid import Box
from sensorium.engine.simulation import Simulation
from sensorium.engine.system import System
from sensorium.engine.world import World
from sensorium.systems.energy_ledger import EnergyLedger

__all__ = ["gas"]


def gas(
    systems: Iterable[System],
    *,
    precision: Any = "double",
    device: Any = "cpu",
    count: int | None = None,
    dt: float = 0.01,
    cells: int = 8,
    radius: float = 0.01,
    seed: int = 5,
) -> Simulation:
    """`count` particles (40 unless said) in a unit box, moving, warm and oscillating, under `systems`."""
    count = 40 if count is None else count
    world = World(seed=seed, device=Device(device, precision))
    world.insert(Box((1.0, 1.0, 1.0), (cells, cells, cells)))
    population = world.create("gas", [Particle, Oscillator], count)
    rng = np.random.default_rng(seed)
    particle, oscillator = population[Particle], population[Oscillator]
    particle.position = rng.random((count, 3))
    particle.velocity = rng.normal(size=(count, 3))
    particle.mass = rng.uniform(0.5, 1.5, count) / count
    particle.radius = radius
    particle.heat = rng.uniform(0.5, 1.5, count) / count
    oscillator.frequency = rng.normal(size=count)
    oscillator.phase = rng.uniform(0, 2 * np.pi, count)
    oscillator.energy = rng.uniform(0.5, 1.5, count) / count
    return Simulation(world, [*systems, EnergyLedger()], dt=dt)
