"""The reader: lazy columns, living rows, slices, series, events, unfinished runs, other tools."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from toy_run import CELLS, EDGES, OUTPUT, toy

from sensorium.components import Carrier, Oscillator, Particle
from sensorium.engine.errors import OutputError
from sensorium.engine.simulation import Simulation
from sensorium.engine.world import World
from sensorium.io.h5md import TrajectoryWriter
from sensorium.io.output import record
from sensorium.io.run import Run
from sensorium.io.run import open as open_run

STEPS, COUNT = 100, 30
FRAMES = STEPS // 10 + 1


class Killed(Exception):
    pass


@pytest.fixture(scope="module")
def sim() -> Simulation:
    """The run without output, at its end."""
    sim = toy(STEPS, COUNT)
    sim.run()
    return sim


@pytest.fixture(scope="module", params=["one file", "parts", "kept segments"])
def run(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Run:
    """The same run as one file, as the parts that a kill leaves, and as segments beside a master file."""
    path = tmp_path_factory.mktemp("run") / "run.h5"
    sim = toy(STEPS, COUNT)
    record(sim, path, {**OUTPUT, "segments": "keep" if request.param == "kept segments" else "merge"})

    def end(sim: Simulation) -> None:
        if request.param == "parts" and sim.world.clock.step == STEPS:
            raise Killed

    try:
        sim.run(progress=end)
    except Killed:
        assert not path.exists()
    return open_run(path)


def test_frames(run: Run) -> None:
    assert len(run) == FRAMES
    assert run.steps.tolist() == list(range(0, STEPS + 1, 10))
    np.testing.assert_allclose(run.times, 0.01 * run.steps, rtol=1e-15)
    assert list(run.populations) == ["gas", "carriers"]
    assert "trajectory" not in run.populations
    np.testing.assert_array_equal(run.edges[-1], EDGES)


def test_the_last_frame_is_the_state(run: Run, sim: Simulation) -> None:
    gas = sim.world.population("gas")
    order = np.argsort(gas.ids)
    np.testing.assert_array_equal(run["gas"].id[-1], gas.ids[order])
    np.testing.assert_array_equal(run["gas"].position[-1], gas[Particle].position[order])
    np.testing.assert_array_equal(run["gas"].energy[-1], gas[Oscillator].energy[order])
    carriers = sim.world.population("carriers")
    assert run["carriers"].frequency[-1].shape == (carriers.n,), "living rows only"
    np.testing.assert_array_equal(run["carriers"].frequency[-1], carriers[Carrier].frequency)
    np.testing.assert_array_equal(run["carriers"].amplitude[-1], carriers[Carrier].amplitude)
    assert run["carriers"].counts[-1] == carriers.n


def test_slices(run: Run) -> None:
    position = run["gas"].position
    assert position.shape == (FRAMES, COUNT, 3)
    assert position.dtype == np.float64
    assert position.unit == "length"
    whole = np.asarray(position)
    for key in (
        slice(None), slice(2, 9, 3), slice(None, None, -1), slice(5, 5), (slice(1, 4), 3), (-1, 2), (2, slice(None), 1),
        [0, 5, -1], np.arange(FRAMES) % 2 == 0, (slice(None), slice(2, 5), 0), (..., 0), 4,
    ):  # fmt: skip
        np.testing.assert_array_equal(position[key], whole[key], err_msg=str(key))
    with pytest.raises(IndexError):
        position[FRAMES]
    np.testing.assert_array_equal([frame[0, 0] for frame in position], whole[:, 0, 0])


def test_dead_rows_are_marked(run: Run) -> None:
    carriers = run["carriers"]
    ids, frequency = carriers.id[:], carriers.frequency[:]
    assert np.isnan(frequency[ids < 0]).all()
    assert np.isfinite(frequency[ids >= 0]).all()
    assert (np.asarray(carriers.state[:])[ids < 0] == 255).all()


def test_fewer_frames(run: Run) -> None:
    part = run[2:8:2]
    assert part.steps.tolist() == [20, 40, 60]
    np.testing.assert_array_equal(part["gas"].heat[1], run["gas"].heat[4])
    np.testing.assert_array_equal(part[1:].steps, [40, 60])
    np.testing.assert_array_equal(part["carriers"].frequency[-1], run["carriers"].frequency[6])
    np.testing.assert_array_equal(run["gas", "heat"][3], run["gas"]["heat"][3])


def test_tracks(run: Run) -> None:
    ids = run["carriers"].id[4][:2]
    track = run["carriers"].track(ids, "frequency")
    assert track.shape == (FRAMES, 2)
    for frame in range(FRAMES):
        alive = run["carriers"].id[frame]
        for k, one in enumerate(ids):
            if one in alive:
                assert track[frame, k] == run["carriers"].frequency[frame][alive == one][0]
            else:
                assert np.isnan(track[frame, k])
    assert run["gas"].track(3, "position").shape == (FRAMES, 1, 3)


def test_series(run: Run) -> None:
    order = run.series("order/r")
    assert order.step.tolist() == list(range(STEPS + 1))
    assert len(order) == STEPS + 1
    np.testing.assert_allclose(order.time, 0.01 * order.step, rtol=1e-15)
    assert np.isfinite(order).all()
    assert run.series("energy/total").unit == "energy"
    late = run.series("carriers/late")
    assert np.isnan(late[:40]).all(), "a name that came late is NaN before"
    assert late[-1] == 1.0
    with pytest.raises(KeyError, match="did you mean 'energy/total'"):
        run.series("energy/totl")


def test_events(run: Run) -> None:
    born, died = run.events("born"), run.events("died")
    assert len(born["id"]) - len(died["id"]) == run["carriers"].counts[-1]
    assert len(set(born["id"].tolist())) == len(born["id"]), "ids are never reused"
    assert set(died["reason"]) == {"starved"}
    assert "reason" not in born
    everything = run.events()
    assert len(everything["step"]) == len(born["id"]) + len(died["id"]) + 1
    ready = run.events("ready")
    assert (ready["step"].tolist(), ready["births"].tolist()) == ([0], [3]), "told once, before the first step"
    assert (np.diff(everything["step"]) >= 0).all()


def test_a_run_without_events_has_the_columns_of_every_log(tmp_path: Path) -> None:
    sim = Simulation(World(), [], dt=0.1)
    sim.add_writer(TrajectoryWriter(tmp_path / "quiet.h5"))
    sim.run(2)
    with open_run(tmp_path / "quiet.h5") as quiet:
        for log in (quiet.events(), quiet.events("born")):
            assert {name: (len(column), column.dtype.kind) for name, column in log.items()} == {
                "step": (0, "i"), "time": (0, "f"), "kind": (0, "U"), "id": (0, "i"),
            }  # fmt: skip
        assert len(quiet.to_pandas("events")) == 0


def test_fields(run: Run) -> None:
    density = run.fields["density"]
    assert density.shape == (FRAMES, *CELLS)
    volume = np.prod(EDGES) / np.prod(CELLS)
    np.testing.assert_allclose(density[:].sum(axis=(1, 2, 3)) * volume, 0.5 * COUNT, rtol=1e-12)
    assert run.grid["centering"] == "node"


def test_provenance(run: Run) -> None:
    assert run.scenario["name"] == "toy"
    assert run.parameters["scenario"] == "name: toy\n"
    assert {"seed", "versions", "git", "hardware", "argv"} <= set(run.parameters)


def test_wrong_names(run: Run) -> None:
    with pytest.raises(KeyError, match="no population 'gass'"):
        run["gass"]
    with pytest.raises(AttributeError, match="did you mean 'position'"):
        _ = run["gas"].positon
    with pytest.raises(KeyError, match="no column 'spin'"):
        run["gas"]["spin"]


def test_unfinished_runs_say_so(run: Run) -> None:
    assert run.complete == run.path.is_file()
    assert ("unfinished" in repr(run)) == (not run.complete)


def test_xarray(run: Run) -> None:
    pytest.importorskip("xarray")
    tree = run.to_xarray()
    np.testing.assert_array_equal(tree["gas/position"][-1], run["gas"].position[-1])
    np.testing.assert_array_equal(tree["carriers"]["frequency"][3], run["carriers"].frequency[3:4][0])
    np.testing.assert_array_equal(tree["gas/heat"][::2, 4], run["gas"].heat[::2, 4])
    np.testing.assert_array_equal(
        tree["series"]["energy_total"].sel(step=slice(5, 9)), run.series("energy/total")[5:10]
    )
    assert tree["fields/density"].dims == ("frame", "x", "y", "z")
    assert tree["gas/position"].attrs["units"] == "length"


def test_pandas(run: Run) -> None:
    pytest.importorskip("pandas")
    series = run.to_pandas()
    assert series["energy/total"].loc[STEPS] == run.series("energy/total")[-1]
    frame = run.to_pandas("gas", -1)
    np.testing.assert_array_equal(frame["position_z"], run["gas"].position[-1][:, 2])
    assert len(run.to_pandas("carriers")) == run["carriers"].counts.sum()
    assert len(run.to_pandas("events")) == len(run.events()["step"])


def test_mdanalysis(run: Run) -> None:
    pytest.importorskip("MDAnalysis")
    universe = run.to_mdanalysis()
    assert universe.trajectory.n_frames == FRAMES
    universe.trajectory[-1]
    np.testing.assert_array_equal(universe.atoms.positions, run["gas"].position[-1].astype("f4"))
    np.testing.assert_array_equal(universe.atoms.masses, run["gas"].mass[0])
    with pytest.raises(OutputError, match="no population 'carriers' with positions"):
        run.to_mdanalysis("carriers")


def test_importing_the_reader_is_cheap() -> None:
    import subprocess
    import sys

    code = "import sys, sensorium.io; assert not {'h5py', 'matplotlib', 'numpy'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
    code = (
        "import sys, sensorium.io.run; assert not {'matplotlib', 'pandas', 'xarray', 'MDAnalysis'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
