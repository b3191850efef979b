"""Small worlds of grains for the contact oracles."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium import Simulation, World
from sensorium.components import Particle
from sensorium.engine.device import Device
from sensorium.engine.grid import Box
from sensorium.systems.collision import Collision
from sensorium.systems.contact_hertz import contact_time
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.motion import Motion

__all__ = ["Pair", "grains"]


def grains(
    position: npt.ArrayLike,
    velocity: npt.ArrayLike,
    *,
    dt: float,
    mass: npt.ArrayLike = 1.0,
    radius: npt.ArrayLike = 0.5,
    box: float = 10.0,
    precision: Any = "double",
    **collision: Any,
) -> Simulation:
    """Grains in a cubic box under motion and collision."""
    world = World(device=Device("cpu", precision))
    world.insert(Box((box, box, box), (4, 4, 4)))
    position = np.atleast_2d(position)
    particle = world.create("grains", [Particle], len(position))[Particle]
    particle.position, particle.velocity, particle.mass, particle.radius = position, velocity, mass, radius
    return Simulation(world, [Motion(), Collision(**collision), EnergyLedger()], dt=dt)


class Pair:
    """Two grains about to meet head on along `axis`; their centre of mass may drift.

    Attributes
    ----------
    reduced, effective
        Reduced mass and radius.
    duration
        Contact time of the elastic impact.
    """

    def __init__(
        self,
        speed: float = 1.0,
        *,
        mass: tuple[float, float] = (1.0, 1.0),
        radius: tuple[float, float] = (0.5, 0.5),
        modulus: float = 1000.0,
        steps: float = 50,
        phase: float = 0.3,
        axis: npt.ArrayLike = (1.0, 0.0, 0.0),
        drift: npt.ArrayLike = (0.0, 0.0, 0.0),
        centre: npt.ArrayLike = (5.0, 5.0, 5.0),
        **options: Any,
    ) -> None:
        total = sum(mass)
        self.mass = np.array(mass)
        self.reach = sum(radius)
        self.reduced, self.effective = mass[0] * mass[1] / total, radius[0] * radius[1] / self.reach
        self.speed, self.modulus = speed, modulus
        self.duration = contact_time(self.reduced, self.effective, modulus, speed)
        dt = self.duration / steps
        self.axis = np.array(axis) / np.linalg.norm(axis)
        ends = np.array([[mass[1]], [-mass[0]]]) / total * self.axis
        # the first contact falls `phase` of a step after a step
        apart = self.reach + speed * dt * phase
        position = (np.array(centre) - apart * ends) % options.get("box", 10.0)
        velocity = speed * ends + np.array(drift)
        self.simulation = grains(position, velocity, dt=dt, mass=mass, radius=radius, modulus=modulus, **options)
        self.particle = self.simulation.world.population("grains")[Particle]

    @property
    def approach(self) -> float:
        """Speed of approach; negative after the impact."""
        return float((self.particle.velocity[0] - self.particle.velocity[1]) @ self.axis)

    @property
    def overlap(self) -> float:
        """Overlap; negative when apart."""
        box = self.simulation.world.resource(Box).edges[0]
        apart = np.asarray(self.particle.position[0] - self.particle.position[1], np.float64)
        return float(self.reach - np.linalg.norm(apart - box * np.rint(apart / box)))

    def collide(self) -> Pair:
        """Run until the grains are apart again."""
        self.simulation.step()
        while self.overlap > 0 or self.approach > 0:
            self.simulation.step()
        return self

    @property
    def restitution(self) -> float:
        """Of the impact that is over."""
        return -self.approach / self.speed
