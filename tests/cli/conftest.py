"""The command line, run in this process or in one of its own."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from sensorium.cli import senso as group
from sensorium.cli.failures import guarded

TINY = """\
sensorium: 1
name: tiny
run: {steps: 6, dt: 0.01, seed: 7}
box: {edges: 2, grid: 8}
populations:
  gas:
    count: 50
    components:
      particle: {position: random, velocity: {maxwell: {temperature: 1}}, radius: 0.1, heat: 1.0}
      oscillator: {energy: 0.5}
systems:
  - homeostasis
  - drag
  - motion
  - planck-exchange
"""


@dataclass
class Answer:
    """What a command left behind."""

    code: int
    out: str
    err: str


Senso = Callable[..., Answer]


@pytest.fixture
def senso(capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Senso:
    """Run a command in an empty folder of its own that holds ``tiny.yaml``; never a traceback."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("SENSORIUM_DEBUG", raising=False)
    (tmp_path / "tiny.yaml").write_text(TINY)

    def run(*arguments: str) -> Answer:
        capsys.readouterr()
        code = guarded(group, arguments)
        captured = capsys.readouterr()
        assert "Traceback" not in captured.err + captured.out
        return Answer(code, captured.out, captured.err)

    return run


@pytest.fixture
def process(tmp_path: Path) -> Callable[..., subprocess.Popen[str]]:
    """Start ``senso`` as a process in the same folder."""
    (tmp_path / "tiny.yaml").write_text(TINY)

    def start(*arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "sensorium", *arguments],
            cwd=tmp_path, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
        )  # fmt: skip

    return start
