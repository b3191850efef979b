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

TOLD = ("parameters/argv", "parameters/git", "engine/layout")
Start = Callable[..., subprocess.Popen[str]]
STEPS = 600
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


def stop(running: subprocess.Popen[str], number: signal.Signals) -> tuple[str, str]:
    running.send_signal(number)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 128 + number, err
    assert f"{number.name}: finishing the step" in err
    assert "stopped at step" in out
    assert "Traceback" not in err
    return out, err


def test_signals_save_and_the_same_command_goes_on(process: Start, tmp_path: Path) -> None:
    (tmp_path / "slow.py").write_text(SLOW)
    running = process(*ARGUMENTS)
    wait_for_steps(tmp_path, running)
    stop(running, signal.SIGINT)
    assert not (tmp_path / "runs/tiny.h5").exists()

    running = process(*ARGUMENTS)
    assert running.stdout is not None
    assert "going on from step" in running.stdout.readline()
    time.sleep(0.3)
    stop(running, signal.SIGTERM)

    out, err = process("resume", "runs/tiny.h5").communicate(timeout=120)
    assert "going on from step" in out, err
    assert "trajectory: runs/tiny.h5" in out

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
