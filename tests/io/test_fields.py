"""Grid fields: the weights of the mesh, whatever the order of rows, and clear words for what is not there."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from sensorium.components import Oscillator, Particle
from sensorium.engine.errors import OutputError
from sensorium.engine.grid import Box
from sensorium.engine.simulation import Simulation
from sensorium.engine.world import World
from sensorium.io.fields import fields_of
from sensorium.io.frames import FrameOptions
from sensorium.io.h5md import TrajectoryWriter
from sensorium.io.run import open as open_run
from sensorium.systems.gravity import Gravity

EDGES, CELLS = (1.0, 2.0, 3.0), (4, 6, 10)


def world(count: int = 60) -> World:
    made = World(1)
    made.insert(Box(EDGES, CELLS))
    gas = made.create("gas", (Particle, Oscillator), count)
    rng = np.random.default_rng(0)
    gas[Particle].position = rng.random((count, 3)) * EDGES
    gas[Particle].mass = rng.random(count)
    gas[Particle].heat = rng.random(count)
    return made


def shares(position: np.ndarray, values: np.ndarray) -> np.ndarray:
    """Cloud-in-cell sums in plain numpy."""
    nodes = np.zeros(CELLS)
    scaled = position / np.divide(EDGES, CELLS)
    low = np.floor(scaled).astype(int)
    part = scaled - low
    for corner in np.ndindex(2, 2, 2):
        weight = values * np.prod(np.where(corner, part, 1 - part), axis=1)
        np.add.at(nodes, tuple(((low + corner) % CELLS).T), weight)
    return nodes


def test_fields_are_cloud_in_cell_sums() -> None:
    sim = Simulation(world(), [], dt=0.1)
    gas = sim.world.population("gas")
    particle, energy = gas[Particle], gas[Particle].heat + gas[Oscillator].energy
    mass, held = shares(particle.position, particle.mass), shares(particle.position, energy)
    fields = fields_of(sim, ["density", "temperature"])
    # the mesh rounds each share to a quantum of 2^-62 of the sum, far below this
    np.testing.assert_allclose(fields["density"], mass / np.prod(np.divide(EDGES, CELLS)), rtol=1e-12, atol=1e-14)
    expected = np.divide(held, mass, out=np.zeros(CELLS), where=mass > 0)
    np.testing.assert_allclose(fields["temperature"], expected, rtol=1e-10)


def test_totals_and_temperature() -> None:
    sim = Simulation(world(), [], dt=0.1)
    gas, box = sim.world.population("gas"), sim.world.resource(Box)
    fields = fields_of(sim, ["density", "temperature"])
    mass = fields["density"] * box.cell_volume
    assert mass.sum() == pytest.approx(gas[Particle].mass.sum(), rel=1e-13)
    energy = gas[Particle].heat.sum() + gas[Oscillator].energy.sum()
    assert (mass * fields["temperature"]).sum() == pytest.approx(energy, rel=1e-13)
    assert np.isfinite(fields["temperature"]).all()


def test_the_order_of_rows_does_not_show() -> None:
    straight, shuffled = (Simulation(world(), [], dt=0.1) for _ in range(2))
    shuffled.world.population("gas").reorder(np.random.default_rng(3).permutation(60))
    for name in ("density", "temperature"):
        np.testing.assert_array_equal(fields_of(straight, [name])[name], fields_of(shuffled, [name])[name])


def test_potential_comes_from_gravity(tmp_path: Path) -> None:
    sim = Simulation(world(), [Gravity()], dt=0.1)
    sim.add_writer(TrajectoryWriter(tmp_path / "run.h5", frame=FrameOptions(fields=["potential", "density"])))
    sim.run(1)
    with open_run(tmp_path / "run.h5") as run:
        potential = run.fields["potential"]
        assert potential.shape == (2, *CELLS)
        assert potential.unit == "energy/mass"
        assert potential[-1].std() > 0
        with h5py.File(run.path) as file:
            for place in (file["fields"], file["fields/potential"], file["fields/density"]):
                np.testing.assert_allclose(place.attrs["spacing"], np.divide(EDGES, CELLS))
                np.testing.assert_array_equal(place.attrs["origin"], 0)
                assert place.attrs["centering"] in ("node", b"node")
        assert abs(potential[-1].mean()) < 1e-12 * potential[-1].std() * potential[-1].size  # rounding of the mean


def test_no_field() -> None:
    sim = Simulation(world(), [], dt=0.1)
    with pytest.raises(OutputError, match=r"no field 'densty' .*did you mean 'density'"):
        fields_of(sim, ["densty"])
    with pytest.raises(OutputError, match="no box"):
        fields_of(Simulation(World(), [], dt=0.1), ["density"])
