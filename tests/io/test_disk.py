"""When the disk refuses: one clear error, exit code 5, and the last checkpoint intact."""

from __future__ import annotations

import os
import resource
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from toy_run import OUTPUT, toy

from sensorium.engine.errors import OutputError
from sensorium.io.output import record, resume
from sensorium.io.run import open as open_run


@contextmanager
def small_disk(folder: Path, size: str, *options: str) -> Iterator[Path]:
    """A tmpfs of `size`; skips where mounting is not allowed."""
    folder.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", ",".join((f"size={size}", *options)), "tmpfs", str(folder)], capture_output=True
    )
    if made.returncode:
        pytest.skip("this machine does not let the test mount a small disk")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_full_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "3m") as disk:
        path = disk / "run.h5"
        sim = toy(5000, 300)
        record(sim, path, OUTPUT)
        with pytest.raises(OutputError, match="the disk is full") as caught:
            sim.run()
        assert caught.value.exit_code == 5
        assert "Traceback" not in str(caught.value)
        failed_at = sim.world.clock.step
        # room is made, the same command goes on from the last checkpoint and ends as if nothing had happened
        subprocess.run(["mount", "-o", "remount,size=40m", str(disk)], check=True)
        again = toy(failed_at + 50, 300)
        record(again, path, OUTPUT)
        at = resume(again, path)
        assert at is not None
        assert 0 < at <= failed_at
        again.run()
        direct = tmp_path / "direct.h5"
        other = toy(failed_at + 50, 300)
        record(other, direct, OUTPUT)
        other.run()
        with open_run(path) as a, open_run(direct) as b:
            assert a.steps.tolist() == b.steps.tolist()
            assert (a["gas"].position[-1] == b["gas"].position[-1]).all()


def test_read_only_disk(tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "1m", "ro") as disk:
        sim = toy(5)
        record(sim, disk / "run.h5", OUTPUT)
        with pytest.raises(OutputError, match=r"cannot create .* read-only file system"):
            sim.run()


def test_file_size_limit(tmp_path: Path) -> None:
    """The limit stands for quotas: it needs no rights."""
    script = f"""
import resource, sys
from toy_run import toy, OUTPUT
from sensorium.engine.errors import SensoriumError
from sensorium.io.output import record
resource.setrlimit(resource.RLIMIT_FSIZE, (1_500_000, 1_500_000))
sim = toy(5000, 300)
record(sim, {str(tmp_path / "run.h5")!r}, {{**OUTPUT, "checkpoint": {{"every": 200}}}})
try:
    sim.run()
except SensoriumError as error:
    print(error)
    sys.exit(error.exit_code)
"""
    done = subprocess.run(["python", "-c", script], capture_output=True, text=True, env=_environment(), timeout=120)
    assert done.returncode == 5, done.stderr
    assert "larger than the system allows" in done.stdout
    assert "Traceback" not in done.stderr
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[0] != 1_500_000


def _environment() -> dict[str, str]:
    import sys

    return {**os.environ, "PATH": os.pathsep.join((str(Path(sys.executable).parent), os.environ["PATH"]))}


@pytest.mark.parametrize("where", ["file/run.h5", "/proc/run.h5", "missing/deeper/run.h5"])
def test_impossible_places(tmp_path: Path, where: str) -> None:
    (tmp_path / "file").write_text("not a folder")
    sim = toy(5)
    record(sim, tmp_path / where, OUTPUT)
    if where.startswith("missing"):
        sim.run()  # folders are made
        assert (tmp_path / where).is_file()
        return
    with pytest.raises(OutputError, match="cannot create"):
        sim.run()
