"""Contract cases of the systems that act through the grid and through contact."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from case import Case
from gas import gas

from sensorium import Simulation
from sensorium.components import Particle
from sensorium.systems.collision import Collision
from sensorium.systems.gravity import Gravity
from sensorium.systems.motion import Motion
from sensorium.systems.pressure import Pressure
from sensorium.systems.thermal import Thermal


def gravity(**options: Any) -> Simulation:
    return gas([Motion(), Gravity(G=0.1)], **options)


def pressure(**options: Any) -> Simulation:
    return gas([Motion(), Pressure()], cells=4, dt=0.001, **options)


def thermal(**options: Any) -> Simulation:
    return gas([Motion(), Thermal(diffusivity=0.05)], cells=4, **options)


def collision(**options: Any) -> Simulation:
    """Grains on a cubic lattice, each pressed against its neighbours by a hundredth of its radius, and moving."""
    count = options.pop("count", None) or 40
    side = math.ceil(count ** (1 / 3))
    simulation = gas([Motion(), Collision(modulus=50.0)], count=count, radius=0.505 / side, dt=2e-4, **options)
    cells = np.stack(np.unravel_index(np.arange(count), (side,) * 3), axis=1)
    simulation.world.population("gas")[Particle].position = (cells + 0.5) / side
    return simulation


CASES = {
    "gravity": Case(gravity, momentum=1e-12),
    "pressure": Case(pressure, momentum=1e-12),
    "thermal": Case(thermal, momentum=1e-13),
    "collision": Case(collision, momentum=1e-12),
}
