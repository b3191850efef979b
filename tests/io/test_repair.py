"""Repair: whatever is good in a damaged run is saved, and what is lost is said."""

from __future__ import annotations

import shutil
from pathlib import Path

import h5py
import numpy as np
import pytest
from toy_run import OUTPUT, toy

from sensorium.engine.errors import OutputError
from sensorium.io.output import record
from sensorium.io.parts import Parts
from sensorium.io.repair import repair
from sensorium.io.run import open as open_run

FRAMES = 6


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("repair") / "run.h5"
    sim = toy(50, 400)
    record(sim, path, OUTPUT)
    sim.run()
    return path


def test_a_good_file_is_copied_whole(good: Path, tmp_path: Path) -> None:
    done = repair(good, tmp_path / "copy.h5")
    assert (done.copied, done.lost, done.columns) == (FRAMES, (), ())
    with h5py.File(good) as a, h5py.File(tmp_path / "copy.h5") as b:
        names: list[str] = []
        a.visititems(lambda name, item: names.append(name) if isinstance(item, h5py.Dataset) else None)
        for name in names:
            if name != "engine/layout":
                np.testing.assert_array_equal(a[name][()], b[name][()], err_msg=name)


def test_a_frame_with_a_broken_chunk_is_left_out(good: Path, tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    shutil.copy(good, path)
    with h5py.File(path) as file:
        chunk = file["particles/gas/id/value"].id.get_chunk_info_by_coord((3, 0))
    with open(path, "r+b") as raw:
        raw.seek(chunk.byte_offset)
        raw.write(b"\xff" * chunk.size)  # no zlib stream any more
    done = repair(path, tmp_path / "saved.h5")
    assert done.lost == (3,)
    with open_run(tmp_path / "saved.h5") as saved, open_run(good) as whole:
        assert saved.steps.tolist() == [0, 10, 20, 40, 50]
        np.testing.assert_array_equal(saved["gas"].position[3], whole["gas"].position[4])
        np.testing.assert_array_equal(saved.series("order/r").values, whole.series("order/r").values)
        assert len(saved.events()["step"]) == len(whole.events()["step"])


def test_an_unsealed_segment_becomes_a_trajectory(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(100, 30)
    writer = record(sim, path, {**OUTPUT, "checkpoint": {"every": 1000}})
    copies: list[Path] = []

    def copy(sim: object) -> None:
        growing = Parts(path).open_segment()
        if sim.world.clock.step == 85 and growing is not None:  # type: ignore[attr-defined]
            writer._recorder._worker._jobs.join()
            copies.append(tmp_path / "killed.h5")
            shutil.copy(growing, copies[0])

    sim.run(progress=copy)
    done = repair(copies[0], tmp_path / "saved.h5")
    assert done.copied == 9
    with open_run(tmp_path / "saved.h5") as saved, open_run(path) as whole:
        np.testing.assert_array_equal(saved["gas"].position[-1], whole["gas"].position[8])
        np.testing.assert_array_equal(saved["carriers"].frequency[-1], whole["carriers"].frequency[8])
        assert saved.fields["density"].shape == (9, 4, 6, 8)
        assert list(saved.populations) == ["gas", "carriers"]


def test_hopeless_files(good: Path, tmp_path: Path) -> None:
    (tmp_path / "bad.h5").write_bytes(b"nothing")
    with pytest.raises(OutputError, match="cannot read"):
        repair(tmp_path / "bad.h5", tmp_path / "saved.h5")
    assert not (tmp_path / "saved.h5").exists()
    with pytest.raises(OutputError, match="is there already"):
        repair(good, good)
