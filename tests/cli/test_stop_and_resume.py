"""Signals: the first finishes the step and saves, the second ends at once; the same command goes on, bit by bit."""

from __future__ import annotations

import json
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

TOLD = ("parameters/argv", "parameters/git", "engine/layout")
Start = Callable[..., subprocess.Popen[str]]
STEPS = 800
# a step that takes its time, so that a signal meets a run in the middle
SLOW = '''\
import time
from sensorium import System


class Slow(System):
    """Takes a millisecond."""
    phase = "end"

    def step(self, dt):
        time.sleep(0.002)
'''
ARGUMENTS = ("run", "tiny.yaml", "--plugin", "slow.py", "--set", "systems=[motion, drag, slow]", "--steps", str(STEPS))


def wait_for_steps(folder: Path, process: subprocess.Popen[str]) -> None:
    """Until the first segment of the run is there."""
    deadline = time.monotonic() + 60
    while not list(folder.glob("runs/tiny.h5.parts/*.h5*")) and time.monotonic() < deadline:
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    time.sleep(0.5)


def contents(path: Path) -> dict[str, Any]:
    found: dict[str, Any] = {}
    with h5py.File(path) as file:
        file.visititems(lambda name, item: found.update({name: item[()]} if isinstance(item, h5py.Dataset) else {}))
    # the command line differs, and the sources may be committed between the runs
    return {name: value for name, value in found.items() if name not in TOLD}


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_signal_saves_and_the_same_command_goes_on(
    process: Start, tmp_path: Path, number: signal.Signals, code: int
) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    running = process(*ARGUMENTS)
    wait_for_steps(tmp_path, running)
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == code, err
    assert "finishing the step" in err
    assert "stopped at step" in out
    assert "Traceback" not in err
    assert not (tmp_path / "runs/tiny.h5").exists()

    again = process(*ARGUMENTS) if number is signal.SIGINT else process("resume", "runs/tiny.h5")
    out, err = again.communicate(timeout=120)
    assert again.returncode == 0, err
    assert "going on from step" in out

    whole = process(*ARGUMENTS, "-o", "whole.h5")
    assert whole.wait(timeout=120) == 0
    resumed, uninterrupted = contents(tmp_path / "runs/tiny.h5"), contents(tmp_path / "whole.h5")
    assert resumed.keys() == uninterrupted.keys()
    for name, value in uninterrupted.items():
        np.testing.assert_array_equal(resumed[name], value, err_msg=name)


def test_a_second_signal_ends_at_once(process: Start, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW.replace("0.002", "20"))
    running = process(*ARGUMENTS)
    wait_for_steps(tmp_path, running)
    running.send_signal(signal.SIGINT)
    time.sleep(0.5)
    assert running.poll() is None  # it waits for the step
    running.send_signal(signal.SIGINT)
    assert running.wait(timeout=5) == 130


def test_watch_sees_a_run_and_that_it_was_killed(process: Start, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    running = process(*ARGUMENTS[:-1], "1000000")
    wait_for_steps(tmp_path, running)
    first = json.loads(process("watch", "runs/tiny.h5", "--once", "--json").communicate(timeout=60)[0])
    assert first["state"] == "running"
    assert first["steps"] == 1_000_000
    running.kill()
    running.wait(timeout=10)
    last = json.loads(process("watch", "runs/tiny.h5", "--once", "--json").communicate(timeout=60)[0])
    assert last["state"] == "killed"
