"""The members of a sweep: which they are, where they lie, and what is left to run."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import pytest

from sensorium.engine.errors import OutputError, PhysicsError, ScenarioError
from sensorium.scenarios.ensemble import Ensemble, member_name, parse_variations
from sensorium.scenarios.member import Outcome, failure, run_member
from sensorium.scenarios.problems import InvalidScenario
from sensorium.scenarios.workers import Workers, farm

SCENARIO: dict[str, Any] = {
    "sensorium": 1,
    "name": "gas",
    "run": {"steps": 5, "dt": 0.01},
    "populations": {"gas": {"count": 10, "components": {"particle": {"position": "random", "velocity": 1.0}}}},
    "systems": ["motion", {"drag": {"viscosity": 1.0}}],
    "sweep": {"systems.drag.viscosity": [0.5, 1], "run.seed": {"range": 3}},
}


def test_members_are_the_product() -> None:
    members = Ensemble.read(SCENARIO, "s").members
    assert [tuple(member.values()) for member in members] == [(v, s) for v in (0.5, 1) for s in range(3)]


def test_vary_adds_to_the_section_and_replaces_in_it() -> None:
    vary = {"run.seed": [9], "populations.gas.count": [1, 2]}
    members = Ensemble.read(SCENARIO, "s", vary=vary).members
    assert [tuple(member.values()) for member in members] == [(v, 9, n) for v in (0.5, 1) for n in (1, 2)]


def test_equal_members_are_one() -> None:
    assert len(Ensemble.read(SCENARIO, "s", vary={"run.seed": [1, 1]}).members) == 2


def test_a_member_is_named_by_its_parameters() -> None:
    """The name must never change: results on disk are found by it."""
    assert member_name({"run.seed": 1, "a.b": 0.5}) == member_name({"a.b": 0.5, "run.seed": 1}) == "399d0711c8b7"
    assert member_name({"run.seed": 2, "a.b": 0.5}) != member_name({"run.seed": 1, "a.b": 0.5})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a.b=1,2.5,x", [1, 2.5, "x"]),
        ("a.b=1", [1]),
        ("a.b=[[1, 2], [3, 4]]", [[1, 2], [3, 4]]),
        ("a.b=[1,2],[3,4]", [[1, 2], [3, 4]]),
        ("a.b={range: 8}", {"range": 8}),
        ("a.b=1e-3,true", [1e-3, True]),
    ],
)
def test_values_on_the_command_line(text: str, value: Any) -> None:
    assert parse_variations([text]) == {"a.b": value}


@pytest.mark.parametrize("text", ["a.b", "=1", "a.b=", "a.b=[1", "a.b={range: "])
def test_values_that_are_none(text: str) -> None:
    with pytest.raises(InvalidScenario, match="--vary"):
        parse_variations([text])


def test_nothing_varies() -> None:
    with pytest.raises(ScenarioError, match="--vary"):
        Ensemble.read(SCENARIO, "s", overrides={"sweep": {}})


def test_every_value_is_checked_before_the_first_run() -> None:
    ensemble = Ensemble.read(SCENARIO, "s", vary={"systems.drag.viscosity": [1, -1, "thick"]})
    with pytest.raises(InvalidScenario) as caught:
        ensemble.check()
    assert len(caught.value.problems) == 2
    assert "must be >= 0" in str(caught.value)
    assert "'thick'" in str(caught.value)


def test_units() -> None:
    ensemble = Ensemble.read(SCENARIO, "s")
    assert ensemble.unit("systems.drag.viscosity") not in ("", "1")
    assert ensemble.unit("populations.gas.components.particle.mass") == "mass"
    assert ensemble.unit("run.seed") == "1"


def test_a_member_runs_here_and_is_not_run_again(tmp_path: Path) -> None:
    ensemble = Ensemble.read(SCENARIO, tmp_path / "s", vary={"run.seed": [1]})
    ensemble.claim()
    first, second = ensemble.jobs()
    outcome = run_member(first)
    assert (outcome.status, outcome.step) == ("complete", 5)
    assert outcome.series["energy/kinetic"] > 0
    assert ensemble.outcome(first.parameters) == outcome
    assert [job.parameters for job in ensemble.jobs()] == [second.parameters]
    # a worker that dies after the run, before it could tell, runs it "again": the file is found complete
    assert run_member(first).series == outcome.series


def test_a_scenario_in_a_file_takes_its_files_along(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A worker may have another working folder."""
    home = tmp_path / "home"
    home.mkdir()
    (home / "words.txt").write_text("in the beginning")
    (home / "base.yaml").write_text(
        "sensorium: 1\nrun: {steps: 2}\npopulations: {text: {from: {text: words.txt}}}\nsystems: [motion]\n"
    )
    (home / "words.yaml").write_text("sensorium: 1\nextends: base.yaml\nsweep: {run.seed: [1]}\n")
    ensemble = Ensemble.read(home / "words.yaml", tmp_path / "s")
    (job,) = ensemble.jobs()
    monkeypatch.chdir(tmp_path)
    assert run_member(job).status == "complete"


def test_the_folder_belongs_to_one_scenario(tmp_path: Path) -> None:
    Ensemble.read(SCENARIO, tmp_path).claim()
    Ensemble.read(SCENARIO, tmp_path, vary={"run.seed": {"range": 4}}).claim()
    other = Ensemble.read(SCENARIO, tmp_path, overrides={"box": {"edges": 2}})
    with pytest.raises(OutputError, match="differs in: box"):
        other.claim()
    other.claim(overwrite=True)


def test_a_damaged_note_counts_for_nothing(tmp_path: Path) -> None:
    ensemble = Ensemble.read(SCENARIO, tmp_path)
    member = ensemble.members[0]
    ensemble.folder_of(member).mkdir(parents=True)
    for text in ("", "{", "[]", '{"parameters": {}, "colour": 1}'):
        (ensemble.folder_of(member) / "member.json").write_text(text)
        assert ensemble.outcome(member) == Outcome(member)
    told = {"parameters": member, "status": "complete"}
    (ensemble.folder_of(member) / "member.json").write_text(json.dumps(told))
    assert ensemble.outcome(member).status == "waiting", "complete, but its trajectory is gone"


def test_what_a_failure_is_worth() -> None:
    assert failure({}, PhysicsError("drag", "no")).exit_code == 4
    assert failure({}, OutputError("full")).exit_code == 5
    assert failure({}, MemoryError()).exit_code == 5
    broken = failure({}, ZeroDivisionError("division\nby zero"))
    assert (broken.exit_code, broken.message) == (1, "internal error: ZeroDivisionError: division by zero")


def test_without_dask_one_sentence_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "distributed", None)
    with pytest.raises(ScenarioError, match=r"sensorium-engine\[sweep\]"):
        farm(Ensemble.read(SCENARIO, tmp_path).jobs(), Workers(1), done=lambda job, outcome: None)
