"""`docs/tour.md` does what it says: its blocks, run in order as a new user would, from an installed copy.

A `yaml` block is written to the file that its first line names, `python` and `shell` blocks are run (`exit=N` after
`shell` is the exit code of the last command), and the lines of a `text` block must be in what the blocks before it
printed, in this order.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import setuptools

ROOT = Path(__file__).resolve().parents[2]
PAGE = ROOT / "docs" / "tour.md"
FENCE = re.compile(r"^```(\w+)(?: exit=(\d+))?\n(.*?)^```$", re.S | re.M)

pytest.importorskip("MDAnalysis")
pytest.importorskip("distributed")


@dataclass
class Block:
    """A fenced block of the page."""

    line: int
    kind: str
    code: int
    body: str


def blocks() -> Iterator[Block]:
    text = PAGE.read_text()
    for found in FENCE.finditer(text):
        yield Block(text[: found.start()].count("\n") + 1, found[1], int(found[2] or 0), found[3])


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """An empty folder with what is built of the repository in `sensorium/`."""
    home = tmp_path / "sensorium"
    home.mkdir()
    for name in ("engine", "components", "systems", "io", "scenarios"):
        shutil.copytree(ROOT / name, home / name, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, home)
    return tmp_path


def environment(folder: Path) -> dict[str, str]:
    """The environment of the walk: packages that are installed here are not fetched again."""
    seen = [path for path in sys.path if path.endswith("site-packages")]
    borrowed = folder / "borrowed"
    borrowed.mkdir()
    # the walk's own site-packages come first, so that it is the installed copy that runs
    lines = "".join(f"site.addsitedir({path!r})\n" for path in seen)
    (borrowed / "sitecustomize.py").write_text(f"import site\n{lines}")
    # a new environment may come with a setuptools too old to build the package
    (borrowed / "setuptools").symlink_to(Path(setuptools.__file__).parent)
    return {
        **{name: value for name, value in os.environ.items() if name not in ("PYTHONHOME", "SENSORIUM_DEBUG")},
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "PYTHONPATH": str(borrowed),
        "LD_LIBRARY_PATH": f"{sys.prefix}/lib",  # TBB
        "PIP_NO_DEPS": "1",
        "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the value of `build isolation`
        "PIP_DISABLE_PIP_VERSION_CHECK": "1",
    }


def test_the_walk(folder: Path) -> None:
    around = environment(folder)
    printed, at = "", 0
    for block in blocks():
        where = f"docs/tour.md:{block.line}"
        if block.kind == "yaml":
            (folder / block.body.split("\n", 1)[0].removeprefix("# ")).write_text(block.body)
            continue
        if block.kind == "text":
            for line in block.body.splitlines():
                found = printed.find(line.strip(), at)
                assert found >= 0, f"{where}: '{line}' is not in:\n{printed}"
                at = found + len(line.strip())
            printed, at = "", 0
            continue
        script = block.body
        if block.kind == "python":
            script = f"python - <<'END'\n{block.body}END\n"
        elif "activate" in script:
            # one shell after another: what `activate` does must last
            around |= {"PATH": f"{folder / 'tour' / 'bin'}:{around['PATH']}"}
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", script], cwd=folder, env=around, capture_output=True, text=True,
            check=False, timeout=400,
        )  # fmt: skip
        assert done.returncode == block.code, f"{where}: exit code {done.returncode}\n{done.stdout}{done.stderr}"
        assert "Traceback" not in done.stderr, f"{where}: {done.stderr}"
        printed += done.stdout + done.stderr
    for made in ("runs/gas.png", "gas.html", "gas.xyz", "energies.csv", "viscosity/sweep.png"):
        assert (folder / made).stat().st_size > 100, made
    used = subprocess.run(
        ["python", "-c", "import sensorium; print(sensorium.__file__)"], cwd=folder, env=around,
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert Path(used.stdout.strip()).is_relative_to(folder / "tour"), "the walk ran another copy"
