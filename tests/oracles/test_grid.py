"""The grid: cloud-in-cell against a direct sum in numpy, and the same bits however rows and threads are arranged."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
import pytest

from sensorium.components import Particle
from sensorium.engine.device import Device
from sensorium.engine.errors import ScenarioError
from sensorium.engine.grid import Box
from sensorium.engine.kernel_threads import set_threads
from sensorium.engine.mesh import LISTED_FROM, SORTED_FROM, Mesh, Source
from sensorium.engine.mesh_convolution import PlaneConvolution
from sensorium.engine.mesh_fourier import Fourier
from sensorium.engine.population import Population
from sensorium.engine.world import World

Array = npt.NDArray[np.float64]

BOXES = [Box((1.0, 1.0, 1.0), (8, 8, 8)), Box((2.0, 1.0, 0.7), (9, 4, 15)), Box((1.0, 3.0, 2.0), (1, 2, 5))]


def particles(n: int, box: Box, precision: str = "double", seed: int = 0) -> tuple[World, Population]:
    random = np.random.default_rng(seed)
    world = World(precision=precision)
    world.insert(box)
    population = world.create("gas", (Particle,), n)
    population[Particle].position = random.random((n, 3)) * box.edges
    population[Particle].mass = random.random(n) + 0.5
    return world, population


def weights(position: Array, box: Box) -> list[tuple[npt.NDArray[np.int64], Array]]:
    """The eight (flat node, weight) pairs of each position, from the definition."""
    s = position / box.spacing
    low = np.floor(s).astype(int)
    fraction = s - low
    found = []
    for corner in np.ndindex(2, 2, 2):
        node = (low + corner) % box.cells
        weight = np.where(corner, fraction, 1 - fraction).prod(axis=1)
        found.append((np.ravel_multi_index(tuple(node.T), box.cells), weight))
    return found


def deposited(world: World, population: Population) -> Array:
    mesh = Mesh.of(world)
    out = mesh.grid()
    mesh.deposit([Source(population, population[Particle].position, population[Particle].mass)], out)
    return out


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("box", BOXES, ids=str)
def test_deposit_is_cloud_in_cell(box: Box, precision: str) -> None:
    world, gas = particles(500, box, precision)
    position, mass = gas[Particle].position.astype(float), gas[Particle].mass.astype(float)
    expected = np.zeros(box.nodes)
    for node, weight in weights(position, box):
        np.add.at(expected, node, mass * weight)
    # double: 8 roundings of a product each; single: the fraction of a cell is known to 2^-24 of the box
    tolerance = 1e-13 if precision == "double" else 4e-6
    np.testing.assert_allclose(deposited(world, gas).ravel(), expected, rtol=0, atol=tolerance * expected.max())


def test_deposit_keeps_the_total() -> None:
    world, gas = particles(5000, BOXES[1])
    assert deposited(world, gas).sum() == pytest.approx(gas[Particle].mass.sum(), rel=1e-14)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_particle_on_a_node_gives_it_everything(precision: str) -> None:
    box = Box((4.0, 4.0, 4.0), (8, 8, 8))
    world, one = particles(1, box, precision)
    one[Particle].position = (0.5, 1.5, 3.5)
    one[Particle].mass = 3.0
    grid = deposited(world, one)
    assert grid[1, 3, 7] == 3.0
    assert grid.sum() == 3.0


@pytest.mark.parametrize("shift", [-3.0, -1.0, 1.0, 7.0])
def test_positions_outside_of_the_box_are_wrapped(shift: float) -> None:
    box = Box((1.0, 1.0, 1.0), (8, 8, 8))
    world, gas = particles(100, box)
    gas[Particle].position = np.floor(gas[Particle].position * 1024) / 1024  # shifts are then exact
    inside = deposited(world, gas)
    gas[Particle].position += shift
    np.testing.assert_array_equal(deposited(world, gas), inside)


def test_a_position_that_is_not_a_number_stays_inside_the_arrays() -> None:
    world, gas = particles(10, BOXES[0])
    gas[Particle].position[3] = np.nan
    deposited(world, gas)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_deposit_has_the_same_bits_for_any_threads_and_order(precision: str) -> None:
    box = Box((1.0, 1.0, 1.0), (15, 8, 8))
    world, gas = particles(LISTED_FROM + 100, box, precision)
    found = []
    for count in (1, 2):
        set_threads(count)
        found.append(deposited(world, gas).copy())
    gas.reorder(np.random.default_rng(1).permutation(gas.n))
    for count in (1, 2):
        set_threads(count)
        found.append(deposited(world, gas).copy())
    for other in found[1:]:
        np.testing.assert_array_equal(other, found[0])


def test_deposit_of_several_populations_adds_up() -> None:
    box = BOXES[0]
    world, gas = particles(300, box)
    dust = world.create("dust", (Particle,), 100)
    dust[Particle].position = np.random.default_rng(5).random((100, 3))
    mesh = Mesh.of(world)
    both, each = mesh.grid(), [mesh.grid(), mesh.grid()]
    sources = [Source(p, p[Particle].position, p[Particle].mass) for p in (gas, dust)]
    mesh.deposit(sources, both)
    for source, grid in zip(sources, each):
        mesh.deposit([source], grid)
    np.testing.assert_allclose(both, each[0] + each[1], rtol=0, atol=1e-15 * 400)


@pytest.mark.parametrize("magnitude", [1e-30, 1e-12, 1.0, 1e25])
@pytest.mark.parametrize("precision", ["double", "single"])
def test_deposit_resolves_any_magnitude(magnitude: float, precision: str) -> None:
    """The scale follows the total: SI masses of atoms and of stars are resolved alike."""
    world, gas = particles(64, BOXES[0], precision)
    unit = deposited(world, gas).astype(float)
    gas[Particle].mass = gas[Particle].mass * magnitude
    np.testing.assert_allclose(deposited(world, gas) / magnitude, unit, rtol=0, atol=1e-6 * unit.max())


@pytest.mark.parametrize("box", BOXES, ids=str)
def test_gather_uses_the_same_weights(box: Box) -> None:
    world, gas = particles(200, box)
    mesh, random = Mesh.of(world), np.random.default_rng(2)
    vectors = mesh.device.array(random.normal(size=(*box.cells, 4)))
    particle = gas[Particle]
    source = Source(gas, particle.position, particle.mass)
    expected = np.zeros((200, 3))
    for node, weight in weights(particle.position, box):
        for axis in range(3):
            expected[:, axis] += particle.mass * weight * vectors[..., axis].ravel()[node]
    mesh.gather_vector(source, vectors, particle.force)
    np.testing.assert_allclose(particle.force, expected, rtol=0, atol=1e-13)
    particle.force = 0.0
    scale = mesh.deposit([source], mesh.grid())
    mesh.gather_shares(source, scale, vectors, particle.force, np.empty((200, 3)))
    np.testing.assert_allclose(particle.force, expected, rtol=0, atol=1e-13)


def test_what_nodes_give_back_adds_up_even_at_nodes_that_hold_next_to_nothing() -> None:
    """A node that a particle grazes by 1e-15 of a cell holds a few quanta: it still gives exactly what it has."""
    box = Box((8.0, 8.0, 8.0), (8, 8, 8))
    world, gas = particles(2, box)
    particle = gas[Particle]
    particle.position = [(2.0 - 4e-15, 3.0 + 2e-15, 4.0), (6.0 - 4e-15, 3.0 + 2e-15, 4.0)]
    mesh, held = Mesh.of(world), Mesh.of(world).grid()
    source = Source(gas, particle.position, particle.mass)
    scale = mesh.deposit([source], held)
    assert (held > 0).sum() == 6  # of the eight, the two that are dust along x and along y hold less than a quantum
    push = np.random.default_rng(4).normal(size=box.cells)
    specific = np.divide(push, held, out=np.zeros_like(push), where=held > 0)
    mesh.gather_shares(source, scale, np.stack([specific] * 4, -1), particle.force, np.empty((2, 3)))
    np.testing.assert_allclose(particle.force.sum(axis=0), push[held > 0].sum(), rtol=1e-13)


def test_large_populations_are_kept_sorted_and_small_ones_left_alone() -> None:
    box = Box((1.0, 1.0, 1.0), (64, 16, 16))
    world, gas = particles(SORTED_FROM, box)
    before = deposited(world, gas).copy()
    mesh, position = Mesh.of(world), gas[Particle].position
    ids = gas.ids.copy()
    where = dict(zip(ids.tolist(), position.copy()))
    assert mesh.keep_sorted(gas, position, 0)
    particle = gas[Particle]
    planes = np.floor(particle.position[:, 0] * 64)
    assert (np.diff(planes) >= 0).all()
    assert all((where[i] == x).all() for i, x in zip(gas.ids[:100].tolist(), particle.position[:100]))
    np.testing.assert_array_equal(deposited(world, gas), before)
    assert not mesh.keep_sorted(gas, particle.position, 0)  # they are in order now
    small_world, small = particles(1000, box)
    assert not Mesh.of(small_world).keep_sorted(small, small[Particle].position, 0)


# ---- transforms -----------------------------------------------------------------------------------------------------

SHAPES = [(64, 64, 64), (32, 48, 20), (15, 21, 9), (33, 64, 17), (63, 63, 63), (1, 2, 5)]


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("cells", SHAPES, ids=str)
def test_transforms_have_the_same_bits_on_one_and_two_threads(cells: tuple[int, int, int], precision: str) -> None:
    device = Device("cpu", precision)  # type: ignore[arg-type]
    fourier = Fourier(cells, device)
    grid = np.random.default_rng(0).random(cells).astype(device.real)
    spectra, grids = [], []
    for count in (1, 2):
        set_threads(count)
        spectra.append(fourier.forward(grid).copy())
        grids.append(fourier.backward(np.empty_like(grid)))
    np.testing.assert_array_equal(*spectra)
    np.testing.assert_array_equal(*grids)
    tolerance = 1e-14 if precision == "double" else 1e-6
    np.testing.assert_allclose(grids[0] / fourier.size, grid, rtol=0, atol=tolerance)


POWERS = [(64, 64, 64), (32, 64, 16), (8, 2, 128), (2, 8, 1), (4, 1, 2)]


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("cells", POWERS, ids=str)
def test_convolution_by_planes_is_that_of_the_library(cells: tuple[int, int, int], precision: str) -> None:
    """Against ducc0, for a symbol with no symmetry between axes; the same bits on one and two threads."""
    device = Device("cpu", precision)  # type: ignore[arg-type]
    axes = tuple(abs(np.fft.fftfreq(n, 1 / n)) for n in cells)
    grid = np.random.default_rng(0).random(cells).astype(device.real)
    found = []
    for count in (1, 2):
        set_threads(count)
        for convolution in (PlaneConvolution(cells, device), Fourier(cells, device)):
            table = convolution.table(lambda x, y, z: 1 / (1 + x + 2 * y + 3 * z**2), axes)
            convolution.convolve(grid, table, 0.5, out := np.empty_like(grid))
            found.append(out)
    np.testing.assert_array_equal(found[0], found[2])
    tolerance = 1e-14 if precision == "double" else 1e-6
    np.testing.assert_allclose(found[0], found[1], rtol=0, atol=tolerance)
    assert found[0].std() > 1e-3


def test_other_grids_are_convolved_by_the_library() -> None:
    for cells, kind in (((8, 4, 2), PlaneConvolution), ((8, 6, 2), Fourier), ((1, 4, 4), Fourier)):
        assert type(Mesh(Box((1.0, 1.0, 1.0), cells), Device()).convolution) is kind


# ---- the box --------------------------------------------------------------------------------------------------------


def test_box_knows_its_cells() -> None:
    box = Box((2.0, 1.0, 3.0), (4, 5, 6))
    assert box.spacing == (0.5, 0.2, 0.5)
    assert box.nodes == 120
    assert box.volume == pytest.approx(6.0)
    assert box.cell_volume == pytest.approx(0.05)


@pytest.mark.parametrize(
    ("edges", "cells"),
    [((1, 1, 0), (4, 4, 4)), ((1, 1, -2), (4, 4, 4)), ((1, 1, np.inf), (4, 4, 4)), ((1, 1, 1), (4, 0, 4)),
     ((1, 1, 1), (4, 4.5, 4)), ((1, 1), (4, 4, 4))],
)  # fmt: skip
def test_an_impossible_box_is_refused(edges: tuple[float, ...], cells: tuple[int, ...]) -> None:
    with pytest.raises(ScenarioError, match="box"):
        Box(edges, cells)
