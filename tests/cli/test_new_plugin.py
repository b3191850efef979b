"""``senso new-plugin``: what it makes passes its own tests once it is installed, and runs by name."""

from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Senso = Callable[..., Any]


def install(project: Path) -> dict[str, str]:
    """Put the project on the path with the metadata that pip would write; return the environment."""
    described = tomllib.loads((project / "pyproject.toml").read_text())["project"]
    info = project / f"{described['name'].replace('-', '_')}-{described['version']}.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(
        f"Metadata-Version: 2.1\nName: {described['name']}\nVersion: {described['version']}\n"
    )
    groups = described["entry-points"].items()
    points = [f"[{group}]\n" + "\n".join(f"{k} = {v}" for k, v in entries.items()) for group, entries in groups]
    (info / "entry_points.txt").write_text("\n".join(points))
    return {**os.environ, "PYTHONPATH": str(project)}


def test_a_new_plugin_works(senso: Senso, tmp_path: Path) -> None:
    answer = senso("new-plugin", "my-field")
    assert answer.code == 0
    assert "next: cd my-field" in answer.out
    project = tmp_path / "my-field"
    environment = install(project)

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", *arguments]
        return subprocess.run(command, cwd=project, env=environment, capture_output=True, text=True, timeout=300)

    tests = python("pytest", "-q", "-p", "no:cacheprovider")
    assert tests.returncode == 0, tests.stdout
    listed = python("sensorium", "systems").stdout
    assert any(line.startswith("my-field ") and "package my-field 0.1.0" in line for line in listed.splitlines())
    ran = python("sensorium", "run", "my-field", "-o", "fall.h5")
    assert ran.returncode == 0, ran.stderr
    assert "trajectory: fall.h5" in ran.stdout


@pytest.mark.parametrize("name", ["My", "a_b", "1a", "a--b", "-a", "class", "a b", ""])
def test_names_that_cannot_be(senso: Senso, name: str) -> None:
    answer = senso("new-plugin", "--", name)
    assert answer.code == 3
    assert f"'{name}' is" in answer.err


def test_nothing_is_overwritten(senso: Senso, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    answer = senso("new-plugin", "mine")
    assert answer.code == 5
    assert "mine is there already" in answer.err
