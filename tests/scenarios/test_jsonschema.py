"""The JSON Schema: accepts what the reader accepts, refuses common mistakes, and has the plugins."""

from __future__ import annotations

from typing import Any

import pytest

from sensorium.engine.plugins import Registry
from sensorium.scenarios.jsonschema import json_schema
from sensorium.scenarios.library import packaged
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.tree import plain
from sensorium.scenarios.yaml12 import read

jsonschema = pytest.importorskip("jsonschema", reason="jsonschema is not installed")


@pytest.fixture(scope="module")
def validator(registry: Registry) -> Any:
    schema = json_schema(registry)
    jsonschema.Draft202012Validator.check_schema(schema)
    return jsonschema.Draft202012Validator(schema)


@pytest.mark.parametrize("name", sorted(packaged()))
def test_packaged_scenarios_fit(validator: Any, name: str) -> None:
    root, _ = read(packaged()[name].path, Problems())
    assert [error.message for error in validator.iter_errors(plain(root))] == []


@pytest.mark.parametrize(
    "scenario",
    [
        {"systems": ["drag", {"drag": {"viscosity": 1}, "name": "x", "after": "drag"}, {"motion": None}]},
        {"box": {"edges": 1, "grid": [1, 2, 3]}},
        {
            "populations": {
                "a": {"count": 1, "components": {"particle": {"mass": {"uniform": [0, 1]}, "velocity": [1, 2, 3]}}}
            }
        },
        {"populations": {"a": {"from": {"text": "x", "tokenizer": {"hash": "lattice"}}}}},
    ],
)
def test_good(validator: Any, scenario: dict[str, Any]) -> None:
    assert [error.message for error in validator.iter_errors(scenario)] == []


@pytest.mark.parametrize(
    "scenario",
    [
        {"rnu": {}},
        {"run": {"dt": -1}},
        {"systems": ["drga"]},
        {"systems": [{"drag": {"viscsity": 1}}]},
        {"systems": [{"drag": {"viscosity": -1}}]},
        {"populations": {"a": {"components": {"particel": {}}}}},
        {"populations": {"a": {"components": {"particle": {"mas": 1}}}}},
        {"populations": {"a": {"components": {"particle": {"mass": {"lattice": "fcc"}}}}}},
        {"box": {"edges": [1, 2]}},
    ],
)
def test_bad(validator: Any, scenario: dict[str, Any]) -> None:
    assert list(validator.iter_errors(scenario))


def test_descriptions_and_units_are_there(registry: Registry) -> None:
    definitions = json_schema(registry)["$defs"]
    assert "mass/(length time)" in str(definitions["system:drag"]) or "viscosity" in str(definitions["system:drag"])
    assert "[length]" in definitions["component:particle"]["properties"]["position"]["description"]
