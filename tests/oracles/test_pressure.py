"""Pressure against closed forms: sound, hydrostatics, momentum, and a first law that closes."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sensorium.components import Oscillator, Particle
from sensorium.engine.errors import ScenarioError
from sensorium.engine.grid import Box
from sensorium.engine.kernel_threads import set_threads
from sensorium.engine.simulation import Simulation
from sensorium.engine.world import Constants, World
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.motion import Motion
from sensorium.systems.pressure import Pressure

Array = npt.NDArray[Any]

CUBE = Box((1.0, 1.0, 1.0), (8, 8, 8))
BRICK = Box((2.0, 1.0, 0.5), (20, 7, 6))
FORMS = ["node", "gather"]


def build(
    box: Box,
    position: Array,
    heat: Any,
    mass: Any = 1.0,
    *,
    precision: Any = "double",
    dt: float = 0.01,
    **parameters: Any,
) -> Any:
    """A gas with pressure, motion and ledger, and its particle view."""
    world = World(precision=precision)
    world.insert(box)
    particle = world.create("gas", (Particle,), len(position))[Particle]
    particle.position, particle.heat, particle.mass = position, heat, mass
    return Simulation(world, [Pressure(**parameters), Motion(), EnergyLedger()], dt=dt), particle


def lattice(box: Box, per_cell: tuple[int, int, int]) -> Array:
    """Evenly spaced points, `per_cell` of them along each axis of each cell, off the nodes."""
    counts = tuple(n * p for n, p in zip(box.cells, per_cell))
    index = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    return (index + 0.5) / counts * box.edges


def random_gas(count: int, box: Box, seed: int = 0, filled: float = 1.0) -> tuple[Array, Array, Array]:
    """Positions (in the part `filled` of the box along x), heats and masses."""
    random = np.random.default_rng(seed)
    position = random.random((count, 3)) * box.edges * (filled, 1, 1)
    return position, random.random(count), random.random(count) + 0.2


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("box", [Box((1.0, 1.0, 1.0), (16, 4, 4)), Box((2.0, 0.5, 1.0), (12, 3, 5))], ids=str)
@pytest.mark.parametrize("boltzmann", [1.0, 2.5])
def test_isothermal_sound(form: str, box: Box, boltzmann: float) -> None:
    """w / (c k) = sinc^2(kh/2) sqrt(sin(kh) / (kh)), c^2 = k_B T per unit mass, to .1%.

    Deposit and gather smooth by sinc^2 each, the centred gradient has sin(kh)/h for k. Four particles per cell stand
    for the mean over places in a cell; Verlet with 400 steps per radian adds 3e-7.
    """
    rest = lattice(box, (4, 1, 1))
    k, h = 2 * math.pi / box.edges[0], box.spacing[0]
    temperature, capacity = 1.7, 1.3
    half = k * h / 2
    speed = math.sqrt(boltzmann * temperature)
    expected = speed * k * (math.sin(half) / half) ** 2 * math.sqrt(math.sin(k * h) / (k * h))
    wave = np.sin(k * rest[:, 0])
    position = rest.copy()
    position[:, 0] += 1e-5 * h * wave
    mass = 0.3
    steps, dt = 400, 1.0 / expected / 400
    simulation, particle = build(box, position, temperature * mass * capacity, mass, dt=dt, form=form, work="ignore")
    simulation.world.insert(Constants(boltzmann=boltzmann, specific_heat=capacity))
    simulation.run(steps)
    moved = particle.position[:, 0] - rest[:, 0]
    amplitude = (moved @ wave) / (wave @ wave) / (1e-5 * h)
    assert math.acos(amplitude) / (steps * dt) == pytest.approx(expected, rel=1e-3)


@pytest.mark.parametrize("form", FORMS)
def test_hydrostatic_force_converges_at_second_order(form: str) -> None:
    """F = -m k_B (T grad rho + rho grad T) / rho of smooth rho and T; the cell size enters squared."""
    errors = []
    for n in (8, 16, 32):
        box = Box((1.0, 1.0, 1.0), (n, 2, 2))
        position = lattice(box, (16, 1, 1))
        x = position[:, 0]
        rho, slope = 1 + 0.3 * np.cos(2 * np.pi * x), -0.3 * 2 * np.pi * np.sin(2 * np.pi * x)
        heat, warming = 1 + 0.2 * np.sin(2 * np.pi * x), 0.2 * 2 * np.pi * np.cos(2 * np.pi * x)
        mass = rho / len(x)
        simulation, particle = build(box, position, mass * heat, mass, form=form)
        simulation.prepare()
        expected = -(heat * slope + rho * warming) / rho
        errors.append(np.sqrt(np.mean((particle.force[:, 0] / mass - expected) ** 2)))
        assert np.abs(particle.force[:, 1:]).max() < 1e-12 * np.abs(particle.force).max()
    orders = np.log2(errors[:-1]) - np.log2(errors[1:])
    assert (np.abs(orders - 2) < 0.2).all(), (errors, orders)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("box", [CUBE, BRICK], ids=["cube", "brick"])
def test_no_particle_pushes_itself(form: str, precision: str, box: Box) -> None:
    """Relative to what its heat pushes on one face, Q / h: a cancellation of equal terms."""
    tolerance = 1e-14 if precision == "double" else 1e-6
    for position in np.random.default_rng(0).random((5, 3)) * box.edges:
        simulation, particle = build(box, position[None], 3.0, 0.7, precision=precision, form=form)
        simulation.prepare()
        assert np.abs(particle.force).max() <= tolerance * 3.0 / min(box.spacing)


@pytest.mark.parametrize("filled", [1.0, 0.4])
@pytest.mark.parametrize("count", [20, 200, 5000])
@pytest.mark.parametrize("box", [CUBE, BRICK], ids=["cube", "brick"])
def test_nodes_conserve_momentum(box: Box, count: int, filled: float) -> None:
    """Faces push both ways alike, also at the edge of a vacuum and where a handful of particles is all there is."""
    position, heat, mass = random_gas(count, box, filled=filled)
    simulation, particle = build(box, position, heat, mass)
    simulation.prepare()
    assert np.abs(particle.force.sum(axis=0)).max() <= 1e-15 * np.abs(particle.force).sum()


def test_nodes_conserve_momentum_in_single_precision() -> None:
    position, heat, mass = random_gas(5000, CUBE)
    simulation, particle = build(CUBE, position, heat, mass, precision="single")
    simulation.prepare()
    force = particle.force.astype(float)
    assert np.abs(force.sum(axis=0)).max() <= 1e-7 * np.abs(force).sum()


@pytest.mark.parametrize("form", FORMS)
def test_an_even_gas_is_at_rest(form: str) -> None:
    """Relative to Q / h: nothing but rounding."""
    simulation, particle = build(BRICK, lattice(BRICK, (2, 2, 2)), 1.5, 1.0, form=form)
    simulation.prepare()
    assert np.abs(particle.force).max() < 1e-12 * 1.5 / min(BRICK.spacing)


@pytest.mark.parametrize("form", FORMS)
def test_a_gas_expands_into_vacuum(form: str) -> None:
    box = Box((1.0, 1.0, 1.0), (16, 4, 4))
    position = lattice(box, (2, 2, 2))
    position = position[np.abs(position[:, 0] - 0.5) < 0.3]
    simulation, particle = build(box, position, 1.0, form=form, dt=1e-3)
    simulation.prepare()
    left, right = position[:, 0] < 0.23, position[:, 0] > 0.77
    assert (particle.force[left, 0] < 0).all()
    assert (particle.force[right, 0] > 0).all()
    middle = np.abs(position[:, 0] - 0.5) < 0.1
    assert np.abs(particle.force[middle, 0]).max() < 1e-10 * np.abs(particle.force).max()


# ---- the first law --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("form", FORMS)
def test_work_comes_out_of_heat(form: str) -> None:
    """Pressure alone: kinetic energy and heat add up to what they were, to rounding, for any dt."""
    position, heat, mass = random_gas(2000, CUBE)
    simulation, _ = build(CUBE, position, heat + 1, mass, dt=0.01, form=form)
    simulation.prepare()
    before = simulation.ledger.total
    simulation.run(100)
    stores = simulation.ledger.stores
    assert stores["kinetic"] > 1e-3 * before
    assert simulation.ledger.total == pytest.approx(before, rel=1e-13)
    assert abs(simulation.ledger.residual) < 1e-13
    assert abs(simulation.ledger.booked["integrator"]) < 1e-12 * before
    assert abs(simulation.ledger.booked.get("pressure", 0.0)) < 1e-13 * before


def test_work_that_nobody_pays_is_booked() -> None:
    position, heat, mass = random_gas(2000, CUBE)
    simulation, particle = build(CUBE, position, heat, mass, work="ignore")
    simulation.run(50)
    ledger = simulation.ledger
    np.testing.assert_array_equal(particle.heat, heat)
    assert ledger.booked["pressure"] == pytest.approx(ledger.stores["kinetic"], rel=1e-12)
    assert abs(ledger.residual) < 1e-13


def test_those_around_pay_for_a_particle_without_heat() -> None:
    """A cold particle beside hot ones is pushed at their cost: heat stays >= 0 and energy is conserved."""
    position, heat, mass = random_gas(1000, CUBE)
    heat[::3] = 0.0
    simulation, particle = build(CUBE, position, heat, mass, dt=0.01)
    simulation.prepare()
    before = simulation.ledger.total
    simulation.run(100)
    assert (particle.heat >= 0).all()
    assert simulation.ledger.stores["kinetic"] > 0.01 * before
    assert simulation.ledger.total == pytest.approx(before, rel=1e-12)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_heat_never_goes_below_zero(precision: str) -> None:
    """A gas whose energy is all in its oscillators pushes, and has no heat to pay with: the ledger says so."""
    world = World(precision=precision)
    world.insert(CUBE)
    population = world.create("gas", (Particle, Oscillator), 500)
    particle, oscillator = population[Particle], population[Oscillator]
    position, energy, mass = random_gas(500, CUBE)
    particle.position, particle.mass, oscillator.energy = position, mass, energy
    particle.heat[:100] = 1e-4
    simulation = Simulation(world, [Pressure(), Motion(), EnergyLedger()], dt=0.01)
    simulation.run(50)
    assert (particle.heat >= 0).all()
    assert simulation.ledger.booked["pressure"] > 0
    assert abs(simulation.ledger.residual) < (1e-13 if precision == "double" else 1e-5)


def test_energy_of_oscillators_pushes_like_heat() -> None:
    """T = (Q + E_osc) / (m c_v): only the sum counts."""
    position, heat, mass = random_gas(300, CUBE)
    simulation, hot = build(CUBE, position, heat, mass)
    simulation.prepare()
    world = World()
    world.insert(CUBE)
    population = world.create("gas", (Particle, Oscillator), 300)
    particle = population[Particle]
    particle.position, particle.mass = position, mass
    particle.heat, population[Oscillator].energy = 0.25 * heat, 0.75 * heat
    Simulation(world, [Pressure(), Motion()], dt=0.01).prepare()
    np.testing.assert_allclose(particle.force, hot.force, rtol=0, atol=1e-13 * np.abs(hot.force).max())


def test_several_populations_are_one_gas() -> None:
    position, heat, mass = random_gas(400, CUBE)
    simulation, whole = build(CUBE, position, heat, mass)
    simulation.prepare()
    world = World()
    world.insert(CUBE)
    parts = []
    for name, rows in (("a", slice(0, 150)), ("b", slice(150, 400))):
        part = world.create(name, (Particle,), len(position[rows]))[Particle]
        part.position, part.heat, part.mass = position[rows], heat[rows], mass[rows]
        parts.append(part)
    Simulation(world, [Pressure(), Motion()], dt=0.01).prepare()
    together = np.concatenate([part.force for part in parts])
    np.testing.assert_allclose(together, whole.force, rtol=0, atol=1e-13 * np.abs(whole.force).max())


# ---- bits, restart, parameters --------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("form", FORMS)
def test_same_bits_for_any_threads_and_order(form: str, precision: str) -> None:
    position, heat, mass = random_gas(20_000, CUBE)
    found = []
    random = np.random.default_rng(0)
    for count, order in ((1, np.arange(20_000)), (2, np.arange(20_000)), (2, random.permutation(20_000))):
        set_threads(count)
        simulation, particle = build(
            CUBE, position[order], heat[order] + 1, mass[order], form=form, precision=precision, dt=1e-4
        )
        simulation.run(3)
        back = np.argsort(order)
        found.append((particle.force[back], particle.heat[back], particle.position[back]))
    for columns in found[1:]:
        for column, first in zip(columns, found[0]):
            np.testing.assert_array_equal(column, first)


def test_restart_is_exact() -> None:
    position, heat, mass = random_gas(300, CUBE)
    whole, one = build(CUBE, position, heat, mass)
    whole.run(4)
    state = whole.state()
    whole.run(4)
    again, two = build(CUBE, position, heat, mass)
    again.restore(state)
    again.run(4)
    np.testing.assert_array_equal(one.velocity, two.velocity)
    np.testing.assert_array_equal(one.heat, two.heat)
    assert whole.ledger.stores == again.ledger.stores


def test_the_ledger_closes_over_births_deaths_and_sorting() -> None:
    """The force is kept from one step to the next by id: the kick and the debit of a row always agree."""
    position, heat, mass = random_gas(400, CUBE)
    simulation, particle = build(CUBE, position, heat + 1, mass)
    simulation.run(2)
    population = simulation.world.population("gas")
    held = simulation.ledger.total
    gone = population.rows_of([5, 17])
    leaving = particle.heat[gone].sum() + 0.5 * (mass[[5, 17]] * (particle.velocity[gone] ** 2).sum(axis=1)).sum()
    population.despawn([5, 17])
    population.reorder(np.random.default_rng(0).permutation(population.n))
    population.spawn(3, {Particle.position: (0.1, 0.2, 0.3)})
    simulation.ledger.book("test", -leaving)
    simulation.run(2)
    assert simulation.ledger.total == pytest.approx(held - leaving, rel=1e-13)
    assert abs(simulation.ledger.residual) < 1e-13


def test_pressure_without_a_box_is_refused() -> None:
    world = World()
    world.create("gas", (Particle,), 2)
    with pytest.raises(ScenarioError, match="box"):
        Simulation(world, [Pressure()], dt=0.1).prepare()


@pytest.mark.parametrize("parameters", [{"form": "face"}, {"work": "maybe"}])
def test_parameters_out_of_range_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match=next(iter(parameters))):
        Pressure(**parameters)
