"""``senso new-plugin``: what it makes passes its own tests once it is installed, and runs by name."""

from __future__ import annotations

import subprocess
import sys
import sysconfig
import venv
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Senso = Callable[..., Any]


@pytest.fixture
def python(tmp_path: Path) -> Callable[..., subprocess.CompletedProcess[str]]:
    """A Python of its own that sees what this one sees: what it installs leaves the developer's environment alone."""
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    own = sysconfig.get_path("purelib", vars={"base": str(home), "platbase": str(home)})
    seen = [path for path in sys.path if path.endswith("site-packages")]
    # addsitedir, not a plain path: editable installs are .pth files, too
    Path(own, "seen.pth").write_text("".join(f"import site; site.addsitedir({path!r})\n" for path in seen))

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        command = [str(home / "bin" / "python"), "-m", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)

    return run


def test_a_new_plugin_works(senso: Senso, python: Callable[..., subprocess.CompletedProcess[str]]) -> None:
    """``pip install -e my-field && pytest my-field && senso systems``, as its README says."""
    answer = senso("new-plugin", "my-field")
    assert answer.code == 0
    assert "next: cd my-field" in answer.out
    installed = python("pip", "install", "-q", "--no-deps", "--no-build-isolation", "-e", "my-field")
    assert installed.returncode == 0, installed.stderr
    tests = python("pytest", "-q", "-p", "no:cacheprovider", "my-field")
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
