"""Analysis against closed forms and brute force."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_run import EDGES, OUTPUT, toy

from sensorium.components import Particle
from sensorium.engine.errors import OutputError
from sensorium.engine.grid import Box
from sensorium.engine.simulation import Simulation
from sensorium.engine.system import System
from sensorium.engine.world import World
from sensorium.io import analysis
from sensorium.io.h5md import TrajectoryWriter
from sensorium.io.output import record
from sensorium.io.run import Run
from sensorium.io.run import open as open_run
from sensorium.scenarios.loader import load


class Walk(System):
    """Brownian steps of variance 2 D dt per axis, periodic; `image` counts crossings."""

    writes = (Particle.position, Particle.image)
    phase = "drift"

    def step(self, dt: float) -> None:
        rng = np.random.default_rng(self.world.clock.step)
        edges = np.array(self.world.resource(Box).edges)
        for population, particle in self.query(Particle):
            moved = particle.position + rng.normal(0, np.sqrt(2 * 0.5 * dt), (population.n, 3))
            particle.image[:] += np.floor(moved / edges).astype(np.int32)
            particle.position[:] = moved % edges


def walk(path: Path, count: int, steps: int) -> Run:
    world = World(1)
    world.insert(Box((1.0, 1.0, 2.0), (4, 4, 4)))
    gas = world.create("gas", (Particle,), count)
    gas[Particle].position[:] = np.random.default_rng(2).random((count, 3)) * (1, 1, 2)
    sim = Simulation(world, [Walk()], dt=0.01, steps=steps)
    sim.add_writer(TrajectoryWriter(path))
    sim.run()
    return open_run(path)


@pytest.fixture(scope="module")
def walked(tmp_path_factory: pytest.TempPathFactory) -> Run:
    return walk(tmp_path_factory.mktemp("walk") / "run.h5", 800, 60)


@pytest.fixture(scope="module")
def toyed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("toy") / "run.h5"
    sim = toy(100, 30)
    record(sim, path, OUTPUT)
    sim.run()
    return open_run(path)


def test_msd_of_brownian_motion(walked: Run) -> None:
    msd = analysis.mean_squared_displacement(walked)
    assert msd.y[0] == pytest.approx(0, abs=1e-9)
    # 6 D t; at lag 10 there are 800 * 50 overlapping samples: 3 % is four standard errors
    assert msd.y[10] == pytest.approx(6 * 0.5 * msd.x[10], rel=0.03)


def test_msd_equals_its_definition(walked: Run) -> None:
    msd = analysis.mean_squared_displacement(walked)
    path = walked["gas"].position[:] + walked["gas"].image[:] * np.array([1, 1, 2])
    for lag in (1, 7, 60):
        direct = np.square(path[lag:] - path[:-lag]).sum(axis=2).mean()
        assert msd.y[lag] == pytest.approx(direct, rel=1e-9)  # Fourier sums of numbers of size one


def test_structure_of_an_ideal_gas(walked: Run) -> None:
    g = analysis.radial_distribution(walked, bins=20)
    assert g.x[-1] < 0.5
    assert np.abs(g.y[4:] - 1).max() < 0.06  # 20 frames, > 5000 pairs per shell and frame
    s = analysis.structure_factor(walked, largest=8, frames=60)
    assert np.nanmean(s.y) == pytest.approx(1, abs=0.25)  # S is exponentially distributed for each wave vector


def test_pairs_are_counted_as_by_hand(toyed: Run) -> None:
    g = analysis.radial_distribution(toyed[:1], bins=5)
    position, edges = toyed["gas"].position[0], np.array(EDGES)
    gap = position[:, None] - position[None]
    gap -= edges * np.rint(gap / edges)
    distance = np.sqrt(np.square(gap).sum(-1))[np.triu_indices(30, 1)]
    rims = np.linspace(0, 0.5, 6)
    expected = np.histogram(distance, rims)[0] / (0.5 * 30 * 29 * 4 / 3 * np.pi * np.diff(rims**3) / np.prod(edges))
    np.testing.assert_allclose(g.y, expected, rtol=1e-12)


def test_order_parameter_agrees_with_the_series(toyed: Run) -> None:
    order = analysis.order_parameter(toyed)
    series = toyed.series("order/r")
    np.testing.assert_allclose(order.y, series[np.searchsorted(series.step, toyed.steps)], rtol=1e-12)


def test_energy_budget(toyed: Run) -> None:
    budget = analysis.energy_budget(toyed)
    assert set(budget.stores) == {"heat", "oscillator", "kinetic"}
    assert budget.change == pytest.approx(sum(budget.booked.values()), abs=1e-10)
    assert budget.residual < 1e-12
    assert budget.stores["heat"][1] > budget.stores["heat"][0] == 0


def test_lifetimes(toyed: Run) -> None:
    lives = analysis.lifetimes(toyed)
    assert (lives.died < 0).sum() == toyed["carriers"].counts[-1]
    dead = lives.died >= 0
    np.testing.assert_allclose(lives.lived[dead], 0.01 * (lives.died - lives.born)[dead], rtol=1e-9)
    assert len(lives.complete) == dead.sum()


def test_spectrum_finds_a_tone(tmp_path: Path) -> None:
    class Tone(System):
        def step(self, dt: float) -> None:
            pass

        def observe(self) -> dict[str, float]:
            return {"tone/sine": float(np.sin(5.0 * self.world.clock.time))}

    sim = Simulation(World(0), [Tone()], dt=0.05, steps=2000)
    sim.add_writer(TrajectoryWriter(tmp_path / "run.h5", None))
    sim.run()
    spectrum = analysis.spectrum(open_run(tmp_path / "run.h5"), "tone/sine")
    assert spectrum.x[np.argmax(spectrum.y)] == pytest.approx(5.0, abs=2 * np.pi / 100)  # one bin
    assert np.sum(spectrum.y) * spectrum.x[1] == pytest.approx(0.5, rel=0.01)  # Parseval: the variance of a sine


def test_what_is_missing_is_said(toyed: Run) -> None:
    with pytest.raises(OutputError, match="no population carriers with positions"):
        analysis.radial_distribution(toyed, "carriers")


def test_carriers_that_a_scenario_gives_are_born_too(tmp_path: Path) -> None:
    sim = load("starvation", {"run.steps": 1010})
    record(sim, tmp_path / "run.h5", {})
    sim.run()
    run = open_run(tmp_path / "run.h5")
    lives = analysis.lifetimes(run)
    assert lives.ids.tolist() == run["carriers"].ids[0].tolist()
    assert (lives.born == 0).all()
    assert (lives.died < 0).sum() == run["carriers"].counts[-1] == 2
    np.testing.assert_allclose(lives.complete, 10, atol=0.02)  # mass 0.5 at a cost of 0.05: ten units of time
