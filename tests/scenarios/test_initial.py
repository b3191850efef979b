"""Initial values: the right numbers, reproducible, and independent of everything else in the scenario."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorium.components import Oscillator, Particle
from sensorium.engine.errors import ScenarioError
from sensorium.engine.plugins import Registry
from sensorium.engine.population import Population
from sensorium.scenarios.lattice import lattice_sites
from sensorium.scenarios.loader import load

N = 20_000
Make = Callable[..., Population]


@pytest.fixture
def make(registry: Registry) -> Make:
    """A population `gas` with the given particle fields."""

    def build(particle: dict[str, Any], count: int | None = N, **more: Any) -> Population:
        gas = {"components": {"particle": particle}} | ({} if count is None else {"count": count})
        scenario = {"box": {"edges": [1, 2, 4]}, "populations": {"gas": gas}, **more}
        return load(scenario, registry=registry, device="cpu").world.population("gas")

    return build


def test_constants(make: Make) -> None:
    gas = make({"mass": 3, "velocity": [1, 2, 3], "force": 2, "image": 4}, 10)
    assert (gas[Particle].mass == 3).all()
    assert (gas[Particle].velocity == [1, 2, 3]).all()
    assert (gas[Particle].force == 2).all()
    assert (gas[Particle].image == 4).all()


def test_given_values_and_their_count(make: Make, tmp_path: Path) -> None:
    gas = make({"mass": {"values": [1, 2, 3]}, "velocity": {"values": [[1, 0, 0], [0, 1, 0], [0, 0, 1]]}}, None)
    assert gas.n == 3
    np.testing.assert_array_equal(gas[Particle].mass, [1, 2, 3])
    np.testing.assert_array_equal(gas[Particle].velocity, np.eye(3))


def test_values_from_a_file(registry: Registry, tmp_path: Path) -> None:
    velocity = np.random.default_rng(0).normal(size=(50, 3)).astype(np.float32)
    np.save(tmp_path / "v.npy", velocity)
    (tmp_path / "s.yaml").write_text("populations: {gas: {components: {particle: {velocity: {file: v.npy}}}}}")
    gas = load(tmp_path / "s.yaml", registry=registry).world.population("gas")
    np.testing.assert_array_equal(gas[Particle].velocity, velocity)


@pytest.mark.parametrize("kind", ["pickle", "text", "nan", "shape", "npz", "complex"])
def test_files_that_do_not_fit(registry: Registry, tmp_path: Path, kind: str) -> None:
    path = tmp_path / "m.npy"
    if kind == "pickle":
        np.save(path, np.array([{}, {}], object), allow_pickle=True)
    elif kind == "text":
        path.write_text("1 2 3")
    elif kind == "nan":
        np.save(path, [1.0, np.nan])
    elif kind == "shape":
        np.save(path, np.ones((2, 2)))
    elif kind == "npz":
        np.savez(tmp_path / "m.npz", a=np.ones(2))
        (tmp_path / "m.npz").rename(path)
    else:
        np.save(path, np.ones(2, complex))
    scenario = {"populations": {"gas": {"components": {"particle": {"mass": {"file": "m.npy"}}}}}}
    with pytest.raises(ScenarioError, match=r"m\.npy") as caught:
        load(scenario, folder=tmp_path, registry=registry)
    assert len(str(caught.value).splitlines()) == 1


def test_uniform(make: Make) -> None:
    gas = make({"mass": {"uniform": [2, 5]}, "velocity": {"uniform": {"low": [-1, 0, 0], "high": [1, 0, 2]}}})
    mass, velocity = gas[Particle].mass, gas[Particle].velocity
    assert 2 <= mass.min() < mass.max() < 5
    # standard error of a uniform mean is (high - low) / sqrt(12 n); 4 of them
    assert abs(mass.mean() - 3.5) < 4 * 3 / np.sqrt(12 * N)
    assert abs(mass.var() - 9 / 12) < 0.02
    assert (velocity[:, 1] == 0).all()
    assert -1 <= velocity[:, 0].min() < -0.99
    assert 1.99 < velocity[:, 2].max() < 2


def test_uniform_whole_numbers_include_both_ends(make: Make) -> None:
    image = make({"image": {"uniform": [-1, 2]}})[Particle].image
    values, counts = np.unique(image, return_counts=True)
    assert values.tolist() == [-1, 0, 1, 2]
    # binomial: sd sqrt(n p q); 5 of them
    assert np.abs(counts - 3 * N / 4).max() < 5 * np.sqrt(3 * N * 0.25 * 0.75)


def test_normal(make: Make) -> None:
    gas = make({"heat": {"normal": {"mean": 10, "std": 2}}, "velocity": {"normal": {}}})
    heat, velocity = gas[Particle].heat, gas[Particle].velocity
    assert abs(heat.mean() - 10) < 4 * 2 / np.sqrt(N)
    assert abs(heat.std() - 2) < 4 * 2 / np.sqrt(2 * N)
    assert abs(np.mean((heat - 10) ** 3)) < 4 * np.sqrt(15 / N) * 8
    # 1.96 sd hold 95%
    assert abs(np.mean(np.abs(velocity) < 1.959964) - 0.95) < 4 * np.sqrt(0.95 * 0.05 / (3 * N))
    assert abs(np.corrcoef(velocity.T)[0, 1]) < 4 / np.sqrt(N)


def test_random_positions_fill_the_box(make: Make) -> None:
    position = make({"position": "random"})[Particle].position
    assert (position >= 0).all()
    assert (position < [1, 2, 4]).all()
    assert np.abs(position.mean(axis=0) / [1, 2, 4] - 0.5).max() < 4 / np.sqrt(12 * N)


@pytest.mark.parametrize("form", ["random", {"random": {}}])
def test_both_ways_to_say_random(make: Make, form: Any) -> None:
    np.testing.assert_array_equal(
        make({"position": form}, 10)[Particle].position, make({"position": "random"}, 10)[Particle].position
    )


@pytest.mark.parametrize("kind", ["sc", "fcc", "path"])
@pytest.mark.parametrize(("count", "edges"), [(1, (1, 1, 1)), (7, (1, 1, 1)), (1000, (1, 1, 1)), (500, (1, 2, 8))])
def test_lattices_fill_the_box_evenly(kind: str, count: int, edges: tuple[float, float, float]) -> None:
    points, distance = lattice_sites(kind, count, edges)
    assert points.shape == (count, 3)
    assert (points >= 0).all()
    assert (points < edges).all()
    assert len(np.unique(points.round(9), axis=0)) == count
    if count > 1:
        gaps = np.abs(points[:, None] - points[None])
        gaps = np.minimum(gaps, np.asarray(edges) - gaps)
        apart = np.sqrt((gaps**2).sum(-1)) + np.eye(count) * 1e9
        assert apart.min() >= distance * (1 - 1e-12)


def test_fcc_has_twelve_neighbours() -> None:
    points, distance = lattice_sites("fcc", 256, (1, 1, 1))
    gaps = np.abs(points[:, None] - points[None])
    gaps = np.minimum(gaps, 1 - gaps)
    near = np.sqrt((gaps**2).sum(-1))
    assert ((near > 0) & (near < 1.01 * distance)).sum(axis=1).tolist() == [12] * 256


def test_a_path_goes_from_neighbour_to_neighbour() -> None:
    points, distance = lattice_sites("path", 6**3, (1, 1, 1))
    np.testing.assert_allclose(np.linalg.norm(np.diff(points, axis=0), axis=1), distance, rtol=1e-12)


def test_jitter_moves_sites_within_its_bound(make: Make) -> None:
    still = make({"position": {"lattice": "fcc"}}, 4000)[Particle].position
    moved = make({"position": {"lattice": "fcc", "jitter": 0.1}}, 4000)[Particle].position
    shift = np.abs(moved - still)
    shift = np.minimum(shift, [1, 2, 4] - shift)
    distance = lattice_sites("fcc", 4000, (1, 2, 4))[1]
    assert 0.095 * distance < shift.max() <= 0.1 * distance * (1 + 1e-9)


def test_maxwell(make: Make) -> None:
    gas = make({"mass": {"uniform": [1, 4]}, "velocity": {"maxwell": {"temperature": 2.5}}})
    mass, velocity = gas[Particle].mass, gas[Particle].velocity
    # m v^2 / k_B T of one axis is chi-squared with one degree of freedom: mean 1, variance 2
    reduced = mass[:, None] * velocity**2 / 2.5
    assert abs(reduced.mean() - 1) < 4 * np.sqrt(2 / (3 * N))
    assert abs(reduced.var() - 2) < 0.15
    # the momentum is a sum of n terms of size sqrt(m T): rounding only
    assert np.abs((mass[:, None] * velocity).sum(axis=0)).max() < 1e-9


def test_maxwell_uses_the_constants(make: Make) -> None:
    velocity = make({"mass": 4.65e-26, "velocity": {"maxwell": {"temperature": 300}}}, units="si")[
        Particle
    ].velocity  # nitrogen
    assert abs(velocity.std() - np.sqrt(1.380649e-23 * 300 / 4.65e-26)) < 3
    assert make({"velocity": {"maxwell": {"temperature": 1}}}, 1)[Particle].velocity.any()  # one row keeps its velocity


def test_given_positions_are_wrapped_and_counted(make: Make) -> None:
    gas = make({"position": {"values": [[0.25, 2.5, -1], [1, 0, 4], [-1e-30, 0, 0]]}, "image": 1}, None)
    np.testing.assert_allclose(gas[Particle].position, [[0.25, 0.5, 3], [0, 0, 0], [0, 0, 0]])
    np.testing.assert_array_equal(gas[Particle].image, [[1, 2, 0], [2, 1, 2], [0, 1, 1]])


def test_positions_too_far_to_count_are_refused(make: Make) -> None:
    with pytest.raises(ScenarioError, match=r"gas: a position lies 1e\+12 boxes away"):
        make({"position": [1e12, 0, 0]}, 2)


@pytest.mark.parametrize("precision", ["single", "double"])
def test_positions_stay_inside_in_every_precision(make: Make, precision: str) -> None:
    position = make({"position": {"uniform": [0, 4]}}, 5000, run={"precision": precision})[Particle].position
    assert position.dtype == (np.float32 if precision == "single" else np.float64)
    assert (position < np.array([1, 2, 4], position.dtype)).all()


def test_same_seed_same_bits_other_seed_other_bits(make: Make) -> None:
    particle = {"position": "random", "velocity": {"maxwell": {"temperature": 1}}, "mass": {"normal": {"mean": 9}}}
    first, again = make(particle, 100), make(particle, 100)
    other = make(particle, 100, run={"seed": 1})
    for field in Particle.fields.values():
        assert first.column(field).tobytes() == again.column(field).tobytes()
    assert (first[Particle].position != other[Particle].position).all()
    assert (first[Particle].mass != other[Particle].mass).all()


def test_values_do_not_depend_on_other_populations_or_on_the_number_of_rows(make: Make, registry: Registry) -> None:
    particle = {"position": "random", "mass": {"normal": {"mean": 9}}}
    alone = make(particle, 100)
    longer = make(particle, 150)
    gas = {"count": 100, "components": {"oscillator": {"phase": {"uniform": [0, 1]}}, "particle": particle}}
    box = {"edges": [1, 2, 4]}
    crowd = load({"box": box, "populations": {"first": {**gas, "count": 7}, "gas": gas}}, registry=registry)
    among = crowd.world.population("gas")
    for field in (Particle.position, Particle.mass):
        assert alone.column(field).tobytes() == among.column(field).tobytes()
        np.testing.assert_array_equal(longer.column(field)[:100], alone.column(field))
    first = crowd.world.population("first")
    assert (first[Particle].mass != among[Particle].mass[:7]).all()
    assert (among[Particle].mass - 9 != among[Oscillator].phase).all()


@pytest.mark.parametrize(
    ("particle", "expected"),
    [
        ({"mass": {"uniform": [1, 2], "normal": {}}}, "has several forms (uniform, normal); give one"),
        ({"mass": {}}, "is empty (forms: values, file, uniform, normal)"),
        ({"mass": {"lattice": "fcc"}}, "'lattice' does not fit Particle.mass"),
        ({"mass": "random"}, "not text ('random')"),
        ({"mass": [1, 2]}, "one value for each row is {values: [...]}"),
        ({"mass": True}, "not true or false"),
        ({"mass": None}, "not nothing"),
        ({"mass": {"normal": {"std": -1}}}, "std = -1"),
        ({"mass": {"uniform": [1]}}, "must be [low, high], not a list of 1"),
        ({"mass": {"uniform": [1, 2], "jitter": 3}}, "unknown key 'jitter' beside 'uniform'"),
        ({"mass": {"values": [1, "a"]}}, "must be numbers"),
        ({"velocity": {"values": [[1, 2], [3, 4]]}}, "must be a list of 3 for each row, not values of shape (2, 2)"),
        ({"velocity": {"values": [[1, 2, 3], [3, 4]]}}, "its rows differ in length"),
        ({"velocity": [1, 2]}, "must be a number or a list of 3"),
        ({"velocity": {"maxwell": {"temperature": -1}}}, "velocity.maxwell.temperature: must be >= 0, not -1"),
        ({"velocity": {"maxwell": {}}}, "required key 'temperature' is missing"),
        ({"position": {"lattice": "bcc"}}, "must be 'fcc', 'sc' or 'path', not 'bcc'"),
        ({"position": {"lattice": "sc", "jitter": 2}}, "position.jitter: must be <= 0.5, not 2"),
        ({"position": "fcc"}, "write {lattice: fcc}"),
        ({"image": {"normal": {}}}, "normal values do not fit Particle.image"),
        ({"image": 1e10}, "must lie in -2147483648..2147483647"),
    ],
)
def test_refused(make: Make, particle: dict[str, Any], expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        make(particle, 2)
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1
