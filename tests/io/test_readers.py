"""Readers that people have open our files: h5py alone, MDAnalysis, pyh5md, znh5md, VTK, xarray."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from toy_run import CELLS, EDGES, OUTPUT, toy

from sensorium.components import Oscillator, Particle
from sensorium.io.output import record

STEPS, COUNT = 60, 20


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("run") / "run.h5"
    sim = toy(STEPS, COUNT)
    record(sim, path, OUTPUT)
    sim.run()
    return path


@pytest.fixture(scope="module")
def last() -> dict[str, np.ndarray]:
    """The last state, in the order of ids, from a run without output."""
    sim = toy(STEPS, COUNT)
    sim.run()
    gas = sim.world.population("gas")
    order = np.argsort(gas.ids)
    return {
        "position": gas[Particle].position[order],
        "velocity": gas[Particle].velocity[order],
        "phase": gas[Oscillator].phase[order],
    }


def test_layout(trajectory: Path) -> None:
    with h5py.File(trajectory) as file:
        assert file["h5md"].attrs["version"].tolist() == [1, 1]
        assert {"author", "creator"} <= set(file["h5md"])
        gas = file["particles/gas"]
        assert gas["position/value"].shape == (7, COUNT, 3)
        assert gas["position/value"].chunks == (1, COUNT, 3)
        assert gas["position/value"].compression is None
        assert gas["id/value"].compression == "gzip"
        # one clock for all: the same objects, by hard links
        for name in ("velocity", "id", "species", "mass", "phase"):
            assert gas[f"{name}/step"] == gas["position/step"]
            assert gas[f"{name}/time"] == gas["position/time"]
        assert gas["position/step"][()].tolist() == list(range(0, 61, 10))
        assert gas["box/edges/value"].shape == (7, 3)
        assert gas["box"].attrs["dimension"] == 3
        assert list(gas["box"].attrs["boundary"]) == ["periodic"] * 3
        assert file["engine/series/energy/total/value"].shape == (STEPS + 1,)
        assert file["observables/energy/total/value"].shape == (7,)
        assert file["fields/density/value"].shape == (7, *CELLS)
        assert file["VTKHDF/CellData/density"] == file["fields/density/value"]
        assert file["parameters/scenario"].asstr()[()] == "name: toy\n"
        assert {"resolved", "seed", "versions", "git", "hardware", "argv"} <= set(file["parameters"])
        assert file["engine"].attrs["schema_version"] == 1


def test_changing_rows(trajectory: Path) -> None:
    with h5py.File(trajectory) as file:
        carriers = file["particles/carriers"]
        ids, frequency = carriers["id/value"][()], carriers["frequency/value"][()]
        assert carriers["id/value"].maxshape[1] is None
        assert (ids[0] == -1).all(), "no carrier lives at the start"
        assert np.isnan(frequency[ids == -1]).all()
        assert np.isfinite(frequency[ids >= 0]).all()
        assert carriers["amplitude/value"].shape[2] == 2
        for row in ids:
            alive = row[row >= 0]
            assert (np.diff(alive) > 0).all(), "rows are in the order of ids"
            assert (row[: len(alive)] >= 0).all(), "living rows come first"


def test_events_balance(trajectory: Path) -> None:
    with h5py.File(trajectory) as file:
        events = file["engine/events"]
        kind, step = events["kind"].asstr()[()], events["step"][()]
        living = (file["particles/carriers/id/value"][()] >= 0).sum(axis=1)
        for frame, here in enumerate(file["particles/carriers/id/step"][()]):
            born, died = ((kind[step < here] == what).sum() for what in ("born", "died"))
            assert born - died == living[frame]


def test_mdanalysis(trajectory: Path, last: dict[str, np.ndarray]) -> None:
    mda = pytest.importorskip("MDAnalysis")
    reader = mda.coordinates.H5MD.H5MDReader
    universe = mda.Universe.empty(reader.parse_n_atoms(str(trajectory)))
    universe.load_new(str(trajectory), format="H5MD", convert_units=False)
    assert universe.trajectory.n_frames == 7
    frame = universe.trajectory[-1]
    np.testing.assert_array_equal(frame.positions, last["position"].astype("f4"))
    np.testing.assert_array_equal(frame.velocities, last["velocity"].astype("f4"))
    np.testing.assert_allclose(frame.dimensions, [*EDGES, 90, 90, 90])
    assert frame.data["step"] == STEPS
    assert frame.time == pytest.approx(0.6)
    assert np.isfinite(frame.data["energy/total"])


def test_mdanalysis_takes_the_first_group(trajectory: Path) -> None:
    with h5py.File(trajectory) as file:
        assert next(iter(file["particles"])) == "gas"
        assert file["particles/trajectory"] == file["particles/gas"]


def test_pyh5md(trajectory: Path, last: dict[str, np.ndarray]) -> None:
    pyh5md = pytest.importorskip("pyh5md")
    with pyh5md.File(str(trajectory), "r") as file:
        gas = file.particles_group("gas")
        position = pyh5md.element(gas, "position")
        assert position.element_type == "TimeElement"
        assert position.step[-1] == STEPS
        np.testing.assert_array_equal(position.value[-1], last["position"])
        edges = pyh5md.element(gas["box"], "edges")
        np.testing.assert_array_equal(edges.value[0], EDGES)
        total = pyh5md.element(file["engine/series/energy"], "total")
        assert len(total.value) == STEPS + 1


def test_znh5md(trajectory: Path, last: dict[str, np.ndarray]) -> None:
    znh5md = pytest.importorskip("znh5md")
    frames = znh5md.IO(str(trajectory), particles_group="gas", variable_shape=False)
    assert len(frames) == 7
    atoms = frames[6]
    np.testing.assert_array_equal(atoms.get_positions(), last["position"])
    np.testing.assert_allclose(np.diag(atoms.cell), EDGES)
    assert atoms.pbc.all()


def test_vtk(trajectory: Path) -> None:
    vtk = pytest.importorskip("vtk")
    reader = vtk.vtkHDFReader()
    reader.SetFileName(str(trajectory))
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() == 7
    reader.SetStep(6)
    reader.Update()
    image = reader.GetOutput()
    values = image.GetCellData().GetArray("density")
    with h5py.File(trajectory) as file:
        density = file["fields/density/value"][6]
        spacing, origin = file["fields"].attrs["spacing"], file["fields"].attrs["origin"]
    # on a grid that is no cube, every value is found at its own place
    for node in [(0, 0, 0), (1, 2, 3), (3, 5, 7), (2, 0, 6)]:
        place = origin + spacing * node
        cell = image.FindCell(place, None, 0, 0.0, vtk.mutable(0), [0.0] * 3, [0.0] * 8)
        assert values.GetTuple1(cell) == density[node]


def test_xarray_without_us(trajectory: Path, last: dict[str, np.ndarray]) -> None:
    xarray = pytest.importorskip("xarray")
    pytest.importorskip("h5netcdf")
    with xarray.open_dataset(trajectory, group="particles/gas/position", engine="h5netcdf", phony_dims="sort") as data:
        np.testing.assert_array_equal(data["value"][-1], last["position"])
