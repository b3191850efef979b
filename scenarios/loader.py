"""From a scenario to a simulation: populations with their initial values, resources, and systems."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from sensorium.components.carrier import Carrier
from sensorium.components.oscillator import Oscillator
from sensorium.components.particle import Particle
from sensorium.components.token import Token
from sensorium.engine.component import Field
from sensorium.engine.device import Device
from sensorium.engine.errors import ScenarioError
from sensorium.engine.grid import Box
from sensorium.engine.plugins import Registry
from sensorium.engine.simulation import Simulation
from sensorium.engine.system import System
from sensorium.engine.world import World
from sensorium.scenarios.draws import Draws
from sensorium.scenarios.initial import Surroundings
from sensorium.scenarios.lattice import lattice_sites
from sensorium.scenarios.output import CARRIERS
from sensorium.scenarios.populations import PopulationPlan
from sensorium.scenarios.scenario import Scenario, read_scenario

__all__ = ["build", "load"]

CAPACITY = 64
PATH_JITTER = 0.1  # of the lattice spacing: a text is laid out in reading order, not on a crystal

Array = npt.NDArray[Any]


def load(
    source: str | Path | Mapping[str, Any],
    overrides: Mapping[str, Any] | None = None,
    *,
    plugins: Iterable[str | Path] = (),
    device: str = "auto",
    debug: bool = False,
    folder: str | Path | None = None,
    registry: Registry | None = None,
) -> Simulation:
    """Load a scenario and make the simulation that it describes.

    Parameters
    ----------
    source
        A YAML file, the name of a packaged scenario, or a mapping with the same content.
    overrides
        Values by path: ``{"systems.gravity.G": 2.0, "populations.gas.count": 1000}``.
    plugins
        Python files whose systems and components the scenario may name.
    device
        ``"auto"`` takes a GPU when there is one.
    debug
        Enforce declared access.
    folder
        For a mapping, where its relative paths begin.
    registry
        What the scenario may name; discovered unless given.

    Raises
    ------
    InvalidScenario
        With every mistake of the scenario, each at its line and column.

    Examples
    --------
    >>> sim = load("manifold", {"run.steps": 100})  # doctest: +SKIP
    >>> sim.run()  # doctest: +SKIP
    """
    scenario = read_scenario(source, overrides, plugins=plugins, folder=folder, registry=registry)
    return build(scenario, device=device, debug=debug)


def build(scenario: Scenario, *, device: str = "auto", debug: bool = False) -> Simulation:
    """Make the simulation of a checked scenario; the same scenario makes equal simulations."""
    run = scenario.document.run
    world = World(run.seed, run.precision, Device.select(cast(Any, device), run.precision))
    world.insert(scenario.constants)
    if scenario.box is not None:
        world.insert(Box(scenario.box.edges, scenario.box.grid))
    for plan in scenario.populations:
        _populate(world, plan, scenario)
    systems = scenario.make_systems()
    _carriers(world, systems)
    return Simulation(world, systems, dt=run.dt, steps=run.steps, debug=debug, provenance=scenario.provenance)


def _carriers(world: World, systems: Iterable[System]) -> None:
    """An empty population for carriers, when a system deals with them and the scenario makes none."""
    systems = tuple(systems)
    touched = {field.owner for s in systems for field in (*s.reads, *s.writes, *s.accumulates)}
    if Carrier in touched and not world.query(Carrier):
        capacity = max((int(getattr(s, "capacity", 0) or 0) for s in systems), default=0)
        world.create(CARRIERS, (Carrier,), capacity=capacity or CAPACITY)


def _populate(world: World, plan: PopulationPlan, scenario: Scenario) -> None:
    population = world.create(plan.name, plan.components, capacity=max(plan.capacity, plan.count))
    values = _from_tokens(plan, scenario)
    # masses first: velocities may depend on them
    fields = sorted(plan.initial, key=lambda field: field is not Particle.mass)
    for field in fields:
        values[field] = plan.initial[field].fill(_surroundings(field, plan, scenario, values))
    if Particle.position in values and world.has(Box):
        values |= _wrapped(plan.name, values, plan.count, world)
    population.spawn(plan.count, values)
    if Carrier in plan.components and plan.count:
        # the log tells of every birth: births less deaths are the living
        frequency = world.device.host(population[Carrier].frequency).astype(np.float64)
        parent = np.full(plan.count, -1)
        world.events.emit("born", id=world.device.host(population.ids).copy(), frequency=frequency, parent=parent)


def _surroundings(field: Field, plan: PopulationPlan, scenario: Scenario, values: Mapping[Field, Any]) -> Surroundings:
    edges = scenario.box.edges if scenario.box is not None else (1.0, 1.0, 1.0)
    masses = np.broadcast_to(np.asarray(values.get(Particle.mass, Particle.mass.default), float), (plan.count,))
    draws = Draws(scenario.document.run.seed, plan.name, field.path)
    return Surroundings(plan.count, draws, edges, masses, scenario.constants.boltzmann)


def _from_tokens(plan: PopulationPlan, scenario: Scenario) -> dict[Field, Any]:
    """Token, oscillator and position of every byte of a text."""
    tokens, tokenizer = plan.tokens, plan.tokenizer
    if tokens is None or tokenizer is None:
        return {}
    values: dict[Field, Any] = {
        Token.byte: tokens.byte,
        Token.index: tokens.index,
        Oscillator.frequency: tokenizer.frequencies(tokenizer.ids(tokens.byte, tokens.index)),
        Oscillator.phase: tokenizer.phases(tokens.byte, tokens.index),
    }
    if plan.space != "none" and Particle.position not in plan.initial:
        near = _surroundings(Particle.position, plan, scenario, values)
        random = near.draws.uniform((plan.count, 3))
        if plan.space == "random":
            values[Particle.position] = random * np.asarray(near.edges)
        else:
            points, distance = lattice_sites("path", plan.count, near.edges)
            values[Particle.position] = points + PATH_JITTER * distance * (2 * random - 1)
    return values


def _wrapped(name: str, values: Mapping[Field, Any], count: int, world: World) -> dict[Field, Array]:
    """Positions in [0, L) of the working precision, and the image of the box that each came from."""
    edges = np.asarray(world.resource(Box).edges)
    given = np.broadcast_to(np.asarray(values[Particle.position], float), (count, 3))
    image = np.floor(given / edges)
    position = (given - image * edges).astype(world.device.real)
    # rounding may leave a position on the far edge, or just below 0
    position[(position >= edges.astype(world.device.real)) | (position < 0)] = 0
    image = image + np.asarray(values.get(Particle.image, 0))
    farthest = np.abs(image).max(initial=0)
    if farthest > np.iinfo(np.int32).max:
        raise ScenarioError(f"populations.{name}: a position lies {farthest:.3g} boxes away; images count to 2^31")
    return {Particle.position: position, Particle.image: image.astype(np.int32)}
