"""``extends``: maps merge, lists replace, and chains that end nowhere are refused."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from sensorium.engine.errors import ScenarioError
from sensorium.scenarios.scenario import Scenario

Read = Callable[..., Scenario]
Write = Callable[..., Path]

BASE = """\
run: {steps: 10, dt: 0.5, seed: 1}
box: {edges: [1, 2, 3]}
populations:
  gas:
    count: 5
    components:
      particle: {mass: {uniform: [1, 2]}, position: {lattice: fcc, jitter: 0.1}, radius: 0.5}
systems: [motion, drag]
"""


def test_maps_merge_and_lists_replace(read: Read, write: Write) -> None:
    write(BASE, "base.yaml")
    child = write(
        "extends: base.yaml\nrun: {dt: 0.25}\nbox: {edges: [4, 5, 6]}\nsystems: [motion]\n"
        "populations: {gas: {count: 7}, more: {count: 1, components: {oscillator: }}}\n"
    )
    scenario = read(child)
    assert scenario.name == "s"
    assert scenario.document.run.model_dump() == {"steps": 10, "dt": 0.25, "seed": 1, "precision": "double"}
    assert scenario.box is not None
    assert scenario.box.edges == (4.0, 5.0, 6.0)
    assert [plan.kind.name for plan in scenario.systems] == ["motion"]
    assert [(plan.name, plan.count) for plan in scenario.populations] == [("gas", 7), ("more", 1)]


def test_an_initial_value_of_another_form_replaces(read: Read, write: Write) -> None:
    write(BASE, "base.yaml")
    child = write(
        "extends: base.yaml\n"
        "populations: {gas: {components: {particle: {mass: {normal: {mean: 5}}, position: {jitter: 0.2}}}}}\n"
    )
    particle = read(child).resolved["populations"]["gas"]["components"]["particle"]
    assert particle == {"mass": {"normal": {"mean": 5}}, "position": {"lattice": "fcc", "jitter": 0.2}, "radius": 0.5}


def test_mistakes_are_reported_where_they_are_written(read: Read, write: Write) -> None:
    write(BASE.replace("dt: 0.5", "dt: -1"), "base.yaml")
    child = write("extends: base.yaml\nrun: {seed: -5}\n")
    with pytest.raises(ScenarioError) as caught:
        read(child)
    lines = str(caught.value).splitlines()
    assert "base.yaml:1:22: run.dt: must be > 0, not -1" in lines[0]
    assert "s.yaml:2:13: run.seed: must be >= 0, not -5" in lines[1]


def test_files_are_relative_to_the_file_that_names_them(read: Read, write: Write, tmp_path: Path) -> None:
    (tmp_path / "bases").mkdir()
    np.save(tmp_path / "bases" / "m.npy", np.arange(5.0) + 1)
    (tmp_path / "bases" / "base.yaml").write_text(BASE.replace("{uniform: [1, 2]}", "{file: m.npy}"))
    scenario = read(write("extends: bases/base.yaml\n"))
    assert scenario.populations[0].count == 5
    resolved = scenario.resolved["populations"]["gas"]["components"]["particle"]["mass"]
    assert resolved == {"file": str(tmp_path / "bases" / "m.npy")}


def test_three_generations(read: Read, write: Write) -> None:
    write(BASE, "a.yaml")
    write("extends: a.yaml\nrun: {steps: 20}\n", "b.yaml")
    scenario = read(write("extends: b.yaml\nrun: {seed: 3}\n"))
    assert (scenario.document.run.steps, scenario.document.run.seed) == (20, 3)


def test_cycles_are_refused(read: Read, write: Write) -> None:
    write("extends: s.yaml\n", "b.yaml")
    with pytest.raises(ScenarioError, match=r"b.yaml:1:10: extends: extends itself: .*s.yaml -> .*b.yaml -> .*s.yaml"):
        read(write("extends: b.yaml\n"))
    with pytest.raises(ScenarioError, match="extends itself"):
        read(write("extends: ./s.yaml\n"))


def test_long_chains_are_refused(read: Read, write: Write) -> None:
    for n in range(20):
        write(f"extends: c{n + 1}.yaml\n", f"c{n}.yaml")
    write("run: {}", "c20.yaml")
    with pytest.raises(ScenarioError, match="more than 16 scenarios extend one another"):
        read(write("extends: c0.yaml\n"))


def test_a_base_that_is_missing(read: Read, write: Write) -> None:
    with pytest.raises(ScenarioError, match=r"s.yaml:1:10: extends: no file '.*nope.yaml'"):
        read(write("extends: nope.yaml\n"))
    with pytest.raises(ScenarioError, match="no file and no packaged scenario 'manifodl'; did you mean 'manifold'"):
        read(write("extends: manifodl\n"))


def test_a_packaged_scenario_can_be_extended(read: Read, write: Write) -> None:
    scenario = read(write("extends: manifold\nrun: {steps: 3}\n"))
    assert scenario.document.run.steps == 3
    assert scenario.populations
