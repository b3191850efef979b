"""The house rules: imports point one way, modules stay small, and the folders shadow nothing."""

from __future__ import annotations

import ast
import io
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
LAYERS = {
    "engine": 0,
    "components": 1,
    "systems": 2,
    "io": 3,
    "scenarios": 4,
    "cli": 5,
    "sensorium": 5,
}  # scenarios read data files through io
MODULES = sorted(
    path for folder in ("engine", "components", "systems", "io", "scenarios") for path in (ROOT / folder).rglob("*.py")
)


def layer_of(path: Path) -> str:
    parts = path.relative_to(ROOT).parts
    return "sensorium" if parts[:2] == ("engine", "_root") else parts[0]


def imported(path: Path) -> list[tuple[str, int]]:
    """Absolute names of every module of ours that `path` imports, type-checking imports left out."""
    tree = ast.parse(path.read_text())
    skipped = {
        id(node)
        for test in ast.walk(tree)
        if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.dump(test.test)
        for node in ast.walk(test)
    }
    found = []
    for node in ast.walk(tree):
        if id(node) in skipped:
            continue
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            found.append((node.module or "", node.lineno))
        elif isinstance(node, ast.Import):
            found += [(alias.name, node.lineno) for alias in node.names]
    return found


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_imports_point_one_way(path: Path) -> None:
    own = layer_of(path)
    for name, line in imported(path):
        top, _, rest = name.partition(".")
        where = f"{path.relative_to(ROOT)}:{line}: imports {name}"
        assert top not in ("engine", "components", "systems", "scenarios"), f"{where}: use sensorium.{name}"
        if top != "sensorium":
            continue
        other = rest.partition(".")[0] if rest else "sensorium"
        if own == other or own == "sensorium":
            continue
        assert LAYERS.get(other, 5) < LAYERS[own], f"{where}: {own} may not import {other}"


@pytest.mark.parametrize("path", sorted((ROOT / "systems").rglob("*.py")), ids=lambda p: p.stem)
def test_a_system_never_imports_another(path: Path) -> None:
    """Modules of `systems` that define a System are imported by none of the others."""
    for name, line in imported(path):
        if not name.startswith("sensorium.systems."):
            continue
        target = ROOT / Path(*name.split(".")[1:])
        source = target.with_suffix(".py") if target.with_suffix(".py").exists() else target / "__init__.py"
        bases = [
            ast.unparse(b)
            for n in ast.walk(ast.parse(source.read_text()))
            if isinstance(n, ast.ClassDef)
            for b in n.bases
        ]
        assert "System" not in bases, f"{path.name}:{line} imports a system: {name}"


@pytest.mark.parametrize("path", MODULES, ids=lambda p: str(p.relative_to(ROOT)))
def test_no_module_is_over_500_lines(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= 500


def test_the_folder_named_io_does_not_shadow_the_standard_library() -> None:
    assert hasattr(io, "BytesIO")


def test_import_from_the_root_is_the_installed_package() -> None:
    """`import sensorium` in the checkout gives one copy, and loads neither numba nor matplotlib."""
    code = (
        "import sys, sensorium, sensorium.cli\n"
        "heavy = [m for m in ('numba', 'matplotlib', 'h5py', 'scipy', 'pydantic') if m in sys.modules]\n"
        "assert not heavy, heavy\n"
        "assert 'engine' not in sys.modules\n"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
