"""Heat conduction against closed forms: decaying waves, walls of vacuum, and a sum that does not change."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from sensorium.components import Oscillator, Particle
from sensorium.engine.device import Device
from sensorium.engine.errors import PhysicsError, ScenarioError
from sensorium.engine.grid import Box
from sensorium.engine.kernel_threads import set_threads
from sensorium.engine.mesh import Mesh
from sensorium.engine.mesh_heat import HeatFaces, HeatKernel
from sensorium.engine.simulation import Simulation
from sensorium.engine.world import World
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.thermal import Thermal

Array = npt.NDArray[Any]

CUBE = Box((1.0, 1.0, 1.0), (8, 8, 8))
BRICK = Box((2.0, 1.0, 0.5), (15, 8, 6))
SOLVERS = ["spectral", "explicit"]


def build(
    box: Box,
    position: Array,
    heat: Any,
    mass: Any = 1.0,
    *,
    precision: Any = "double",
    dt: float = 1e-3,
    **parameters: Any,
) -> Any:
    """Resting particles that conduct heat, and their view."""
    world = World(precision=precision)
    world.insert(box)
    particle = world.create("gas", (Particle,), len(position))[Particle]
    particle.position, particle.heat, particle.mass = position, heat, mass
    return Simulation(world, [Thermal(**parameters), EnergyLedger()], dt=dt), particle


def nodes(box: Box) -> Array:
    """The positions of all nodes."""
    index = np.meshgrid(*(np.arange(n) for n in box.cells), indexing="ij")
    return np.stack(index, axis=-1).reshape(-1, 3) * box.spacing


def random_gas(count: int, box: Box, filled: float = 1.0) -> tuple[Array, Array, Array]:
    random = np.random.default_rng(0)
    return random.random((count, 3)) * box.edges * (filled, 1, 1), random.random(count), random.random(count) + 0.2


# ---- waves ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("dt", [1e-4, 0.01, 1.0])
@pytest.mark.parametrize("wave", [(1, 0, 0), (0, 2, 1), (3, 1, 2)], ids=str)
@pytest.mark.parametrize("box", [CUBE, BRICK], ids=["cube", "brick"])
@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-12), ("single", 1e-5)])
def test_spectral_wave(precision: str, tolerance: float, box: Box, wave: tuple[int, int, int], dt: float) -> None:
    """exp(-alpha k^2 t), exact for any dt: particles on the nodes, so that nothing is smoothed. Ten steps."""
    position = nodes(box)
    k = 2 * np.pi * np.array(wave) / box.edges
    mode = np.cos(position @ k)
    mass, diffusivity = 0.7, 0.13
    simulation, particle = build(
        box, position, 1 + 0.5 * mode, mass, precision=precision, dt=dt, diffusivity=diffusivity
    )
    simulation.run(10)
    expected = 1 + 0.5 * math.exp(-diffusivity * (k @ k) * 10 * dt) * mode
    np.testing.assert_allclose(particle.heat, expected, rtol=0, atol=tolerance)


@pytest.mark.parametrize("part", [0.2, 1.0])
@pytest.mark.parametrize("wave", [(1, 0, 0), (0, 2, 1), (3, 4, 2)], ids=str)
@pytest.mark.parametrize("box", [CUBE, BRICK], ids=["cube", "brick"])
def test_explicit_wave(box: Box, wave: tuple[int, int, int], part: float) -> None:
    """(1 - alpha dt sum (2 - 2 cos kh) / h^2)^n, up to the limit of stability. Ten steps."""
    position, h = nodes(box), np.array(box.spacing)
    k = 2 * np.pi * np.array(wave) / box.edges
    mode = np.cos(position @ k)
    diffusivity = 0.13
    dt = part / (diffusivity * (2 / h**2).sum())
    simulation, particle = build(box, position, 1 + 0.5 * mode, 0.7, dt=dt, diffusivity=diffusivity, solver="explicit")
    simulation.run(10)
    factor = 1 - diffusivity * dt * ((2 - 2 * np.cos(k * h)) / h**2).sum()
    np.testing.assert_allclose(particle.heat, 1 + 0.5 * factor**10 * mode, rtol=0, atol=1e-12)


def test_explicit_order() -> None:
    """At fixed alpha dt / h^2 the error against exp(-alpha k^2 t) falls as h^2."""
    errors = []
    for n in (8, 16, 32):
        box = Box((1.0, 1.0, 1.0), (n, 1, 1))
        position = nodes(box)
        mode = np.cos(2 * np.pi * position[:, 0])
        steps = n * n // 4
        simulation, particle = build(box, position, 1 + mode, dt=0.1 / n**2, diffusivity=1.0, solver="explicit")
        simulation.run(steps)
        amplitude = (particle.heat @ mode) / (mode @ mode)
        errors.append(abs(amplitude - math.exp(-4 * np.pi**2 * 0.1 / 4)))
    orders = np.log2(errors[:-1]) - np.log2(errors[1:])
    assert (np.abs(orders - 2) < 0.1).all(), (errors, orders)


def test_heat_wave_in_a_random_gas() -> None:
    """64 particles per cell: within 3% of exp(-alpha k^2 t), of which clouds of a cell smooth away 1.3%."""
    for solver in SOLVERS:
        box = Box((1.0, 1.0, 1.0), (16, 4, 4))
        position, _, _ = random_gas(64 * box.nodes, box)
        mode = np.cos(2 * np.pi * position[:, 0])
        simulation, particle = build(box, position, 1 + 0.5 * mode, dt=5e-4, diffusivity=1.0, solver=solver)
        simulation.run(50)
        amplitude = (particle.heat @ mode) / (mode @ mode)
        rate = -math.log(amplitude / 0.5) / (50 * 5e-4)
        assert rate == pytest.approx(4 * np.pi**2, rel=0.04), solver


# ---- vacuum ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("p", [1, 2, 5])
def test_explicit_walls_of_vacuum(p: int) -> None:
    """In a slab of n nodes between vacua, cos(pi p (i + 1/2) / n) decays as an infinite wave does: no flux, 1e-12."""
    box, n, diffusivity, dt = Box((32.0, 2.0, 2.0), (32, 2, 2)), 20, 0.5, 0.1
    position = nodes(box)
    position = position[(position[:, 0] >= 5) & (position[:, 0] < 5 + n)]
    mode = np.cos(np.pi * p * (position[:, 0] - 5 + 0.5) / n)
    simulation, particle = build(box, position, 1 + 0.5 * mode, dt=dt, diffusivity=diffusivity, solver="explicit")
    simulation.run(20)
    factor = 1 - diffusivity * dt * (2 - 2 * math.cos(math.pi * p / n))
    np.testing.assert_allclose(particle.heat, 1 + 0.5 * factor**20 * mode, rtol=0, atol=1e-12)


@pytest.mark.parametrize(("reach", "tolerance"), [(0.3, 0.001), (1.0, 0.003), (2.0, 0.01), (4.0, 0.04)])
def test_spectral_walls_of_vacuum(reach: float, tolerance: float) -> None:
    """The heat kernel feels a wall within its reach, sqrt(2 alpha dt) cells: rates near walls are good to that."""
    box, n = Box((64.0, 2.0, 2.0), (64, 2, 2)), 32
    position = nodes(box)
    position = position[(position[:, 0] >= 7) & (position[:, 0] < 7 + n)]
    mode = np.cos(np.pi * (position[:, 0] - 7 + 0.5) / n)
    dt = reach**2 / 2
    steps = max(1, round(100 / dt))
    simulation, particle = build(box, position, 1 + 0.5 * mode, dt=dt, diffusivity=1.0)
    simulation.run(steps)
    rate = -math.log((particle.heat - 1) @ mode / (mode @ mode) / 0.5) / (steps * dt)
    assert rate == pytest.approx(2 - 2 * math.cos(math.pi / n), rel=tolerance)


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("precision", ["double", "single"])
def test_vacuum_does_not_cool_an_edge(solver: str, precision: str) -> None:
    """A block of even temperature in the void keeps it, whatever its density: to rounding of the working precision."""
    position, _, mass = random_gas(1000, CUBE, filled=0.5)
    dt = 5e-4
    simulation, particle = build(
        CUBE, position, 2.0 * mass, mass, dt=dt, diffusivity=5.0, solver=solver, precision=precision
    )
    simulation.run(10)
    tolerance = 1e-11 if precision == "double" else 2e-3
    np.testing.assert_allclose(particle.heat / particle.mass, 2.0, rtol=0, atol=tolerance)


def test_explicit_heat_does_not_cross_vacuum() -> None:
    box = Box((16.0, 2.0, 2.0), (16, 2, 2))
    position = nodes(box)
    position = position[(position[:, 0] < 4) | ((position[:, 0] >= 6) & (position[:, 0] < 12))]
    heat = np.where(position[:, 0] < 5, 3.0, 1.0)
    simulation, particle = build(box, position, heat, dt=0.1, diffusivity=1.0, solver="explicit")
    simulation.run(20)
    np.testing.assert_allclose(particle.heat, heat, rtol=1e-14)


# ---- conservation ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("filled", [1.0, 0.4])
@pytest.mark.parametrize("count", [5, 300, 5000])
@pytest.mark.parametrize("box", [CUBE, BRICK], ids=["cube", "brick"])
def test_the_sum_of_heat_does_not_change(box: Box, count: int, filled: float, solver: str) -> None:
    position, heat, mass = random_gas(count, box, filled)
    simulation, particle = build(box, position, heat, mass, dt=1e-3, diffusivity=0.5, solver=solver)
    simulation.run(1)
    if count > 5:
        assert np.abs(particle.heat - heat).max() > 1e-3
    assert (particle.heat >= 0).all()
    assert math.fsum(particle.heat) == pytest.approx(math.fsum(heat), rel=1e-14)
    simulation.run(20)
    assert abs(simulation.ledger.residual) < 1e-14


@pytest.mark.parametrize("solver", [HeatKernel, HeatFaces])
@pytest.mark.parametrize("medium", ["even", "uneven", "holes"])
def test_nodes_exchange_what_they_lose(solver: Any, medium: str) -> None:
    """Sum of dU over the nodes: 0 to rounding of the transforms; and temperatures stay between their extremes."""
    random = np.random.default_rng(0)
    mesh = Mesh(Box((1.0, 1.0, 1.0), (12, 9, 10)), Device())
    density = np.ones(mesh.box.cells)
    if medium != "even":
        density = np.exp(random.normal(size=mesh.box.cells))
    if medium == "holes":
        density[random.random(mesh.box.cells) < 0.3] = 0
    e = random.random(mesh.box.cells)
    change = mesh.grid()
    diffusivity, dt = 1.0, 1 / (2 * sum(1 / h**2 for h in mesh.box.spacing))
    solver(mesh, diffusivity).change(density * e, density, dt, change)
    gained = density * change
    assert abs(math.fsum(gained.ravel())) < 1e-15 * np.abs(gained).sum() * 10
    after = (e + change)[density > 0]
    margin = 0.05 if solver is HeatKernel else 1e-14  # the kernel's balance is a mean of the neighbours to 5%
    spread = e.max() - e.min()
    assert after.min() > e.min() - margin * spread
    assert after.max() < e.max() + margin * spread


def test_the_change_returns_in_the_shares_of_mass() -> None:
    """dQ_i = sum_c (m_i W_ic / m_c) dU_c, recomputed with numpy."""
    box = CUBE
    position, heat, mass = random_gas(4000, box)
    simulation, particle = build(box, position, heat + 1, mass, dt=1e-3, diffusivity=0.5, solver="explicit")
    system = simulation.system("thermal")
    simulation.run(1)
    s = position / box.spacing
    low = np.floor(s).astype(int)
    pairs = []
    for corner in np.ndindex(2, 2, 2):
        weight = np.where(corner, s - low, 1 - s + low).prod(axis=1)
        pairs.append((np.ravel_multi_index(tuple(((low + corner) % box.cells).T), box.cells), weight))
    held, energy = np.zeros(box.nodes), np.zeros(box.nodes)
    for node, weight in pairs:
        np.add.at(held, node, mass * weight)
        np.add.at(energy, node, (heat + 1) * weight)
    lost = system._change.ravel() * held  # dU of the nodes as the system found it
    expected = sum(mass * weight / held[node] * lost[node] for node, weight in pairs)
    np.testing.assert_allclose(particle.heat - heat - 1, expected, rtol=0, atol=1e-13)
    # and that dU is the flow through faces of the temperatures of the nodes
    e, r = (energy / held).reshape(box.cells), held.reshape(box.cells)
    flow = np.zeros(box.cells)
    for axis, h in enumerate(box.spacing):
        for step in (-1, 1):
            near, other = np.roll(e, step, axis), np.roll(r, step, axis)
            flow += 0.5 * 1e-3 / h**2 * 2 * r * other / (r + other) * (near - e)
    np.testing.assert_allclose(lost.reshape(box.cells), flow, rtol=0, atol=1e-13)


@pytest.mark.parametrize("solver", SOLVERS)
def test_heat_that_is_not_there_does_not_flow(solver: str) -> None:
    """Energy of oscillators makes temperature, but only heat conducts: Q stays >= 0, the sum stays."""
    world = World()
    world.insert(CUBE)
    population = world.create("gas", (Particle, Oscillator), 400)
    position, energy, mass = random_gas(400, CUBE)
    particle = population[Particle]
    particle.position, particle.mass, population[Oscillator].energy = position, mass, energy
    particle.heat = np.where(np.arange(400) % 3 == 0, 0.01, 0.0)
    simulation = Simulation(world, [Thermal(diffusivity=1.0, solver=solver), EnergyLedger()], dt=1e-3)
    simulation.prepare()
    before = math.fsum(particle.heat)
    simulation.run(20)
    assert (particle.heat >= 0).all()
    assert math.fsum(particle.heat) == pytest.approx(before, rel=1e-12)
    np.testing.assert_array_equal(population[Oscillator].energy, energy)


def test_no_heat_at_all_stays_none() -> None:
    world = World()
    world.insert(CUBE)
    population = world.create("gas", (Particle, Oscillator), 50)
    position, energy, _ = random_gas(50, CUBE)
    population[Particle].position, population[Oscillator].energy = position, energy
    Simulation(world, [Thermal(diffusivity=1.0)], dt=1e-3).run(3)
    assert not population[Particle].heat.any()


# ---- limits, bits, parameters ---------------------------------------------------------------------------------------


def test_an_unstable_explicit_step_is_refused_with_the_number() -> None:
    box = Box((1.0, 1.0, 1.0), (8, 8, 8))
    limit = 1 / (6 * 64 * 0.5)
    simulation, _ = build(box, nodes(box), 1.0, dt=1.01 * limit, diffusivity=0.5, solver="explicit")
    with pytest.raises(PhysicsError, match=r"alpha dt / h\^2 = 0\.1683 > 1/6"):
        simulation.prepare()
    build(box, nodes(box), 1.0, dt=limit, diffusivity=0.5, solver="explicit")[0].prepare()
    build(box, nodes(box), 1.0, dt=100 * limit, diffusivity=0.5)[0].prepare()


@pytest.mark.parametrize("solver", SOLVERS)
@pytest.mark.parametrize("precision", ["double", "single"])
def test_same_bits_for_any_threads_and_order(precision: str, solver: str) -> None:
    position, heat, mass = random_gas(20_000, CUBE)
    found = []
    random = np.random.default_rng(0)
    for count, order in ((1, np.arange(20_000)), (2, np.arange(20_000)), (2, random.permutation(20_000))):
        set_threads(count)
        simulation, particle = build(
            CUBE, position[order], heat[order], mass[order], precision=precision, diffusivity=0.5, solver=solver
        )
        simulation.run(2)
        found.append(particle.heat[np.argsort(order)])
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_thermal_without_a_box_is_refused() -> None:
    world = World()
    world.create("gas", (Particle,), 2)
    with pytest.raises(ScenarioError, match="box"):
        Simulation(world, [Thermal()], dt=0.1).prepare()


@pytest.mark.parametrize("parameters", [{"diffusivity": -0.1}, {"solver": "implicit"}])
def test_parameters_out_of_range_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match=next(iter(parameters))):
        Thermal(**parameters)
