"""The trajectory writer: what is written when, precision, selection, two phases, sealing, publication."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from toy_run import OUTPUT, toy

from sensorium.components import Carrier, Particle
from sensorium.engine.errors import OutputError
from sensorium.engine.simulation import Simulation
from sensorium.io.frames import FrameOptions
from sensorium.io.h5md import TrajectoryWriter
from sensorium.io.output import output_state, record, resume
from sensorium.io.parts import Parts


class Killed(Exception):
    """Stands for a kill: the run ends in the middle of nowhere."""


def kill_at(step: int) -> Callable[[Simulation], None]:
    def progress(sim: Simulation) -> None:
        if sim.world.clock.step == step:
            raise Killed

    return progress


def run(path: Path, *, kills: tuple[int, ...] = (), steps: int = 120, **output: Any) -> bytes:
    """Run to the end through `kills`, each followed by the same command again; the bytes of the file."""
    for kill in (*kills, None):
        sim = toy(steps)
        record(sim, path, {**OUTPUT, **output})
        resume(sim, path)
        if kill is None:
            sim.run()
        else:
            with pytest.raises(Killed):
                sim.run(progress=kill_at(kill))
            assert output_state(path) == "unfinished"
            assert not path.exists()
    return path.read_bytes()


def test_cadence(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(50)
    sim.add_writer(TrajectoryWriter(path, {"every": 20, "at": [3, 50]}, series=5))
    sim.run()
    with h5py.File(path) as file:
        assert file["particles/gas/position/step"][()].tolist() == [0, 3, 20, 40, 50]
        assert file["engine/series/order/r/step"][()].tolist() == list(range(0, 51, 5))
        np.testing.assert_allclose(file["engine/series/order/r/time"][()], 0.01 * np.arange(0, 51, 5), rtol=1e-15)


def test_selection_and_precision(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(10)
    options = FrameOptions(populations=["gas"], columns=["position", "heat"], precision="single")
    sim.add_writer(TrajectoryWriter(path, 5, series=None, frame=options))
    sim.run()
    with h5py.File(path) as file:
        assert set(file["particles"]) == {"gas", "trajectory"}
        assert set(file["particles/gas"]) == {"box", "id", "species", "mass", "position", "heat"}
        assert file["particles/gas/position/value"].dtype == np.float32
        assert list(file["engine/series"] if "series" in file["engine"] else []) == []


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (FrameOptions(populations=["gass"]), "did you mean 'gas'"),
        (FrameOptions(columns=["positon"]), "did you mean 'position'"),
        (FrameOptions(fields=["densty"]), "did you mean 'density'"),
    ],
)
def test_unknown_names_are_refused(tmp_path: Path, options: FrameOptions, named: str) -> None:
    sim = toy(10)
    sim.add_writer(TrajectoryWriter(tmp_path / "run.h5", frame=options))
    with pytest.raises(OutputError, match=named):
        sim.run()


def test_quantized_positions_keep_their_digits(tmp_path: Path) -> None:
    exact, rounded = tmp_path / "exact.h5", tmp_path / "rounded.h5"
    for path, quantize in ((exact, None), (rounded, 1e-4)):
        sim = toy(20, 500)
        sim.add_writer(TrajectoryWriter(path, 1, series=None, frame=FrameOptions(quantize=quantize)))
        sim.run()
    with h5py.File(exact) as a, h5py.File(rounded) as b:
        name = "particles/gas/position/value"
        # scale-offset rounds to the nearest of four decimals
        np.testing.assert_allclose(a[name][()], b[name][()], atol=0.5001e-4, rtol=0)
        assert b[name].id.get_storage_size() < 0.6 * a[name].id.get_storage_size()
        np.testing.assert_array_equal(a["particles/gas/heat/value"][()], b["particles/gas/heat/value"][()])


def test_rows_are_in_the_order_of_ids(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(9)
    sim.add_writer(TrajectoryWriter(path, 3))
    sim.run()
    gas = sim.world.population("gas")
    assert (np.diff(gas.ids) < 0).any(), "the run must have changed the order of rows"
    with h5py.File(path) as file:
        np.testing.assert_array_equal(file["particles/gas/id/value"][-1], np.sort(gas.ids))
        position = gas[Particle].position[np.argsort(gas.ids)]
        np.testing.assert_array_equal(file["particles/gas/position/value"][-1], position)


def test_large_frames_are_cut_into_chunks_of_4_mb(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(1, 250_000, lives=False)
    sim.add_writer(TrajectoryWriter(path, 1, series=None, frame=FrameOptions(columns=["position"])))
    sim.run()
    with h5py.File(path) as file:
        position = file["particles/gas/position/value"]
        assert position.chunks == (1, 125_000, 3)
        gas = sim.world.population("gas")
        np.testing.assert_array_equal(position[-1], gas[Particle].position[np.argsort(gas.ids)])


def test_single_precision_runs_are_stored_single(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(2, precision="single")
    sim.add_writer(TrajectoryWriter(path))
    sim.run()
    with h5py.File(path) as file:
        assert file["particles/gas/position/value"].dtype == np.float32
        assert file["particles/carriers/amplitude/value"].dtype == np.float32


# ---- kills ----------------------------------------------------------------------------------------------------


def test_the_final_file_does_not_depend_on_checkpoints_or_kills(tmp_path: Path) -> None:
    never = run(tmp_path / "a.h5", checkpoint={"every": 10_000})
    assert run(tmp_path / "b.h5") == never, "several segments merge into what one would have been"
    assert run(tmp_path / "c.h5", kills=(33, 50, 51, 119)) == never
    assert run(tmp_path / "d.h5", kills=(2, 17, 100), checkpoint={"every": 16}) == never
    assert sorted(p.name for p in tmp_path.iterdir()) == ["a.h5", "b.h5", "c.h5", "d.h5"], "no parts are left"


def test_quantized_and_sparse_output_is_as_exact(tmp_path: Path) -> None:
    output = {"trajectory": {"every": 13, "quantize": 1e-3}, "series": {"every": 7}}
    never = run(tmp_path / "a.h5", checkpoint={"every": 10_000}, steps=300, **output)
    assert run(tmp_path / "b.h5", kills=(99, 280), checkpoint={"every": 61}, steps=300, **output) == never


def test_a_stopped_run_keeps_its_parts_and_goes_on(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(120)
    record(sim, path, OUTPUT)
    sim.run(progress=lambda s: s.stop() if s.world.clock.step == 55 else None)
    assert output_state(path) == "unfinished"
    again = toy(120)
    record(again, path, OUTPUT)
    assert resume(again, path) == 55
    again.run()
    assert path.read_bytes() == run(tmp_path / "other.h5")


def test_pieces_in_one_process(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(120)
    record(sim, path, OUTPUT)
    for steps in (10, 45, 65):
        sim.run(steps)
        with h5py.File(path) as file:
            assert file["engine/series/order/r/step"][-1] == sim.world.clock.step
    assert path.read_bytes() == run(tmp_path / "other.h5")


def test_kept_segments_look_like_one_file(tmp_path: Path) -> None:
    run(tmp_path / "whole.h5")
    run(tmp_path / "kept.h5", segments="keep", kills=(60,))
    assert len(list((tmp_path / "kept.h5.parts").glob("segment-*.h5"))) == 4
    with h5py.File(tmp_path / "whole.h5") as whole, h5py.File(tmp_path / "kept.h5") as kept:
        names: list[str] = []
        whole.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        assert kept["particles/gas/position/value"].is_virtual
        for name in names:
            np.testing.assert_array_equal(whole[name][()], kept[name][()], err_msg=name)


def test_open_segment_is_readable_up_to_its_last_commit(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(40)
    sim.add_writer(TrajectoryWriter(path, 10))
    seen: list[list[int]] = []

    def look(sim: Simulation) -> None:
        if sim.world.clock.step == 35:
            growing = Parts(path).open_segment()
            assert growing is not None
            with h5py.File(growing, "r", locking=False) as file:
                steps = file["engine/clock/frames/step"][()].tolist()
                position = file["particles/gas/position/value"]
                assert len(position) >= len(steps)
                assert np.isfinite(position[: len(steps)]).all()
                seen.append(steps)

    sim.run(progress=look)
    assert seen[0] == [0, 10, 20, 30][: len(seen[0])], "the thread may be a few frames behind"
    assert path.exists()


# ---- refusals -------------------------------------------------------------------------------------------------


def test_results_are_not_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    before = run(path, steps=10)
    sim = toy(5)
    sim.add_writer(TrajectoryWriter(path))
    with pytest.raises(OutputError, match="is there already"):
        sim.run()
    assert path.read_bytes() == before
    sim = toy(5)
    sim.add_writer(TrajectoryWriter(path, overwrite=True))
    sim.run()
    with h5py.File(path) as file:
        assert file["engine/clock/frames/step"][-1] == 5


def test_an_unfinished_run_is_not_overwritten_either(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(120)
    record(sim, path, OUTPUT)
    with pytest.raises(Killed):
        sim.run(progress=kill_at(80))
    other = toy(120)
    other.add_writer(TrajectoryWriter(path))
    with pytest.raises(OutputError, match="unfinished run"):
        other.run()


def test_two_writers_of_one_file_are_refused(tmp_path: Path) -> None:
    first, second = Parts(tmp_path / "run.h5"), Parts(tmp_path / "run.h5")
    first.claim()
    assert second.in_use
    with pytest.raises(OutputError, match=rf"another process \(pid {os.getpid()}\)"):
        second.claim()
    first.release()
    second.claim()
    second.release()


def test_another_scenario_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(120)
    record(sim, path, OUTPUT)
    with pytest.raises(Killed):
        sim.run(progress=kill_at(80))
    other = toy(120, seed=2)
    record(other, path, OUTPUT)
    with pytest.raises(OutputError, match="differs in: run"):
        resume(other, path)


def test_a_population_may_come_late(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(20, lives=False)
    sim.add_writer(TrajectoryWriter(path, 5))

    def add(sim: Simulation) -> None:
        if sim.world.clock.step == 7:
            sim.world.create("late", (Carrier,), 3)

    sim.run(progress=add)
    with h5py.File(path) as file:
        assert (file["particles/late/id/value"][:2] == -1).all()
        assert (file["particles/late/id/value"][2:, :3] >= 0).all()


def test_a_kill_while_tidying_up_loses_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The mark says that the file is whole; a run that goes on must take the mark away, or half a file is published."""
    whole = run(tmp_path / "whole.h5")
    path = tmp_path / "run.h5"

    def killed(self: Parts, last: str = "lock") -> None:
        raise Killed

    with monkeypatch.context() as patched:
        patched.setattr(Parts, "remove", killed)
        sim = toy(120)
        record(sim, path, OUTPUT)
        with pytest.raises(Killed):
            sim.run()
    parts = Parts(path)
    assert (parts.folder / "complete").is_file()
    assert parts.checkpoints(), "what was to be deleted is still there"
    again = toy(120)
    record(again, path, OUTPUT)
    with pytest.raises(OutputError, match="nothing to resume"):
        resume(again, path)
    assert path.read_bytes() == whole
    assert not parts.exist
    assert output_state(path) == "complete"
