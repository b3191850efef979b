"""Exports, each read back by a program that reads the format."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from toy_run import EDGES, OUTPUT, toy

from sensorium.engine.errors import OutputError
from sensorium.io.export import export
from sensorium.io.output import record
from sensorium.io.run import Run
from sensorium.io.run import open as open_run

STEPS, COUNT, FRAMES = 50, 20, 6


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    path = tmp_path_factory.mktemp("export") / "run.h5"
    sim = toy(STEPS, COUNT)
    record(sim, path, OUTPUT)
    sim.run()
    return open_run(path)


def test_extxyz(run: Run, tmp_path: Path) -> None:
    ase_io = pytest.importorskip("ase.io")
    frames = ase_io.read(export(run, tmp_path / "run.xyz"), index=":", format="extxyz")
    assert len(frames) == FRAMES
    last = frames[-1]
    np.testing.assert_array_equal(last.get_positions(), run["gas"].position[-1])  # no digit is lost
    np.testing.assert_array_equal(last.arrays["phase"], run["gas"].phase[-1])
    np.testing.assert_allclose(np.diag(last.cell), EDGES)
    assert last.info["Step"] == STEPS
    assert last.pbc.all()


def test_lammps(run: Run, tmp_path: Path) -> None:
    mda = pytest.importorskip("MDAnalysis")
    path = export(run, tmp_path / "run.lammpstrj")
    universe = mda.Universe(str(path), format="LAMMPSDUMP", topology_format="LAMMPSDUMP")
    assert universe.trajectory.n_frames == FRAMES
    universe.trajectory[-1]
    np.testing.assert_allclose(universe.atoms.positions, run["gas"].position[-1], rtol=1e-6)  # float32 there
    np.testing.assert_allclose(universe.dimensions[:3], EDGES)


def test_gsd(run: Run, tmp_path: Path) -> None:
    hoomd = pytest.importorskip("gsd.hoomd")
    with hoomd.open(str(export(run, tmp_path / "run.gsd")), "r") as frames:
        assert len(frames) == FRAMES
        last = frames[-1]
        assert last.configuration.step == STEPS
        np.testing.assert_allclose(last.configuration.box[:3], EDGES)
        centred = run["gas"].position[-1] - 0.5 * np.array(EDGES)
        np.testing.assert_allclose(last.particles.position, centred, atol=2e-7)  # float32 there
        assert (np.abs(last.particles.position) <= 0.5 * np.array(EDGES)).all()
        np.testing.assert_array_equal(last.log["particles/phase"], run["gas"].phase[-1])


def test_vtkhdf(run: Run, tmp_path: Path) -> None:
    vtk = pytest.importorskip("vtk")
    reader = vtk.vtkHDFReader()
    reader.SetFileName(str(export(run, tmp_path / "run.vtkhdf")))
    reader.UpdateInformation()
    assert reader.GetNumberOfSteps() == FRAMES
    for frame in (0, 3, FRAMES - 1):
        reader.SetStep(frame)
        reader.Update()
        shape = reader.GetOutput()
        assert shape.GetNumberOfPoints() == shape.GetNumberOfVerts() == COUNT
        points = np.array([shape.GetPoint(k) for k in range(COUNT)])
        np.testing.assert_allclose(points, run["gas"].position[frame], rtol=1e-6)
        heat = shape.GetPointData().GetArray("heat")
        np.testing.assert_array_equal([heat.GetTuple1(k) for k in range(COUNT)], run["gas"].heat[frame])


def test_csv(run: Run, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    series = pandas.read_csv(export(run, tmp_path / "series.csv"))
    assert series["step"].tolist() == list(range(STEPS + 1))
    np.testing.assert_array_equal(series["energy/total"], run.series("energy/total").values)
    events = pandas.read_csv(export(run, tmp_path / "events.csv", table="events"))
    assert len(events) == len(run.events()["step"])


def test_parquet(run: Run, tmp_path: Path) -> None:
    pandas = pytest.importorskip("pandas")
    pytest.importorskip("pyarrow")
    gas = pandas.read_parquet(export(run[-2:], tmp_path / "gas.parquet", table="gas"))
    assert len(gas) == 2 * COUNT
    np.testing.assert_array_equal(gas["position_x"][COUNT:], run["gas"].position[-1][:, 0])


def test_transpose(run: Run, tmp_path: Path) -> None:
    path = export(run, tmp_path / "by_row.h5", format="transpose")
    with h5py.File(path) as file:
        assert file["step"][()].tolist() == run.steps.tolist()
        assert file["particles/gas/position/value"].shape == (COUNT, FRAMES, 3)
        history = file["particles/gas/position/value"][7]
        np.testing.assert_array_equal(history, run["gas"].position[:, 7])
        assert "carriers" not in file["particles"], "their number changes"


def test_carriers_have_no_place(run: Run, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no population 'carriers' with positions"):
        export(run, tmp_path / "run.xyz", population="carriers")


@pytest.mark.parametrize(
    ("name", "options", "said"),
    [
        ("run.abc", {}, "the ending says no format"),
        ("run.xyz", {"format": "extxy"}, "did you mean 'extxyz'"),
        ("run.csv", {"table": "serie"}, "did you mean 'series'"),
        ("missing/run.csv", {}, "cannot write"),
    ],
)
def test_mistakes(run: Run, tmp_path: Path, name: str, options: dict[str, str], said: str) -> None:
    with pytest.raises(OutputError, match=said):
        export(run, tmp_path / name, **options)
    assert not [p for p in tmp_path.iterdir() if p.name.startswith(".")], "no half-written file is left"
