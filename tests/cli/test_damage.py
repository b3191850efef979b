"""Damage that kills the HDF5 library: the commands that read work in a child process and outlive it."""

from __future__ import annotations

import faulthandler
import os
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from sensorium.cli.failures import survived
from sensorium.engine.errors import OutputError
from sensorium.io.run import open as open_run


@pytest.mark.parametrize("number", [signal.SIGSEGV, signal.SIGBUS, signal.SIGABRT])
def test_a_crash_is_one_sentence(capfd: pytest.CaptureFixture[str], number: signal.Signals) -> None:
    def crash() -> int:
        faulthandler.disable()
        os.kill(os.getpid(), number)
        return 0

    assert survived(crash) == 5
    said = capfd.readouterr().err
    assert said.count("\n") == 1
    assert f"({number.name}): the file is damaged; senso repair" in said


def begun(path: Path) -> bool:
    try:
        with open_run(path) as run:
            return len(run) > 0
    except OutputError:
        return False


def test_one_signal_ends_the_child(process: Callable[..., subprocess.Popen[str]], tmp_path: Path) -> None:
    running = process("run", "tiny.yaml", "-q", "--steps", "100000000")
    try:
        until = time.monotonic() + 60
        while not begun(tmp_path / "runs/tiny.h5") and time.monotonic() < until:
            time.sleep(0.05)
        for number in (signal.SIGINT, signal.SIGTERM):
            watching = process("watch", "runs/tiny.h5", "--every", "0.1")
            assert watching.stdout is not None
            assert "running" in watching.stdout.readline()
            watching.send_signal(number)
            _, said = watching.communicate(timeout=30)
            assert (watching.returncode, said.strip()) == (128 + number, "error: stopped")
    finally:
        running.kill()
        running.communicate()
