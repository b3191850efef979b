"""From a scenario to a simulation: populations, resources, systems, texts, and the way back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorium.components import Carrier, Oscillator, Particle, Token
from sensorium.engine.errors import ScenarioError
from sensorium.engine.grid import Box
from sensorium.engine.plugins import Registry
from sensorium.engine.simulation import Simulation
from sensorium.engine.world import Constants
from sensorium.io.modalities.tokenizer import Tokenizer
from sensorium.scenarios.loader import load
from sensorium.scenarios.scenario import Scenario

Read = Callable[..., Scenario]


@pytest.fixture
def make(registry: Registry) -> Callable[..., Simulation]:
    """Load with the registry that is there already."""

    def loader(source: Any, overrides: dict[str, Any] | None = None, **more: Any) -> Simulation:
        return load(source, overrides, registry=registry, device="cpu", **more)

    return loader


GAS = {"gas": {"count": 20, "components": {"particle": {"position": "random"}, "oscillator": {"phase": 1}}}}


def test_a_mapping_a_path_and_a_name(make: Callable[..., Simulation], tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("run: {steps: 3, dt: 0.5}\npopulations: {gas: {count: 2, components: {oscillator: }}}\n")
    for source in (
        path,
        str(path),
        {"run": {"steps": 3, "dt": 0.5}, "populations": {"gas": {"count": 2, "components": {"oscillator": {}}}}},
    ):
        sim = make(source)
        assert (sim.steps, sim.dt, sim.world.population("gas").n) == (3, 0.5, 2)
    assert make("manifold", {"populations.text.from.tokenizer.bytes": 10}).world.population("text").n == 10


def test_whole_numbers_may_be_written_as_floats(make: Callable[..., Simulation]) -> None:
    assert make({"run": {"steps": 1e5}}).steps == 100_000


def test_resources(make: Callable[..., Simulation]) -> None:
    sim = make(
        {
            "box": {"edges": 3, "grid": [4, 5, 6]},
            "constants": {"boltzmann": 2},
            "run": {"seed": 5, "precision": "single"},
        }
    )
    assert sim.world.resource(Box).edges == (3.0, 3.0, 3.0)
    assert sim.world.resource(Box).cells == (4, 5, 6)
    assert sim.world.resource(Constants) == Constants(boltzmann=2)
    assert (sim.world.seed, sim.world.precision) == (5, "single")


def test_units(make: Callable[..., Simulation]) -> None:
    si = make({"units": "si", "constants": {"specific_heat": 1005.0}}).world.resource(Constants)
    assert si == Constants(6.67430e-11, 1.380649e-23, 1.054571817e-34, 1005.0)
    assert make({}).world.resource(Constants) == Constants()


def test_space_is_open_unless_a_box_is_given_or_needed(make: Callable[..., Simulation]) -> None:
    still = {"gas": {"count": 1, "components": {"particle": {"position": [5, 5, 5]}}}}
    sim = make({"populations": still})
    assert not sim.world.has(Box)
    np.testing.assert_array_equal(sim.world.population("gas")[Particle].position, [[5, 5, 5]])
    assert make({"populations": GAS}).world.resource(Box).edges == (1.0, 1.0, 1.0)


def test_populations_have_the_components_they_name_and_no_others(make: Callable[..., Simulation]) -> None:
    world = make(
        {"populations": {**GAS, "clocks": {"count": 3, "capacity": 50, "components": {"oscillator": {}}}}}
    ).world
    assert [p.name for p in world.populations] == ["gas", "clocks"]
    assert Particle in world.population("gas")
    assert Particle not in world.population("clocks")
    assert world.population("clocks").capacity == 50


def test_the_energy_ledger_is_always_there_and_only_once(make: Callable[..., Simulation]) -> None:
    for systems in (["motion"], ["energy-ledger", "motion"]):
        names = [s.instance for s in make({"populations": GAS, "systems": systems}).systems]
        assert names.count("energy-ledger") == 1


def test_carriers_have_a_population_when_a_system_deals_with_them(make: Callable[..., Simulation]) -> None:
    assert len(make({"populations": GAS, "systems": ["motion"]}).world.query(Carrier)) == 0
    sim = make({"populations": GAS, "systems": [{"spawning": {"capacity": 7}}]})
    assert sim.world.population("carriers").n == 0
    own = {**GAS, "modes": {"count": 2, "components": {"carrier": {"frequency": [1, 2][0]}}}}
    world = make({"populations": own, "systems": ["spawning"]}).world
    assert [p.name for p, _ in world.query(Carrier)] == ["modes"]


def test_two_instances_of_a_system(make: Callable[..., Simulation]) -> None:
    sim = make({"populations": GAS, "systems": ["drag", {"name": "brake", "after": "drag", "drag": {"viscosity": 3}}]})
    assert sim.system("brake").viscosity == 3  # type: ignore[attr-defined]
    assert sim.system("drag").viscosity == 1  # type: ignore[attr-defined]


def test_a_text_is_tokens_oscillators_and_particles(make: Callable[..., Simulation], tmp_path: Path) -> None:
    (tmp_path / "story.txt").write_bytes(b"so it goes, and so it went")
    text = {"text": {"from": {"text": "story.txt", "tokenizer": {"vocabulary": 64, "offset": 3, "bytes": 10}}}}
    population = make({"box": {"edges": 2}, "populations": text}, folder=tmp_path).world.population("text")
    token, oscillator, particle = population[Token], population[Oscillator], population[Particle]
    assert bytes(token.byte) == b"it goes, a"
    assert token.index.tolist() == list(range(10))
    tokenizer = Tokenizer(64)
    np.testing.assert_array_equal(oscillator.frequency, tokenizer.frequencies(tokenizer.ids(token.byte, token.index)))
    np.testing.assert_array_equal(oscillator.phase, tokenizer.phases(token.byte, token.index))
    assert ((particle.position >= 0) & (particle.position < 2)).all()
    assert len(np.unique(particle.position, axis=0)) == 10


def test_what_the_scenario_says_beats_the_text(make: Callable[..., Simulation]) -> None:
    text = {
        "from": {"text": "ruth", "tokenizer": {"bytes": 30, "phase": "zero"}},
        "components": {"oscillator": {"frequency": 2.0}, "particle": {"mass": 5, "position": [0.5, 0.5, 0.5]}},
    }
    population = make({"populations": {"text": text}}).world.population("text")
    assert (population[Oscillator].frequency == 2).all()
    assert (population[Oscillator].phase == 0).all()
    assert (population[Particle].mass == 5).all()
    assert (population[Particle].position == 0.5).all()


def test_a_text_without_space(make: Callable[..., Simulation]) -> None:
    world = make({"populations": {"text": {"from": {"text": "ruth.txt", "space": "none"}}}}).world
    assert Particle not in world.population("text")
    assert world.population("text").n == 13_075
    assert not world.has(Box)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ({"text": "rut"}, "no shipped text of that name; did you mean 'ruth'?"),
        ({"text": "ruth", "tokenizer": {"bytes": 99999}}, "has 13075 bytes; bytes 0 to 99999 were asked for"),
        ({"text": "ruth", "tokenizer": {"offset": 13075}}, "has 13075 bytes; more were asked for"),
        ({"text": "ruth", "tokenizer": {"band": [2, 1]}}, "from.tokenizer: band = (2.0, 1.0): must be two finite"),
        ({"text": "ruth", "tokenizer": {"hash": "md5"}}, "must be 'mix', 'author_linear' or 'lattice', not 'md5'"),
        ({"text": "."}, "is not a file"),
    ],
)
def test_texts_that_cannot_be(make: Callable[..., Simulation], source: dict[str, Any], expected: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        make({"populations": {"text": {"from": source}}})
    assert expected in str(caught.value)


def test_count_and_text_must_agree(make: Callable[..., Simulation]) -> None:
    text = {"count": 5, "from": {"text": "ruth", "tokenizer": {"bytes": 30}}}
    with pytest.raises(ScenarioError, match="count: is 5, but the text gives 30 rows"):
        make({"populations": {"text": text}})


def test_the_resolved_scenario_is_the_same_run(read: Read, make: Callable[..., Simulation]) -> None:
    source = {
        "run": {"steps": 3}, "units": "si", "populations": GAS, "box": {"edges": 2},
        "systems": ["motion", {"name": "brake", "drag": {"viscosity": 2}}],
    }  # fmt: skip
    first = read(source)
    again = read(json.loads(first.provenance["resolved"]))
    assert again.resolved == json.loads(first.provenance["resolved"])
    one, two = make(source), make(first.resolved)
    for sim in (one, two):
        sim.run(2)
    for a, b in zip(one.world.populations, two.world.populations, strict=True):
        assert all(a.column(f).tobytes() == b.column(f).tobytes() for f in a.fields)


def test_provenance(read: Read, tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_text("# a comment that stays\nrun: {steps: 3}\n")
    provenance = read(path, {"run.dt": 0.5}).provenance
    assert provenance["scenario"].startswith("# a comment that stays")
    assert provenance["name"] == "s"
    assert json.loads(provenance["resolved"])["run"]["dt"] == 0.5
    assert provenance["folder"] == str(tmp_path)


def test_debug_mode_is_passed_on(make: Callable[..., Simulation]) -> None:
    assert make({}, debug=True).debug


@pytest.mark.parametrize("name", ["manifold"])
def test_packaged_scenarios_load(read: Read, name: str) -> None:
    assert read(name).name == name
