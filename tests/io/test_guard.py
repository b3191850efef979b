"""HDF5 from strangers: what leads out of the file, claims too much or is damaged ends in one sentence."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import fuzz_reader
import h5py
import numpy as np
import pytest
from toy_run import OUTPUT, toy

from sensorium.engine.errors import OutputError
from sensorium.io.output import record
from sensorium.io.run import open as open_run


@pytest.fixture(scope="module")
def trajectory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("guard") / "run.h5"
    sim = toy(40, 30)
    record(sim, path, OUTPUT)
    sim.run()
    return path


def external_link(file: h5py.File) -> None:
    del file["particles/gas/position/value"]
    file["particles/gas/position/value"] = h5py.ExternalLink("/etc/passwd", "/")


def soft_link(file: h5py.File) -> None:
    del file["particles/gas/position/value"]
    file["particles/gas/position/value"] = h5py.SoftLink("/particles/gas/heat/value")


def external_storage(file: h5py.File) -> None:
    del file["particles/gas/position/value"]
    file.create_dataset("particles/gas/position/value", (5, 30, 3), "f8", external=[("/etc/passwd", 0, 3600)])


def virtual(file: h5py.File) -> None:
    del file["particles/gas/position/value"]
    layout = h5py.VirtualLayout((5, 30, 3), "f8")
    layout[...] = h5py.VirtualSource("/etc/passwd", "x", (5, 30, 3))
    file.create_virtual_dataset("particles/gas/position/value", layout)


def absurd(file: h5py.File) -> None:
    del file["particles/gas/position/value"]
    file.create_dataset("particles/gas/position/value", (5, 10**12, 3), "f8", chunks=(1, 1000, 3))


def short(file: h5py.File) -> None:
    file["particles/gas/position/value"].resize(2, 0)


def scalar(file: h5py.File) -> None:
    del file["particles/gas/position/value"]
    file["particles/gas/position/value"] = 1.0


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (external_link, "link of a kind that is not followed"),
        (soft_link, "link of a kind that is not followed"),
        (external_storage, "stored outside the file"),
        (virtual, "virtual dataset without a manifest"),
        (absurd, "claims"),
        (short, "shorter than its steps"),
        (scalar, "not a dataset of rows"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_hostile_datasets(tmp_path: Path, trajectory: Path, change: Callable[[h5py.File], None], said: str) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(trajectory.read_bytes())
    with h5py.File(path, "r+") as file:
        change(file)
    with pytest.raises(OutputError, match=said) as caught:
        np.asarray(open_run(path)["gas"].position)
    assert caught.value.exit_code == 5


@pytest.mark.parametrize("content", [b"", b"not HDF5", b"\x89HDF\r\n\x1a\n" + bytes(40)])
def test_no_hdf5_at_all(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "run.h5"
    path.write_bytes(content)
    with pytest.raises(OutputError, match="cannot read"):
        open_run(path)


def test_other_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["x"] = 1
    with pytest.raises(OutputError, match="is not a trajectory of sensorium"):
        open_run(tmp_path / "other.h5")


def test_absent(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="does not exist"):
        open_run(tmp_path / "run.h5")
    with pytest.raises(OutputError, match="is not a file"):
        open_run(tmp_path)


@pytest.mark.parametrize("cut", [0.2, 0.5, 0.9, 0.999])
def test_truncated(tmp_path: Path, trajectory: Path, cut: float) -> None:
    path = tmp_path / "run.h5"
    raw = trajectory.read_bytes()
    path.write_bytes(raw[: int(cut * len(raw))])
    with pytest.raises(OutputError, match="truncated"):
        open_run(path)


def test_a_missing_part_is_not_read_as_zeros(tmp_path: Path) -> None:
    path = tmp_path / "run.h5"
    sim = toy(100, 30)
    record(sim, path, {**OUTPUT, "segments": "keep"})
    sim.run()
    np.asarray(open_run(path)["gas"].position)
    (tmp_path / "run.h5.parts" / "segment-0001.h5").unlink()
    with pytest.raises(OutputError, match=r"segment-0001\.h5 is missing"):
        open_run(path)


def fuzz(tmp_path: Path, trajectory: Path, seed: int, count: int) -> dict[str, int]:
    done = subprocess.run(
        [sys.executable, fuzz_reader.__file__, str(trajectory), str(tmp_path / "flipped.h5"), str(seed), str(count)],
        capture_output=True, text=True, timeout=30 + count,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    ends: dict[str, int] = json.loads(done.stdout)
    return ends


def test_flipped_bytes(tmp_path: Path, trajectory: Path) -> None:
    ends = fuzz(tmp_path, trajectory, 1, 60)
    assert set(ends) <= {"0", "5"}, f"no traceback, no signal, no hang: {ends}"
    assert ends.get("5", 0) > 0, "some flips must have been noticed"


@pytest.mark.slow
def test_many_flipped_bytes(tmp_path: Path, trajectory: Path) -> None:
    assert set(fuzz(tmp_path, trajectory, 2, 600)) <= {"0", "5"}
