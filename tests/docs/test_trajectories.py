"""`docs/trajectories.md` does what it says: its blocks, run in order on the run of its scenario."""

from __future__ import annotations

import re
from pathlib import Path

import h5py
import pytest

from sensorium.cli import senso as group
from sensorium.cli.failures import guarded

PAGE = (Path(__file__).resolve().parent.parent.parent / "docs" / "trajectories.md").read_text()
BLOCKS = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
LAYOUT = [line.split()[0] for line in PAGE.splitlines() if line.startswith("    /")]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the scenario of the page and its run."""
    home = tmp_path_factory.mktemp("trajectories")
    (home / "gas.yaml").write_text(re.findall(r"```yaml\n(.*?)```", PAGE, re.DOTALL)[0])
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(home)
        assert guarded(group, ["run", "gas.yaml", "-o", "gas.h5", "--quiet"]) == 0
    return home


def test_the_blocks(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for tool in ("MDAnalysis", "xarray", "pandas"):
        pytest.importorskip(tool)
    monkeypatch.chdir(folder)
    scope: dict[str, object] = {}
    for block in BLOCKS:
        exec(compile(block, "docs/trajectories.md", "exec"), scope)


@pytest.mark.parametrize("ending", ["xyz", "gsd", "lammpstrj", "csv", "parquet"])
def test_exports_of_the_table(folder: Path, ending: str) -> None:
    if ending in ("gsd", "parquet"):
        pytest.importorskip({"gsd": "gsd", "parquet": "pyarrow"}[ending])
    assert f".{ending}`" in PAGE
    out = folder / f"gas.{ending}"
    assert guarded(group, ["export", str(folder / "gas.h5"), "-o", str(out)]) == 0
    assert out.stat().st_size > 0


def test_transposed(folder: Path) -> None:
    out = folder / "by-particle.h5"
    assert guarded(group, ["export", str(folder / "gas.h5"), "--transpose", "-o", str(out)]) == 0
    assert out.stat().st_size > 0


def test_what_lies_where(folder: Path) -> None:
    with h5py.File(folder / "gas.h5") as file:
        for line in LAYOUT:
            path, _, names = line.partition("/{")
            path = path.replace("<population>", "gas").replace("<column>", "position").replace("/...", "")
            path = path.replace("/fields/<name>", "/fields/density").replace("<name>", "energy/total")
            assert path in file, path
            if names:
                for name in names.rstrip("}").split(","):
                    if name and name != "...":
                        assert f"{path}/{name.strip()}" in file, f"{path}/{name}"
