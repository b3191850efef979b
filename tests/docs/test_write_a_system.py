"""`docs/write-a-system.md` does what it says: its files, copied out and run as a reader would."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

PAGE = Path(__file__).resolve().parents[2] / "docs" / "write-a-system.md"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with every file of the page: code blocks whose first line is `# NAME`."""
    for name, body in re.findall(r"```(?:python|yaml)\n# (\S+)\n(.*?)```", PAGE.read_text(), re.S):
        (tmp_path / name).write_text(body)
    return tmp_path


def run(folder: Path, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-m", *command], cwd=folder, capture_output=True, text=True, check=False)


def test_the_page_has_its_three_files(folder: Path) -> None:
    assert sorted(p.name for p in folder.iterdir()) == ["charge.py", "charged.yaml", "test_charge.py"]


def test_two_lines_of_yaml_run_it(folder: Path) -> None:
    done = run(folder, "sensorium", "run", "charged.yaml", "--plugin", "charge.py")
    assert done.returncode == 0, done.stderr
    assert list(folder.glob("**/*.h5"))


def test_debug_mode_is_content_with_it(folder: Path) -> None:
    done = run(folder, "sensorium", "run", "charged.yaml", "--plugin", "charge.py", "--debug", "--steps", "3")
    assert done.returncode == 0, done.stderr


def test_it_is_listed(folder: Path) -> None:
    done = run(folder, "sensorium", "systems", "uniform-field", "--plugin", "charge.py")
    assert done.returncode == 0, done.stderr
    assert "V/m" in done.stdout


def test_its_tests_pass(folder: Path) -> None:
    done = run(folder, "pytest", "-q", "-p", "no:cacheprovider", "test_charge.py")
    assert done.returncode == 0, done.stdout + done.stderr
