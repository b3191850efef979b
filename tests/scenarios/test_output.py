"""The ``output`` section: what it names must exist, and writers of plugins write."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from sensorium.engine.errors import ScenarioError
from sensorium.engine.plugins import Registry
from sensorium.engine.simulation import Simulation
from sensorium.scenarios.launch import launch
from sensorium.scenarios.scenario import Scenario, read_scenario

GAS: dict[str, Any] = {"gas": {"count": 3, "components": {"particle": {}}}}


class Steps:
    """Writes the number of each step into a JSON file."""

    def __init__(self, path: str, every: int = 1) -> None:
        self.path, self.every, self.seen = Path(path), every, list[int]()

    def open(self, sim: Simulation) -> None:
        """Nothing."""

    def write(self, sim: Simulation) -> None:
        """Note the step."""
        if sim.world.clock.step % self.every == 0:
            self.seen.append(sim.world.clock.step)

    def close(self, sim: Simulation) -> None:
        """Write the file."""
        self.path.write_text(json.dumps(self.seen))

    def state(self) -> dict[str, Any]:
        """What was seen."""
        return {"seen": ",".join(map(str, self.seen))}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take it over."""
        self.seen = [int(step) for step in state["seen"].split(",")]


@pytest.fixture
def check(registry: Registry) -> Callable[[dict[str, Any]], Scenario]:
    with_writers = Registry(registry.systems, registry.components, {"steps": Steps}, registry.origins)

    def reader(output: dict[str, Any]) -> Scenario:
        scenario = {"run": {"steps": 4}, "populations": GAS, "systems": ["motion"], "output": output}
        return read_scenario(scenario, registry=with_writers)

    return reader


def test_writers_of_plugins(check: Callable[..., Scenario], tmp_path: Path) -> None:
    path = tmp_path / "steps.json"
    scenario = check({"writers": [{"steps": {"path": str(path), "every": 2}}]})
    sim = launch(scenario, tmp_path / "run.h5", device="cpu")
    assert sim is not None
    sim.run()
    assert json.loads(path.read_text()) == [2, 4]


@pytest.mark.parametrize(
    ("output", "expected"),
    [
        ({"writers": ["stpes"]}, "output.writers.stpes: no writer 'stpes'; did you mean 'steps'?"),
        ({"writers": [{"steps": {}}]}, "output.writers.steps: missing a required argument: 'path'"),
        ({"writers": [{"steps": {"path": "x", "evry": 1}}]}, "got an unexpected keyword argument 'evry'"),
        ({"writers": [{"steps": 3}]}, "must be a mapping of parameters to values, not a number"),
        ({"writers": [3]}, "must be a writer, or a mapping of one to its parameters, not a number"),
        ({"trajectory": {"populations": ["gsa"]}}, "no population 'gsa'; did you mean 'gas'?"),
        ({"trajectory": {"columns": ["positoin"]}}, "no column 'positoin'; did you mean 'position'?"),
        ({"trajectory": {"precision": "half"}}, "must be 'single' or 'double', not 'half'"),
        ({"segments": "split"}, "must be 'merge' or 'keep', not 'split'"),
        ({"checkpoint": {"keep": 0}}, "must be >= 1, not 0"),
        ({"series": {"any": []}}, "must have at least 1 items, not 0"),
        ({"series": {"any": [{"wall_time": 0}]}}, "output.series.any.0.wall_time: must be > 0, not 0"),
    ],
)
def test_what_does_not_exist(check: Callable[..., Scenario], output: dict[str, Any], expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        check(output)
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_what_exists(check: Callable[..., Scenario]) -> None:
    check(
        {
            "trajectory": {"every": 10, "populations": ["gas", "carriers"], "columns": ["position", "id", "amplitude"]},
            "series": {"at": 5, "any": [{"every": 2}, {"all": [{"every": 3}, {"wall_time": 1.5}]}]},
            "checkpoint": {"wall_time": 60, "keep": 3},
            "segments": "keep",
        }
    )
