"""kill -9 at random times: what was sealed opens everywhere, and the same command ends with the same bytes."""

from __future__ import annotations

import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import h5py
import numpy as np
import pytest
import toy_run

from sensorium.io.output import output_state
from sensorium.io.parts import Parts
from sensorium.io.run import open as open_run

STEPS = 400
COMMAND = [sys.executable, toy_run.__file__]


def command(path: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([*COMMAND, str(path), str(STEPS)], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def finish(path: Path) -> float:
    """Let the command end; seconds between its first step and its end."""
    process = command(path)
    assert process.stdout is not None
    process.stdout.readline()
    began = time.monotonic()
    _, complaint = process.communicate(timeout=120)
    assert process.returncode == 0, complaint.decode()
    return time.monotonic() - began


def kill(path: Path, after: float) -> bool:
    """Run the command and kill it `after` seconds from its first step; False when it was faster."""
    process = command(path)
    assert process.stdout is not None
    process.stdout.readline()
    time.sleep(after)
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    return process.returncode == -signal.SIGKILL


def check_sealed(path: Path) -> None:
    """Every sealed segment opens in a plain reader, whole."""
    for segment in Parts(path).sealed():
        with h5py.File(segment, "r") as file:
            steps = file["particles/gas/position/step"][()]
            assert file["particles/gas/position/value"].shape[0] == len(steps)
            assert np.isfinite(file["particles/gas/position/value"][()]).all()
    if Parts(path).checkpoints():
        with open_run(path) as run:
            assert np.isfinite(run["gas"].position[-1]).all()


def trial(path: Path, seconds: float, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 3)):
        if not kill(path, chance.uniform(0, seconds)):
            break
        check_sealed(path)
    if output_state(path) != "complete":
        finish(path)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, float]:
    path = tmp_path_factory.mktemp("whole") / "run.h5"
    seconds = finish(path)
    return path.read_bytes(), seconds


def test_three_kills(tmp_path: Path, whole: tuple[bytes, float]) -> None:
    for number in range(3):
        path = tmp_path / f"{number}.h5"
        trial(path, whole[1], random.Random(number))
        assert path.read_bytes() == whole[0]
        assert not Parts(path).exist


@pytest.mark.slow
def test_a_hundred_kills(tmp_path: Path, whole: tuple[bytes, float]) -> None:
    for number in range(100):
        path = tmp_path / f"{number}.h5"
        trial(path, whole[1], random.Random(1000 + number))
        assert path.read_bytes() == whole[0], f"trial {number}"
        path.unlink()
