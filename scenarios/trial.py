"""A trial of everything: short runs that launch every kernel, for the static gate (see ``sensorium.engine.ptx``)."""

from __future__ import annotations

import contextlib

import numpy as np

from sensorium.components.carrier import Carrier
from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.engine.component import Component
from sensorium.engine.device import Device, Precision
from sensorium.engine.errors import SensoriumError
from sensorium.engine.grid import Box
from sensorium.engine.simulation import Simulation
from sensorium.engine.system import System
from sensorium.engine.world import World
from sensorium.scenarios.library import packaged
from sensorium.scenarios.loader import build
from sensorium.scenarios.scenario import read_scenario, registry_of

__all__ = ["trial"]

STEPS = 2
ROWS = 64


def trial(precision: Precision) -> None:
    """Two steps of each scenario that runs by name, and two of each other system in a small gas.

    A system that cannot run with its default parameters is left out; the gate names kernels that nothing launched.
    """
    tried: set[type[System]] = set()
    for name in packaged():
        simulation = build(read_scenario(name, {"run.precision": precision, "run.steps": STEPS}), device="cpu")
        tried |= {type(system) for system in simulation.systems}
        simulation.run()
        simulation.series()
    for system in registry_of(()).systems.values():
        if system not in tried:
            with contextlib.suppress(SensoriumError, ValueError):
                simulation = _gas(system(), precision)
                simulation.run(STEPS)
                simulation.series()


def _gas(system: System, precision: Precision) -> Simulation:
    """`system` alone among a few warm particles that are oscillators, and have what else it reads or writes."""
    world = World(seed=1, device=Device("cpu", precision))
    world.insert(Box((1.0, 1.0, 1.0), (8, 8, 8)))
    touched: dict[type[Component], None] = dict.fromkeys([Particle, Oscillator])
    touched |= dict.fromkeys(f.owner for f in (*system.reads, *system.writes, *system.accumulates))
    gas = world.create("gas", [c for c in touched if c is not Carrier], ROWS)
    if Carrier in touched:
        world.create("carriers", [Carrier], 2)
    random = np.random.default_rng(1)
    particle, oscillator = gas[Particle], gas[Oscillator]
    particle.position = random.random((ROWS, 3))
    particle.velocity = random.normal(size=(ROWS, 3))
    particle.radius[:] = 0.1
    particle.heat[:] = 1.0
    oscillator.frequency = random.normal(size=ROWS)
    oscillator.energy[:] = 1.0
    return Simulation(world, [system], dt=1e-4)
