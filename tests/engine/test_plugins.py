"""Plugins: found by entry points and files, named when broken, refused when a name is taken."""

from __future__ import annotations

import importlib
import sys
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from sensorium.engine.errors import ScenarioError
from sensorium.engine.plugins import Registry, load_file

PLUGIN = '''\
"""A plugin in one file."""
from sensorium import Component, Field, System, param
from sensorium.components import Particle


class Charge(Component):
    """Electric charge."""
    q = Field("f8", default=1.0)


class _Hidden(System):
    def step(self, dt): ...


class UniformField(System):
    """F = q E."""
    reads = (Charge.q,)
    accumulates = (Particle.force,)
    phase = "force"
    strength: float = param(1.0)

    def step(self, dt):
        for _, particle, charge in self.query(Particle, Charge):
            particle.force += self.strength * charge.q[:, None]
'''


def write(folder: Path, text: str = PLUGIN, name: str = "my-plugin.py") -> Path:
    path = folder / name
    path.write_text(text)
    return path


def test_a_file_registers_its_systems_and_components(tmp_path: Path) -> None:
    registry = Registry.discover(files=[write(tmp_path)])
    assert set(registry.systems) == {"uniform-field"}
    assert set(registry.components) == {"charge"}
    assert registry.origins[registry.systems["uniform-field"]] == f"file {tmp_path / 'my-plugin.py'}"
    assert registry.system("uniform-field")(strength=2).strength == 2  # type: ignore[attr-defined]


def test_the_same_file_is_one_module(tmp_path: Path) -> None:
    path = write(tmp_path)
    first = load_file(path)
    assert load_file(str(path)) is first
    path.write_text(PLUGIN.replace("param(1.0)", "param(5.0)"))
    assert load_file(path) is not first


def test_built_in_packages_are_walked() -> None:
    registry = Registry.discover(["sensorium.components", "sensorium.systems"])
    assert {"motion", "drag", "planck-exchange", "homeostasis", "energy-ledger"} <= set(registry.systems)
    assert {"particle", "oscillator", "carrier", "token"} <= set(registry.components)
    assert registry.origins[registry.systems["motion"]] == "built in"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import no_such_package", ":1: ModuleNotFoundError: No module named 'no_such_package'"),
        ("x = 1\nraise ValueError('broken on purpose')", ":2: ValueError: broken on purpose"),
        ("def f(:\n    pass", ":1: SyntaxError"),
        ("import sys\nsys.exit(3)", ":2: SystemExit: 3"),
        ("x = 1", "defines no System and no Component"),
        ("\x00", "SyntaxError"),
    ],
)
def test_broken_files_are_named(tmp_path: Path, text: str, expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        Registry.discover(files=[write(tmp_path, text, "broken.py")])
    assert str(caught.value).startswith(f"plugin {tmp_path / 'broken.py'}")
    assert expected in str(caught.value)


def test_a_missing_file(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match=r"plugin .*none\.py: cannot be read: No such file or directory"):
        Registry.discover(files=[tmp_path / "none.py"])


def test_two_systems_of_one_name(tmp_path: Path) -> None:
    other = write(tmp_path, PLUGIN.replace("Charge", "Spin"), "other.py")
    with pytest.raises(
        ScenarioError, match=r"system 'uniform-field' of file .*other\.py has the name of the one that is"
    ):
        Registry.discover(files=[write(tmp_path), other])
    taken = write(tmp_path, PLUGIN.replace("UniformField", "Motion"), "taken.py")
    with pytest.raises(ScenarioError, match=r"system 'motion' of file .* has the name of the one that is built in"):
        Registry.discover(["sensorium.systems"], [taken])


def test_unknown_names_come_with_a_suggestion(tmp_path: Path) -> None:
    registry = Registry.discover(files=[write(tmp_path)])
    with pytest.raises(ScenarioError, match="no system 'unifrom-field'; did you mean 'uniform-field'"):
        registry.system("unifrom-field")
    with pytest.raises(ScenarioError, match="no component 'chrage'; did you mean 'charge'"):
        registry.component("chrage")


def test_a_system_with_impossible_parameters_is_told(tmp_path: Path) -> None:
    text = PLUGIN.replace("strength: float = param(1.0)", "strength: 'NoSuchType' = param(1.0)")
    with pytest.raises(ScenarioError, match=r"my-plugin\.py: .*NoSuchType"):
        Registry.discover(files=[write(tmp_path, text)])


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A package on the path, offered through entry points by an installed distribution."""
    (tmp_path / "demo_plugin.py").write_text(PLUGIN + "\nclass Report: ...\n")
    (tmp_path / "demo_broken.py").write_text("raise RuntimeError('no such device')")
    info = tmp_path / "demo-1.2.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: demo\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(
        "[sensorium.systems]\nall = demo_plugin\nbroken = demo_broken:Anything\nodd = demo_plugin:Report\n"
        "[sensorium.components]\ncharge = demo_plugin:Charge\n"
        "[sensorium.writers]\nreport = demo_plugin:Report\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    importlib.invalidate_caches()
    monkeypatch.delitem(sys.modules, "demo_plugin", raising=False)
    return tmp_path


def test_entry_points(installed: Path) -> None:
    registry = Registry.discover()
    cls = registry.systems["uniform-field"]
    assert registry.origins[cls] == "package demo 1.2"
    assert registry.components["charge"].__name__ == "Charge"
    assert "report" in registry.writers


def test_a_broken_package_is_told_and_does_not_stop_the_others(installed: Path) -> None:
    registry = Registry.discover()
    assert len(registry.broken) == 2
    assert any("demo_broken" in line and "RuntimeError: no such device" in line for line in registry.broken)
    assert any("odd" in line and "neither a System, nor a Component" in line for line in registry.broken)
    with pytest.raises(ScenarioError, match=r"no system 'gravty'.*2 plugins could not be loaded: see senso doctor"):
        registry.system("gravty")


def test_entry_points_are_read_without_importing() -> None:
    from sensorium.engine.plugins import GROUPS, entry_points_of

    for group in GROUPS:
        assert all(isinstance(entry, EntryPoint) for entry in entry_points_of(group))
