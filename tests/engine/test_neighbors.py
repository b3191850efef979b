"""Neighbours against a plain search over all pairs: complete at every step, never late, and not renewed for nothing."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorium.engine.cells import CellGrid, SortedRows, sort_rows
from sensorium.engine.device import Device, Rows
from sensorium.engine.errors import PhysicsError
from sensorium.engine.kernel_threads import set_threads, threads
from sensorium.engine.neighbor_search import mark_pair
from sensorium.engine.neighbors import INNER_SKIN, Neighbors
from sensorium.engine.pairs import Pairs
from sensorium.engine.population import Population

BOXES = {
    "cube": (9.0, 9.0, 9.0),
    "brick": (7.0, 12.0, 18.0),
    "slice": (2.5, 15.0, 15.0),  # thinner than three cells
    "needle": (2.5, 2.5, 60.0),
    "small": (2.5, 2.5, 2.5),  # fewer than three cells along every edge: all pairs are tried
    "open": (0.0, 0.0, 0.0),
    "half open": (0.0, 11.0, 11.0),
}


class Cloud:
    """`n` spheres at random in a box, or in as much of open space."""

    def __init__(
        self, box: str, n: int, *, precision: Any = "double", radius: float = 0.5, spread: float = 0.0
    ) -> None:
        self.device, self.n, self.edges = Device("cpu", precision), n, BOXES[box]
        self.rng = np.random.default_rng(len(box))
        sides = [edge or 9.0 for edge in self.edges]
        self.position = self.device.array(self.rng.random((3, n)) * np.array(sides)[:, None], self.device.real).T
        self.radius = self.device.array(radius * (1 - spread * self.rng.random(n)), self.device.real)

    def neighbors(self, **options: Any) -> Neighbors:
        return Neighbors(self.device, self.edges, **options)

    def touching(self) -> set[tuple[int, int]]:
        """Every pair closer than the sum of its radii, with the arithmetic of the working precision."""
        apart = self.position[:, None, :] - self.position[None, :, :]
        for axis, edge in enumerate(self.edges):
            if edge:
                edge, inverse = self.device.real.type(edge), self.device.real.type(1 / edge)
                apart[..., axis] -= edge * np.rint(apart[..., axis] * inverse)
        squared = apart[..., 0] ** 2 + apart[..., 1] ** 2 + apart[..., 2] ** 2
        reach = self.radius[:, None] + self.radius[None, :]
        first, second = np.nonzero(np.triu(squared < reach * reach, 1))
        return set(zip(first.tolist(), second.tolist()))

    def move(self, step: float) -> None:
        self.position += (self.rng.normal(size=(3, self.n)) * step).astype(self.device.real).T


def listed(pairs: Pairs) -> list[tuple[int, int]]:
    first, second = pairs.rows()
    return list(zip(np.minimum(first, second).tolist(), np.maximum(first, second).tolist()))


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("box", BOXES)
def test_every_touching_pair_is_found_once(box: str, precision: Any) -> None:
    cloud = Cloud(box, 40 if box in ("small", "needle") else 300, precision=precision, spread=0.6)
    found = listed(cloud.neighbors().touching(cloud.position, cloud.radius, cloud.n))
    assert len(found) == len(set(found))
    assert set(found) == cloud.touching()


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("box", ["brick", "slice", "small"])
def test_never_late(box: str, precision: Any) -> None:
    """200 steps, slow and fast by turns: at each, what touches is exactly what a search over all pairs finds."""
    cloud = Cloud(box, 60 if box == "small" else 250, precision=precision, radius=0.3, spread=0.5)
    neighbors = cloud.neighbors()
    for step in range(200):
        found = listed(neighbors.touching(cloud.position, cloud.radius, cloud.n))
        assert set(found) == cloud.touching(), step
        cloud.move(1e-3 if step % 20 else 0.05)
    assert 1 < neighbors.rebuilds < neighbors.prunes < 150


def test_a_jump_is_seen() -> None:
    """Displacements are measured: rows that another system put somewhere else are found there."""
    cloud = Cloud("cube", 200)
    neighbors = cloud.neighbors()
    neighbors.touching(cloud.position, cloud.radius, cloud.n)
    for row in range(50):
        cloud.position[row] = cloud.position[199 - row] + 0.4
        assert set(listed(neighbors.touching(cloud.position, cloud.radius, cloud.n))) == cloud.touching()


def test_lists_are_renewed_when_the_bound_says_and_not_before() -> None:
    """One row moves by d per step: the inner list lasts while 2 d k is below its skin, the outer one likewise."""
    cloud = Cloud("cube", 200)
    neighbors = cloud.neighbors()
    neighbors.update(cloud.position, cloud.radius, cloud.n)
    inner, step = INNER_SKIN * neighbors.largest, INNER_SKIN * neighbors.largest / 10.5
    expected, since, spent = [], 0, 0.0
    for _ in range(150):
        cloud.position[7, 0] += step
        since += 1
        if 2 * step * since > inner:
            spent += 2 * step * since
            expected.append("rebuild" if spent + inner > neighbors.skin else "prune")
            since, spent = 0, 0.0 if expected[-1] == "rebuild" else spent
        neighbors.update(cloud.position, cloud.radius, cloud.n)
        assert neighbors.prunes == 1 + len(expected)
        assert neighbors.rebuilds == 1 + expected.count("rebuild")
    assert expected.count("rebuild") >= 1


def test_lists_follow_rows_that_change_places() -> None:
    """The same pairs under their new names, at once and while the old lists last; nothing is searched again."""
    cloud = Cloud("brick", 300, spread=0.5)
    neighbors = cloud.neighbors()
    neighbors.touching(cloud.position, cloud.radius, cloud.n)
    for _ in range(5):
        order = cloud.rng.permutation(cloud.n).astype(np.int32)
        cloud.position, cloud.radius = cloud.position.T[:, order].T, cloud.radius[order]
        neighbors.reorder(order)
        cloud.move(1e-3)
        assert set(listed(neighbors.touching(cloud.position, cloud.radius, cloud.n))) == cloud.touching()
    assert neighbors.rebuilds == 1


def test_what_rests_is_searched_once() -> None:
    cloud = Cloud("brick", 300)
    neighbors = cloud.neighbors()
    for _ in range(20):
        neighbors.touching(cloud.position, cloud.radius, cloud.n)
    assert (neighbors.rebuilds, neighbors.prunes) == (1, 1)


def test_brute_force_finds_the_same() -> None:
    cloud = Cloud("brick", 300, spread=0.5)
    cells, every = cloud.neighbors(), cloud.neighbors(brute_force=True)
    for _ in range(5):
        found = [set(listed(n.touching(cloud.position, cloud.radius, cloud.n))) for n in (cells, every)]
        assert found[0] == found[1]
        cloud.move(0.05)


def test_images_far_from_the_box_are_the_same_place() -> None:
    cloud = Cloud("brick", 300)
    inside = cloud.touching()
    cloud.position += np.array(cloud.edges) * cloud.rng.integers(-3, 4, (cloud.n, 3))
    assert set(listed(cloud.neighbors().touching(cloud.position, cloud.radius, cloud.n))) == inside


@pytest.mark.parametrize("count", [1, 2])
def test_slabs_of_one_launch_share_no_row(count: int) -> None:
    """What makes two colours safe, and all slabs in one launch of one thread; slabs follow from cells, not threads."""
    cloud = Cloud("brick", 2000, radius=0.3)
    before = threads()
    try:
        set_threads(count)
        pairs = cloud.neighbors().update(cloud.position, cloud.radius, cloud.n)
        launches = [[stride * task + colour for task in range(tasks.n)] for tasks, colour, stride in pairs.colours(1e3)]
    finally:
        set_threads(before)
    assert pairs.slabs == 16  # planes of cells
    assert sorted(slab for slabs in launches for slab in slabs) == list(range(pairs.slabs))
    assert len(launches) == count
    if count == 1:
        return  # one after the other
    rows = [
        set(pairs.first[s : s + c].tolist()) | set(pairs.second[s : s + c].tolist())
        for s, c in zip(pairs.start, pairs.count)
    ]
    for slabs in launches:
        seen: set[int] = set()
        for slab in slabs:
            assert not seen & rows[slab]
            seen |= rows[slab]


def test_crowds_find_room() -> None:
    """200 spheres on one spot: far more neighbours than places were allotted at first."""
    cloud = Cloud("cube", 200)
    cloud.position[:] = 4.5 + 0.1 * cloud.rng.random((200, 3))
    assert len(listed(cloud.neighbors().touching(cloud.position, cloud.radius, 200))) == 200 * 199 // 2


def test_rows_may_come_and_go() -> None:
    cloud = Cloud("cube", 300)
    neighbors = cloud.neighbors()
    for n in (300, 120, 0, 250):
        found = set(listed(neighbors.touching(cloud.position, cloud.radius, n)))
        assert found == {pair for pair in cloud.touching() if max(pair) < n}


def test_points_do_not_touch() -> None:
    cloud = Cloud("cube", 100, radius=0.0)
    assert neighbors_total(cloud) == 0


def neighbors_total(cloud: Cloud) -> int:
    return cloud.neighbors().touching(cloud.position, cloud.radius, cloud.n).total


def test_a_sphere_wider_than_half_the_box_is_refused() -> None:
    """Two such spheres could touch on both sides at once, and only one contact would be seen."""
    cloud = Cloud("small", 4, radius=0.625)
    neighbors_total(cloud)  # exactly half is all right
    cloud.radius[2] = 0.63
    with pytest.raises(PhysicsError, match=r"radius 0\.63 is too large for the box: .* 1\.26, .* edge 2\.5"):
        neighbors_total(cloud)


def test_lost_positions_are_named() -> None:
    cloud = Cloud("cube", 50)
    neighbors = cloud.neighbors(owner="collision")
    neighbors.update(cloud.position, cloud.radius, cloud.n)
    cloud.position[31, 1] = np.nan
    with pytest.raises(PhysicsError, match=r"collision .*1 positions are not finite, the first in row 31"):
        neighbors.update(cloud.position, cloud.radius, cloud.n)


def test_cells_are_no_narrower_than_the_reach_and_no_more_than_the_points() -> None:
    grid = CellGrid((10.0, 20.0, 5.0), 1.0, 10_000)
    assert grid.counts == (20, 10, 5)
    assert grid.axes == (1, 0, 2)
    assert CellGrid((1.0, 1.0, 1.0), 1e-4, 1000).cells <= 1000
    assert CellGrid((1.0, 1.0, 1.0), 0.34, 1000).cells == 1
    assert CellGrid((9.0, 9.0, 9.0), 1.0, 1000, whole=True).cells == 1


def test_rows_are_sorted_by_cell_and_keep_their_order_inside() -> None:
    cloud = Cloud("brick", 500)
    grid, rows = CellGrid(cloud.edges, 1.0, cloud.n), SortedRows(cloud.device)
    rows.sort(grid, cloud.position, cloud.n)
    order = rows.order[: cloud.n]
    assert np.array_equal(order, np.lexsort((np.arange(cloud.n), rows.cell[: cloud.n])))
    assert np.array_equal(
        np.bincount(rows.cell[: cloud.n], minlength=grid.cells), np.diff(rows.start[: grid.cells + 1])
    )


def test_a_sorted_population_is_the_same_population() -> None:
    from sensorium.components import Particle

    cloud = Cloud("brick", 500)
    population = Population("grains", [Particle], cloud.device)
    population.spawn(cloud.n, {Particle.position: cloud.position, Particle.radius: cloud.radius})
    sort_rows(population, population[Particle].position, cloud.edges, 1.0)
    assert not np.array_equal(population.ids, np.arange(cloud.n))
    back = population.rows_of(np.arange(cloud.n))
    assert np.array_equal(population[Particle].position[back], cloud.position)


class GraphicsDevice(Device):
    """Takes the ways that are written for a GPU, with the kernels of the CPU."""

    def __init__(self) -> None:
        super().__init__("cpu", "double")
        self.kind = "cuda"

    def _own(self, values: Any) -> Any:
        return values


def test_the_ways_of_a_gpu_find_the_same() -> None:
    cloud = Cloud("brick", 300, spread=0.5)
    pair = np.array([0, 1], np.int32)  # compiles for the CPU what only a GPU runs
    geometry = cloud.neighbors().geometry
    mark_pair(Rows(1, cloud.device), pair, pair, cloud.position, cloud.radius, 0.0, np.zeros(2, bool), *geometry)
    neighbors = [cloud.neighbors(), Neighbors(GraphicsDevice(), cloud.edges)]
    for _ in range(10):
        found = [set(listed(n.touching(cloud.position, cloud.radius, cloud.n))) for n in neighbors]
        assert found[0] == found[1]
        cloud.move(0.02)
