"""A trial of everything: short runs that launch every kernel, for the static gate (see ``sensorium.engine.ptx``)."""

from __future__ import annotations

import types
import typing
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Literal, Union

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

__all__ = ["trial", "variants"]

STEPS = 2
SIDE = 4  # of a cube of particles


def trial(precision: Precision) -> list[str]:
    """Two steps of each scenario that runs by name, and of each registered system in a small gas.

    Returns
    -------
    list of str
        One sentence for each system that could not run so; the gate names the kernels that nothing launched.
    """
    left_out = []
    for what, simulation in _simulations(precision):
        try:
            made = simulation()
            made.run(STEPS)
            made.series()
        except (SensoriumError, ValueError) as error:
            left_out.append(f"{what} in {precision} precision: {error}")
    return left_out


def _simulations(precision: Precision) -> Iterator[tuple[str, Callable[[], Simulation]]]:
    """What each is, and what makes it."""
    for name in packaged():
        scenario = {"run.precision": precision, "run.steps": STEPS}
        yield f"scenario {name}", partial(_scenario, name, scenario)
    for name, system in registry_of(()).systems.items():
        for parameters in variants(system):
            yield f"system {name} {parameters or ''}", partial(_gas, system, parameters, precision)


def _scenario(name: str, overrides: dict[str, Any]) -> Simulation:
    """The packaged scenario `name`, shortened."""
    return build(read_scenario(name, overrides), device="cpu")


def variants(system: type[System]) -> Iterator[dict[str, Any]]:
    """The default parameters, then every other word or truth value that one parameter can take."""
    yield {}
    for name, field in system.parameters().model_fields.items():
        for value in _choices(field.annotation):
            if value != field.default:
                yield {field.alias or name: value}


def _choices(annotation: Any) -> tuple[Any, ...]:
    """The values of a type that has few."""
    if annotation is bool:
        return (False, True)
    if typing.get_origin(annotation) is Literal:
        return typing.get_args(annotation)
    if typing.get_origin(annotation) in (Union, types.UnionType):
        return tuple(value for member in typing.get_args(annotation) for value in _choices(member))
    return ()


def _gas(kind: type[System], parameters: dict[str, Any], precision: Precision) -> Simulation:
    """A system of `kind` alone among a few warm, touching particles that oscillate, and have what else it asks for."""
    system = kind(**parameters)
    world = World(seed=1, device=Device("cpu", precision))
    world.insert(Box((1.0, 1.0, 1.0), (8, 8, 8)))
    touched: dict[type[Component], None] = dict.fromkeys([Particle, Oscillator])
    touched |= dict.fromkeys(f.owner for f in (*system.reads, *system.writes, *system.accumulates))
    gas = world.create("gas", [c for c in touched if c is not Carrier], SIDE**3)
    if Carrier in touched:
        world.create("carriers", [Carrier], 2)
    random = np.random.default_rng(1)
    particle, oscillator = gas[Particle], gas[Oscillator]
    sites = np.stack(np.unravel_index(np.arange(SIDE**3), (SIDE,) * 3), axis=1)
    particle.position = (sites + 0.5) / SIDE
    particle.velocity = random.normal(size=(SIDE**3, 3))
    particle.radius = 0.505 / SIDE
    particle.heat = 1.0
    oscillator.frequency = random.normal(size=SIDE**3)
    oscillator.energy = 1.0
    return Simulation(world, [system], dt=1e-4)
