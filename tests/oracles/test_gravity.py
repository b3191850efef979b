"""Gravity against closed forms: plane waves, relaxation factors, Ewald sums, the Jeans instability."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from scipy.special import erfc

from sensorium.components import Particle
from sensorium.engine.device import Device
from sensorium.engine.errors import ScenarioError
from sensorium.engine.grid import Box
from sensorium.engine.kernel_threads import set_threads
from sensorium.engine.mesh import Mesh, Source
from sensorium.engine.mesh_gradient import Differences, SpectralGradient
from sensorium.engine.mesh_multigrid import MultigridPoisson, coarsened
from sensorium.engine.mesh_poisson import FourierPoisson
from sensorium.engine.mesh_relaxation import JacobiPoisson, NotConvergedError, Relaxation, wave_factor
from sensorium.engine.mesh_slope import Slopes
from sensorium.engine.simulation import Simulation
from sensorium.engine.world import Constants, World
from sensorium.systems.gravity import Gravity
from sensorium.systems.motion import Motion

Array = npt.NDArray[Any]

CUBE = Box((1.0, 1.0, 1.0), (16, 16, 16))
BRICK = Box((2.0, 1.0, 1.5), (24, 10, 15))
WAVES = [(1, 0, 0), (0, 2, 1), (3, 1, 2), (0, 0, 5)]


def phases(box: Box, wave: tuple[int, int, int]) -> Array:
    """2 pi (periods along each edge) . (node / count), at every node."""
    i, j, k = np.meshgrid(*(np.arange(count) / count for count in box.cells), indexing="ij")
    return 2 * np.pi * (wave[0] * i + wave[1] * j + wave[2] * k)


def squared(box: Box, wave: tuple[int, int, int], laplacian: str) -> float:
    """Minus the Laplacian of the wave: k^2, or (2 - 2 cos k h) / h^2."""
    numbers = [2 * np.pi * m / edge for m, edge in zip(wave, box.edges)]
    if laplacian == "spectral":
        return sum(k**2 for k in numbers)
    return sum((2 - 2 * np.cos(k * h)) / h**2 for k, h in zip(numbers, box.spacing))


def build(
    box: Box, position: Array, mass: Any, *, precision: str = "double", dt: float = 0.1, **parameters: Any
) -> Any:
    """A simulation of gravity and motion over one population, and its particle view."""
    world = World(precision=precision)
    world.insert(box)
    population = world.create("stars", (Particle,), len(position))
    particle = population[Particle]
    particle.position, particle.mass = position, mass
    return Simulation(world, [Gravity(**parameters), Motion()], dt=dt), particle


# ---- plane waves ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("wave", WAVES, ids=str)
@pytest.mark.parametrize("box", [CUBE, BRICK], ids=["cube", "brick"])
@pytest.mark.parametrize("laplacian", ["spectral", "seven_point"])
@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-12), ("single", 3e-6)])
def test_plane_wave(laplacian: str, box: Box, wave: tuple[int, int, int], precision: Any, tolerance: float) -> None:
    """phi = -4 pi G cos(kx) / k^2; the transforms are exact to a few roundings of the working precision."""
    mesh = Mesh(box, Device("cpu", precision))
    density = (3.0 + np.cos(phases(box, wave))).astype(mesh.device.real)
    potential = mesh.grid()
    FourierPoisson(mesh, laplacian).solve(density, 4 * math.pi, potential)
    expected = -4 * math.pi * np.cos(phases(box, wave)) / squared(box, wave, laplacian)
    np.testing.assert_allclose(potential, expected, rtol=0, atol=tolerance * np.abs(expected).max())


@pytest.mark.parametrize("wave", WAVES, ids=str)
@pytest.mark.parametrize("stencil", ["centred", "four_point", "spectral"])
def test_gradient_of_a_plane_wave(stencil: str, wave: tuple[int, int, int]) -> None:
    """The symbols: sin(kh)/h, (8 sin(kh) - sin(2kh))/6h, and k."""
    mesh = Mesh(BRICK, Device())
    field, out = np.sin(phases(BRICK, wave)), mesh.vectors()
    if stencil == "spectral":
        spectrum = mesh.fourier.forward(field / mesh.fourier.size)
        SpectralGradient(mesh)(spectrum, out)
    else:
        Differences(mesh, stencil)(field, out)
    for axis in range(3):
        h = BRICK.spacing[axis]
        k = 2 * np.pi * wave[axis] / BRICK.edges[axis]
        symbol = {
            "centred": math.sin(k * h) / h,
            "four_point": (8 * math.sin(k * h) - math.sin(2 * k * h)) / (6 * h),
            "spectral": k,
        }[stencil]
        expected = symbol * np.cos(phases(BRICK, wave))
        np.testing.assert_allclose(out[..., axis], expected, rtol=0, atol=1e-12 * (1 + abs(symbol)))


@pytest.mark.parametrize("cells", [(1, 1, 8), (2, 3, 4), (4, 2, 1), (3, 5, 2)], ids=str)
def test_differences_on_the_smallest_grids(cells: tuple[int, int, int]) -> None:
    """Rings of one to five nodes, whose neighbours are each other or themselves, against numpy.roll."""
    mesh = Mesh(Box((1.0, 1.0, 1.0), cells), Device())
    field, out = np.random.default_rng(0).random(cells), mesh.vectors()
    Differences(mesh, "four_point")(field, out)
    for axis, count in enumerate(cells):
        near = np.roll(field, -1, axis) - np.roll(field, 1, axis)
        far = np.roll(field, -2, axis) - np.roll(field, 2, axis)
        np.testing.assert_allclose(out[..., axis], (8 * near - far) * count / 12, rtol=0, atol=1e-13)


@pytest.mark.parametrize("cells", [(8, 9, 16), (1, 1, 8), (2, 3, 4), (4, 2, 1), (3, 5, 2)], ids=str)
@pytest.mark.parametrize("stencil", ["centred", "four_point"])
def test_slopes_are_gathered_differences(stencil: str, cells: tuple[int, int, int]) -> None:
    """At particles inside and outside of the box, on its edge, and in more than one batch of them."""
    world = World()
    world.insert(Box((1.0, 0.5, 2.0), cells))
    gas = world.create("gas", (Particle,), 200)
    random = np.random.default_rng(0)
    gas[Particle].position = random.uniform(-2, 4, (200, 3))
    gas[Particle].position[:3] = [(0, 0, 0), (1, 0.5, 2), (1 - 1e-16, 0, 2)]
    gas[Particle].mass = random.random(200) + 0.5
    mesh, field = Mesh.of(world), random.random(cells)
    source = Source(gas, gas[Particle].position, gas[Particle].mass)
    vectors = mesh.vectors()
    Differences(mesh, stencil)(field, vectors)
    mesh.gather_vector(source, vectors, gas[Particle].force)
    expected = gas[Particle].force.copy()
    gas[Particle].force[...] = 1.0
    slopes = Slopes(mesh, stencil)
    slopes.read(field)
    slopes.gather(source, gas[Particle].force)
    np.testing.assert_allclose(gas[Particle].force - 1.0, expected, rtol=0, atol=1e-13 * np.abs(expected).max() + 1e-13)


# ---- relaxation -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("weight", [1.0, 2 / 3])
@pytest.mark.parametrize("box", [CUBE, BRICK], ids=["cube", "brick"])
@pytest.mark.parametrize("wave", [*WAVES, (8, 5, 7)], ids=str)
def test_jacobi_factor(weight: float, box: Box, wave: tuple[int, int, int]) -> None:
    """One sweep without source multiplies a wave by (sum of 2 cos k h) / 6 on a cube, weighted: 1 - w + w that."""
    mesh = Mesh(box, Device())
    field, out = np.cos(phases(box, wave)), mesh.grid()
    Relaxation(mesh).sweep(out, field, mesh.grid(), 1.0, 0.0, weight)
    factor = wave_factor(box, wave, weight)
    if box is CUBE:
        plain = sum(2 * math.cos(2 * math.pi * m / 16) for m in wave) / 6
        assert factor == pytest.approx(1 - weight + weight * plain, abs=1e-14)
    np.testing.assert_allclose(out, factor * field, rtol=0, atol=1e-10)


def test_weighted_jacobi_damps_the_checkerboard_that_plain_jacobi_keeps() -> None:
    assert wave_factor(CUBE, (8, 8, 8), 1.0) == pytest.approx(-1.0)
    assert wave_factor(CUBE, (8, 8, 8)) == pytest.approx(-1 / 3)


def test_fifty_cold_sweeps_leave_most_of_the_longest_wave() -> None:
    """Why the solver says how many it took: 50 sweeps on 32^3 leave 81% of the longest wave, plain ones 72.5%."""
    box = Box((1.0, 1.0, 1.0), (32, 32, 32))
    left = wave_factor(box, (1, 0, 0)) ** 50
    plain = wave_factor(box, (1, 0, 0), 1.0) ** 50
    assert left == pytest.approx(0.807, abs=1e-3)
    assert plain == pytest.approx(0.725, abs=1e-3)


@pytest.mark.parametrize("solver", [JacobiPoisson, MultigridPoisson])
@pytest.mark.parametrize(
    "box",
    [CUBE, BRICK, Box((1, 1, 1), (16, 8, 32)), Box((1, 1, 1), (1, 8, 8)), Box((4, 1, 1), (16, 16, 16))],
    ids=str,
)
def test_iterative_solvers_reach_the_direct_solution(solver: Any, box: Box) -> None:
    mesh = Mesh(box, Device())
    density = np.random.default_rng(0).random(box.cells)
    direct, potential = mesh.grid(), mesh.grid()
    FourierPoisson(mesh, "seven_point").solve(density, 2.0, direct)
    iterative = solver(mesh, 1e-10)
    iterative.solve(density, 2.0, potential)
    assert iterative.residual <= 1e-10
    # the residual is 1e-10 of the source; a long wave's potential is off by up to 1 / (k h)^2 times that
    np.testing.assert_allclose(potential, direct, rtol=0, atol=3e-8 * np.abs(direct).max())
    assert potential.mean() == pytest.approx(0.0, abs=1e-15)


def test_a_warm_start_takes_fewer_sweeps() -> None:
    mesh = Mesh(CUBE, Device())
    density = np.random.default_rng(0).random(CUBE.cells)
    solver, potential = JacobiPoisson(mesh, 1e-6), mesh.grid()
    solver.solve(density, 1.0, potential)
    cold = solver.sweeps
    solver.solve(density, 1.0, potential)
    assert solver.sweeps == 0
    solver.solve(density + 1e-4 * np.random.default_rng(1).random(CUBE.cells), 1.0, potential)
    assert 0 < solver.sweeps < cold / 2


@pytest.mark.parametrize("solver", [JacobiPoisson, MultigridPoisson])
def test_single_precision_stops_where_rounding_does(solver: Any) -> None:
    mesh = Mesh(CUBE, Device("cpu", "single"))
    density = np.random.default_rng(0).random(CUBE.cells).astype(np.float32)
    iterative, potential = solver(mesh, 1e-12), mesh.grid()
    iterative.solve(density, 1.0, potential)
    assert iterative.residual <= iterative.tolerance < 1e-3


def test_an_even_density_has_no_potential() -> None:
    mesh = Mesh(CUBE, Device())
    for solver in (JacobiPoisson(mesh, 1e-6), MultigridPoisson(mesh, 1e-6)):
        potential = mesh.grid()
        solver.solve(np.full(CUBE.cells, 3.0), 1.0, potential)
        assert not potential.any()


def test_a_solver_that_does_not_converge_says_so() -> None:
    mesh = Mesh(CUBE, Device())
    solver = JacobiPoisson(mesh, 1e-6)
    solver.tolerance = 1e-30
    with pytest.raises(NotConvergedError, match="residual"):
        solver.solve(np.random.default_rng(0).random(CUBE.cells), 1.0, mesh.grid())


def test_long_cells_are_halved_into_cubes_first() -> None:
    assert coarsened(Box((1.0, 1.0, 1.0), (64, 32, 16))) == (2, 1, 1)
    assert coarsened(Box((1.0, 1.0, 1.0), (64, 64, 64))) == (2, 2, 2)
    assert coarsened(Box((1.0, 1.0, 1.0), (63, 64, 64))) == (1, 1, 1)


# ---- forces ---------------------------------------------------------------------------------------------------------


def ewald(position: Array, mass: Array) -> Array:
    """Accelerations of point masses in the periodic unit cube over a uniform background, G = 1, to 1e-9.

    Ewald's sum with erfc range 1/6: real-space images one box away, waves up to 9 periods.
    """
    split = 6.0
    images = np.array(list(np.ndindex(3, 3, 3))) - 1.0
    found = np.zeros_like(position)
    for i, here in enumerate(position):
        apart = position - here
        apart -= np.round(apart)
        apart = apart[:, None, :] + images
        r = np.linalg.norm(apart, axis=2)
        r[i, 13] = np.inf  # the particle itself
        pull = erfc(split * r) / r**3 + 2 * split / math.sqrt(math.pi) * np.exp(-((split * r) ** 2)) / r**2
        found[i] = (mass[:, None, None] * pull[..., None] * np.where(np.isfinite(apart), apart, 0)).sum(axis=(0, 1))
    waves = np.array([w for w in np.ndindex(19, 19, 19) if w != (9, 9, 9)]) - 9.0
    k = 2 * np.pi * waves[(waves**2).sum(axis=1) <= 81]
    k2 = (k**2).sum(axis=1)
    phase = np.exp(1j * position @ k.T)
    potential = 4 * math.pi * np.exp(-k2 / (4 * split**2)) / k2 * (mass[:, None] * phase.conj()).sum(axis=0)
    return found + np.real((1j * phase * potential) @ k)


def test_ewald_reference_is_the_wigner_lattice() -> None:
    """The oracle's own oracle: no force at the centre of a cubic lattice, and F = -(4 pi / 3) rho x beside a mass."""
    pair = np.array([[0.25, 0.5, 0.5], [0.75, 0.5, 0.5]])
    np.testing.assert_allclose(ewald(pair, np.ones(2)), 0, atol=1e-9)
    # close to a mass m in a background of density -m: pull 1/r^2 less that of the background sphere inside; what is
    # left is the cubic harmonic of order four, about 12 r^3
    r = 0.01
    pull = ewald(np.array([[0.5, 0.5, 0.5], [0.5 + r, 0.5, 0.5]]), np.array([1.0, 1e-12]))[1, 0]
    assert pull + 1 / r**2 == pytest.approx(4 * math.pi / 3 * r, rel=1e-3)


def scattered(count: int, apart: float, seed: int) -> Array:
    """Random points of the unit cube, each at least `apart` from the others."""
    random, found = np.random.default_rng(seed), np.empty((0, 3))
    while len(found) < count:
        point = random.random(3)
        away = (found - point + 0.5) % 1 - 0.5
        if (np.linalg.norm(away, axis=1) >= apart).all():
            found = np.vstack([found, point])
    return found


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("seed", [1, 2])
def test_force_against_ewald(seed: int, precision: str) -> None:
    """Masses at least six cells apart on 64^3: median error .4%, 95th percentile 1.2% of the rms force."""
    position = scattered(200, 6 / 64, seed)
    mass = np.random.default_rng(seed).random(200) + 0.5
    simulation, particle = build(Box((1.0, 1.0, 1.0), (64, 64, 64)), position, mass, precision=precision)
    simulation.prepare()
    expected = ewald(position, mass) * mass[:, None]
    error = np.linalg.norm(particle.force - expected, axis=1) / math.sqrt((expected**2).sum(axis=1).mean())
    assert np.median(error) <= 0.005
    assert np.percentile(error, 95) <= 0.02


def test_force_error_falls_with_the_grid() -> None:
    """Of a fixed pair, by the square of the cell size (clouds are second order), until six cells apart at least."""
    position = np.array([[0.31, 0.42, 0.55], [0.31 + 0.2, 0.42 + 0.1, 0.55 - 0.15]])
    expected = ewald(position, np.ones(2))
    errors = []
    for n in (32, 64, 128):
        shifts = np.random.default_rng(n).random((8, 3)) / n  # averages over the place within a cell
        error = []
        for shift in shifts:
            simulation, particle = build(Box((1.0, 1.0, 1.0), (n, n, n)), position + shift, 1.0)
            simulation.prepare()
            error.append(np.linalg.norm(particle.force - expected) / np.linalg.norm(expected))
        errors.append(np.sqrt(np.mean(np.square(error))))
    orders = np.log2(errors[:-1]) - np.log2(errors[1:])
    assert (orders > 1.5).all(), (errors, orders)


@pytest.mark.parametrize("box", [CUBE, BRICK], ids=["cube", "brick"])
@pytest.mark.parametrize("laplacian", ["spectral", "seven_point"])
@pytest.mark.parametrize("gradient", ["four_point", "centred", "spectral"])
def test_no_particle_pulls_itself(gradient: str, laplacian: str, box: Box) -> None:
    """Relative to the pull of an equal mass one cell away, G m^2 / h^2: an antisymmetric force, rounded."""
    for position in np.random.default_rng(0).random((5, 3)) * box.edges:
        simulation, particle = build(box, position[None], 2.0, gradient=gradient, kernel=laplacian)
        simulation.prepare()
        scale = 4 / min(box.spacing) ** 2
        assert np.abs(particle.force).max() < 1e-12 * scale


@pytest.mark.parametrize("parameters", [{}, {"gradient": "spectral"}, {"kernel": "seven_point", "gradient": "centred"}])
@pytest.mark.parametrize("box", [CUBE, BRICK], ids=["cube", "brick"])
def test_momentum_is_conserved(box: Box, parameters: dict[str, str]) -> None:
    random = np.random.default_rng(0)
    mass = random.random(500) + 0.1
    simulation, particle = build(box, random.random((500, 3)) * box.edges, mass, **parameters)
    simulation.prepare()
    assert np.abs(particle.force.sum(axis=0)).max() < 1e-12 * np.abs(particle.force).sum()


def test_iterative_solvers_give_the_force_of_the_seven_point_transform() -> None:
    random = np.random.default_rng(0)
    position, mass = random.random((300, 3)), random.random(300)
    forces = []
    for parameters in (
        {"kernel": "seven_point"},
        {"solver": "jacobi", "tolerance": 1e-9},
        {"solver": "multigrid", "tolerance": 1e-9},
        {"solver": "multigrid", "tolerance": 1e-9, "gradient": "four_point"},
    ):
        simulation, particle = build(CUBE, position, mass, **parameters)
        simulation.prepare()
        forces.append(particle.force.copy())
    for force in forces[1:]:
        np.testing.assert_allclose(force, forces[0], rtol=0, atol=1e-6 * np.abs(forces[0]).max())


@pytest.mark.parametrize("solver", ["jacobi", "multigrid"])
def test_iterative_solvers_say_what_they_did(solver: str) -> None:
    simulation, _ = build(CUBE, np.random.default_rng(0).random((50, 3)), 1.0, solver=solver)
    simulation.prepare()
    series = simulation.series()
    assert series["gravity/sweeps"] > 0
    assert 0 < series["gravity/residual"] <= 1e-6


def test_spectral_gradient_from_an_iterative_potential() -> None:
    position = np.random.default_rng(0).random((50, 3))
    one, first = build(CUBE, position, 1.0, solver="multigrid", gradient="spectral", tolerance=1e-10)
    two, second = build(CUBE, position, 1.0, kernel="seven_point", gradient="spectral")
    one.prepare()
    two.prepare()
    np.testing.assert_allclose(first.force, second.force, rtol=0, atol=1e-7 * np.abs(second.force).max())


# ---- bits, energy, parameters ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("precision", ["double", "single"])
def test_same_bits_for_any_threads_and_order(precision: str) -> None:
    random = np.random.default_rng(0)
    position, mass = random.random((20_000, 3)), random.random(20_000)
    found = []
    for count, order in ((1, np.arange(20_000)), (2, np.arange(20_000)), (2, random.permutation(20_000))):
        set_threads(count)
        simulation, particle = build(CUBE, position[order], mass[order], precision=precision)
        simulation.run(2)
        back = np.argsort(order)
        found.append((particle.force[back], particle.position[back], simulation.ledger.stores["gravitational"]))
    for force, place, energy in found[1:]:
        np.testing.assert_array_equal(force, found[0][0])
        np.testing.assert_array_equal(place, found[0][1])
        assert energy == found[0][2]


def test_energy_is_half_the_mass_times_potential() -> None:
    """Of a wave of density rho1: E = -pi G rho1^2 V / k^2, from sum m phi / 2 with phi = -4 pi G rho1 cos / k^2."""
    box = CUBE
    nodes = np.stack(np.meshgrid(*(np.arange(16) / 16,) * 3, indexing="ij"), axis=-1).reshape(-1, 3)
    mass = (1 + 0.1 * np.cos(2 * np.pi * nodes[:, 0])) / 4096
    simulation, _ = build(box, nodes, mass)
    simulation.prepare()
    expected = -math.pi * 0.1**2 / (2 * math.pi) ** 2
    assert simulation.ledger.stores["gravitational"] == pytest.approx(expected, rel=1e-12)


def test_restart_from_an_iterative_potential_is_exact() -> None:
    position = np.random.default_rng(0).random((200, 3))
    whole, one = build(CUBE, position, 1.0, solver="jacobi", dt=1e-3)
    whole.run(3)
    state = whole.state()
    whole.run(3)
    again, two = build(CUBE, position, 1.0, solver="jacobi", dt=1e-3)
    again.restore(state)
    again.run(3)
    np.testing.assert_array_equal(one.position, two.position)
    assert whole.ledger.stores == again.ledger.stores


def test_gravitational_constant_is_the_worlds_unless_given() -> None:
    forces = []
    for constant, parameters in ((1.0, {"G": 6.0}), (6.0, {})):
        simulation, particle = build(CUBE, np.random.default_rng(0).random((10, 3)), 1.0, **parameters)
        simulation.world.insert(Constants(gravitational=constant))
        simulation.prepare()
        forces.append(particle.force.copy())
    np.testing.assert_array_equal(*forces)


def test_gravity_without_a_box_is_refused() -> None:
    world = World()
    world.create("stars", (Particle,), 2)
    with pytest.raises(ScenarioError, match="box"):
        Simulation(world, [Gravity()], dt=0.1).prepare()


@pytest.mark.parametrize(
    "parameters", [{"G": -1.0}, {"tolerance": 0.0}, {"solver": "sor"}, {"kernel": "nine_point"}, {"gradient": "none"}]
)
def test_parameters_out_of_range_are_refused(parameters: dict[str, Any]) -> None:
    with pytest.raises(ScenarioError, match=next(iter(parameters))):
        Gravity(**parameters)


# ---- dynamics -------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("laplacian", "gradient"), [("spectral", "four_point"), ("seven_point", "centred"), ("spectral", "spectral")]
)
@pytest.mark.parametrize("box", [Box((1.0, 1.0, 1.0), (16, 16, 16)), Box((2.0, 1.0, 0.5), (20, 8, 6))], ids=str)
def test_jeans_growth(box: Box, laplacian: str, gradient: str) -> None:
    """A displaced lattice grows as cosh(w t), w / sqrt(4 pi G rho) = sinc^2(kh/2) sqrt(kernel factor).

    Clouds are spread and read over a cell, sinc^2 each way; the kernel factor is k g / K, g the symbol of the
    gradient and K that of the Laplacian. Four particles per cell stand for the mean over places in a cell.
    """
    counts = (4 * box.cells[0], box.cells[1], box.cells[2])
    index = np.stack(np.meshgrid(*(np.arange(n) for n in counts), indexing="ij"), axis=-1).reshape(-1, 3)
    lattice = (index + 0.5) / counts * box.edges
    k, h = 2 * np.pi / box.edges[0], box.spacing[0]
    mass = 1.0 / len(lattice)
    plasma = math.sqrt(4 * math.pi / box.volume)
    half = k * h / 2
    symbol = {"four_point": (8 * math.sin(k * h) - math.sin(2 * k * h)) / (6 * h), "centred": math.sin(k * h) / h}
    slope = symbol.get(gradient, k)
    square = k**2 if laplacian == "spectral" else (2 - 2 * math.cos(k * h)) / h**2
    rate = plasma * (math.sin(half) / half) ** 2 * math.sqrt(k * slope / square)
    position = lattice.copy()
    wave = np.sin(k * lattice[:, 0])
    position[:, 0] += 1e-5 * h * wave
    steps, dt = 200, 2.0 / rate / 200
    simulation, particle = build(box, position % box.edges, mass, dt=dt, kernel=laplacian, gradient=gradient)
    simulation.run(steps)
    edge = box.edges[0]
    moved = (particle.position[:, 0] - lattice[:, 0] + edge / 2) % edge - edge / 2
    amplitude = (moved @ wave) / (wave @ wave)
    growth = math.acosh(amplitude / (1e-5 * h)) / (steps * dt)
    assert growth == pytest.approx(rate, rel=2e-3)
