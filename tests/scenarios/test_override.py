"""``--set`` and overrides: every value can be reached, with the rules of the scenario language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from sensorium.engine.errors import ScenarioError
from sensorium.scenarios.override import parse_assignments
from sensorium.scenarios.scenario import Scenario
from sensorium.scenarios.schema import BoxSection

Read = Callable[..., Scenario]

BASE: dict[str, Any] = {
    "run": {"steps": 10, "dt": 0.5},
    "box": {"edges": [1, 2, 3], "grid": [4, 4, 4]},
    "populations": {"gas": {"count": 5, "components": {"particle": {"mass": 2.0, "position": "random"}}}},
    "systems": ["motion", {"drag": {"viscosity": 1.0}}, {"name": "brake", "drag": None, "after": "drag"}],
}


@pytest.mark.parametrize(
    ("text", "path", "value"),
    [
        ("run.dt=1e-3", "run.dt", 1e-3),
        ("name=no", "name", "no"),
        ("box.edges=[1, 2, 3]", "box.edges", [1, 2, 3]),
        ("a.b={restitution: 0.5}", "a.b", {"restitution": 0.5}),
        ("a='1'", "a", "1"),
        ("a=b=c", "a", "b=c"),
        ("a=", "a", None),
        ("a=true", "a", True),
        ("a=0x10", "a", 16),
    ],
)
def test_assignments_are_yaml(text: str, path: str, value: object) -> None:
    assert parse_assignments([text]) == {path: value}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("run.dt", "'run.dt' is not of the form path=value"),
        ("=3", "is not of the form path=value"),
        ("a=[1", "--set: a: "),
        ("a={b: 1, b: 2}", "is given twice"),
        ("a=!!str 3", "is refused"),
    ],
)
def test_assignments_that_are_not(text: str, expected: str) -> None:
    with pytest.raises(ScenarioError, match="--set") as caught:
        parse_assignments([text])
    assert expected in str(caught.value)


def test_all_bad_assignments_are_reported() -> None:
    with pytest.raises(ScenarioError) as caught:
        parse_assignments(["a", "b=[", "c=1"])
    assert len(str(caught.value).splitlines()) == 2


def test_values_of_every_kind_are_reached(read: Read) -> None:
    scenario = read(
        BASE,
        {
            "run.dt": 0.25,
            "run.seed": 3,
            "box.edges.2": 7,
            "populations.gas.count": 4,
            "populations.gas.components.particle.mass.uniform": [1, 2],
            "populations.gas.components.oscillator.phase": 1.0,
            "systems.brake.viscosity": 9,
            "constants.gravitational": 0.5,
            "output.trajectory.every": 2,
        },
    )
    assert (scenario.document.run.dt, scenario.document.run.seed) == (0.25, 3)
    assert scenario.box == BoxSection(edges=(1.0, 2.0, 7.0), grid=(4, 4, 4))
    assert scenario.populations[0].count == 4
    assert [c.name for c in scenario.populations[0].components] == ["particle", "oscillator"]
    assert scenario.systems[1].parameters == {"viscosity": 1.0}
    assert (scenario.systems[2].instance, scenario.systems[2].parameters) == ("brake", {"viscosity": 9})
    assert scenario.systems[2].after == ("drag",)
    assert scenario.constants.gravitational == 0.5
    assert scenario.document.output.trajectory is not None
    assert scenario.document.output.trajectory.every == 2


def test_the_source_is_not_changed(read: Read) -> None:
    read(BASE, {"box.edges.0": 9, "systems.drag.viscosity": 5, "populations.gas.count": 1})
    assert BASE["box"]["edges"] == [1, 2, 3]
    assert BASE["systems"][1] == {"drag": {"viscosity": 1.0}}


def test_whole_sections_can_be_replaced(read: Read) -> None:
    scenario = read(BASE, {"systems": ["motion"], "populations.gas": {"count": 1, "components": {"oscillator": None}}})
    assert [plan.instance for plan in scenario.systems] == ["motion"]
    assert [c.name for c in scenario.populations[0].components] == ["oscillator"]


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("systems.barke.viscosity", "no system 'barke' in the scenario; did you mean 'brake'?"),
        ("systems.gravity.G", "no system 'gravity' in the scenario (there are: motion, drag, brake)"),
        ("systems.drag.viscsity", "unknown key 'viscsity'; did you mean 'viscosity'?"),
        ("populations.gsa.count", "no population 'gsa'; did you mean 'gas'?"),
        ("populations.gas.cuont", "unknown key 'cuont'; did you mean 'count'?"),
        ("populations.gas.components.particle.mas", "has no field 'mas'; did you mean 'mass'?"),
        ("run.stpes", "unknown key 'stpes'; did you mean 'steps'?"),
        ("rnu.steps", "unknown key 'rnu'; did you mean 'run'?"),
        ("box.edges.3", "is a list with items 0 to 2; '3' is none of them"),
        ("run..dt", "a path is keys joined by single dots"),
        ("", "a path is keys joined by single dots"),
        ("run.dt.x", "must be a number"),
    ],
)
def test_a_path_that_leads_nowhere(read: Read, path: str, expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(BASE, {path: 1})
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_values_that_have_no_form_in_yaml(read: Read) -> None:
    with pytest.raises(ScenarioError, match="has no form in a scenario"):
        read(BASE, {"run.dt": {1, 2}})
