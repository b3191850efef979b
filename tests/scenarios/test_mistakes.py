"""Every mistake in one go, each at its line and column, with what may have been meant."""

from __future__ import annotations

from collections.abc import Callable

import pytest

Mistakes = Callable[..., list[str]]

MANY = """\
sensorium: 2
nmae: x
run: {stpes: 3, dt: -1, seed: 1.5, precision: doubel}
box: {edges: [1, 1], grid: x}
units: SI
description: 3
populations:
  g as: {count: 3, components: {particle: }}
  gas:
    count: ten
    components:
      particel: {}
      particle:
        mas: 3
        mass: {uniform: [1, 0]}
        position: randm
        velocity: {maxwel: {temperature: 1}}
        heat: {normal: {mean: 1, sdt: 2}}
        image: 1.5
        radius: [1, 2]
  cold: {count: 3, components: {oscillator: {energy: {file: nope.npy}, phase: .inf}}}
  text: {from: {text: gensis.txt, tokenizer: {vocab: 3}}}
systems:
  - motin
  - drag: {viscosity: -1, x: 2}
  - {drag: {}, motion: {}}
  - 7
output: {trajectory: {every: 0, feilds: [density]}}
"""
FOUND = """\
s.yaml:1:12: sensorium: must be 1, not 2
s.yaml:2:1: nmae: unknown key 'nmae'; did you mean 'name'?
s.yaml:3:7: run.stpes: unknown key 'stpes'; did you mean 'steps'?
s.yaml:3:21: run.dt: must be > 0, not -1
s.yaml:3:31: run.seed: must be a whole number, not 1.5
s.yaml:3:47: run.precision: must be 'double' or 'single', not 'doubel'; did you mean 'double'?
s.yaml:4:14: box.edges: must have 3 items, not 2
s.yaml:4:28: box.grid: must be a list, not text ('x')
s.yaml:5:8: units: must be 'natural' or 'si', not 'SI'
s.yaml:6:14: description: must be text, not a number (3)
s.yaml:8:3: populations.g as: the name 'g as' must begin with a letter and have only letters, digits, - and _
s.yaml:10:12: populations.gas.count: must be a whole number, not text ('ten')
s.yaml:12:7: populations.gas.components.particel: no component 'particel'; did you mean 'particle'?
s.yaml:14:9: populations.gas.components.particle.mas: component 'particle' has no field 'mas'; did you mean 'mass'?
s.yaml:15:15: populations.gas.components.particle.mass: low = 1.0 is above high = 0.0
s.yaml:16:19: populations.gas.components.particle.position: must be a number or a list of 3, or one of
s.yaml:17:20: populations.gas.components.particle.velocity.maxwel: 'maxwel' is no form of initial values; did you mean
s.yaml:18:34: populations.gas.components.particle.heat.normal.sdt: unknown key 'sdt'; did you mean 'std'?
s.yaml:19:16: populations.gas.components.particle.image: must be whole numbers
s.yaml:20:17: populations.gas.components.particle.radius: must be a number, or one of values, file, uniform, normal,
s.yaml:21:54: populations.cold.components.oscillator.energy: 'nope.npy' cannot be read: No such file or directory
s.yaml:21:79: populations.cold.components.oscillator.phase: must be finite
s.yaml:22:23: populations.text.from.text: no file 'gensis.txt' and no shipped text of that name; did you
s.yaml:22:47: populations.text.from.tokenizer.vocab: unknown key 'vocab'; did you mean 'vocabulary'?
s.yaml:24:5: systems.motin: no system 'motin'; did you mean 'motion'?
s.yaml:25:23: systems.drag.viscosity: must be >= 0, not -1
s.yaml:25:27: systems.drag.x: unknown key 'x' (known: viscosity)
s.yaml:26:5: systems.2: names 2 systems ('drag', 'motion'); write each as an entry of its own
s.yaml:27:5: systems.3: must be a system, or a mapping of one to its parameters, not a number
s.yaml:28:30: output.trajectory.every: must be >= 1, not 0
s.yaml:28:33: output.trajectory.feilds: unknown key 'feilds'; did you mean 'fields'?
"""


def test_every_mistake_in_one_go(mistakes: Mistakes) -> None:
    found, expected = mistakes(MANY), FOUND.splitlines()
    assert len(found) == len(expected)
    for line, beginning in zip(found, expected, strict=True):
        assert line.startswith(beginning)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("just text", "s.yaml:1:1: a scenario is a mapping of sections, not text"),
        ("- 1", "a scenario is a mapping of sections, not a list"),
        ("run: 5", "s.yaml:1:6: run: must be a mapping of keys to values, not a number (5)"),
        ("run: {dt: 0}", "run.dt: must be > 0, not 0"),
        ("run: {dt: .nan}", "run.dt: must be a finite number"),
        ("run: {dt: '0.1'}", "run.dt: must be a number, not text ('0.1')"),
        ("run: {dt: true}", "run.dt: must be a number, not true or false (True)"),
        ("run: {steps: -1}", "run.steps: must be >= 0, not -1"),
        ("run: {steps: 1e300}", "run.steps: must be a whole number, not 1e+300"),
        ("run: {seed: -1}", "run.seed: must be >= 0, not -1"),
        ("box: {edges: [1, 1, 0]}", "box.edges.2: must be > 0, not 0"),
        ("box: {edges: [1, 1, 1, 1]}", "box.edges: must have at most 3 items, not 4"),
        ("box: {grid: 1.5}", "box.grid"),
        ("populations: {gas: {count: 3}}", "populations.gas: has no components and no 'from'"),
        ("populations: {gas: {components: {particle: }}}", "populations.gas: required key 'count' is missing"),
        ("populations: {gas: {count: 1, components: [particle]}}", "populations.gas.components: must be a mapping"),
        ("populations: {gas: {count: 1, components: {particle: 3}}}", "must be a mapping of fields to initial values"),
        ("populations: {gas: {count: -1, components: {particle: }}}", "populations.gas.count: must be >= 0"),
        ("systems: {motion: {}}", "s.yaml:1:10: systems: must be a list, not a mapping"),
        ("systems: [motion, motion]", "s.yaml:1:19: systems.motion: there is a system 'motion' on line 1; give one"),
        ("systems: [{name: x}]", "systems.0: names no system"),
        ("systems: [{name: 3, drag: {}}]", "systems.drag.name: must begin with a letter and have only"),
        ("systems: [{drag: 5}]", "systems.drag: must be a mapping of keys to values, not a number"),
        ("systems: [{after: [1], drag: {}}]", "systems.drag.after: must be the name of a system, or a list of names"),
        ("systems: [{collision: {damping: {restitution: 1.5}}}]", "damping.restitution: must be <= 1, not 1.5"),
        ("systems: [{collision: {damping: {coefficient: -1}}}]", "damping.coefficient: must be >= 0, not -1"),
        ("systems: [{collision: {damping: {restitution: 1, coefficient: 1}}}]", "'coefficient' does not go with"),
        ("constants: {boltzmann: 0}", "constants.boltzmann: must be > 0"),
        ("output: {trajectory: {populations: [gsa]}}", "output.trajectory.populations.0: no population 'gsa'"),
        ("extends: [a]", "extends: must be text, not a list"),
        ("extends: no-such.yaml", "extends: no file"),
        ("sweep: {run.dt: 3}", "sweep.run.dt: must be a list of values, or one of range, linspace, logspace"),
        ("sweep: {run.dt: []}", "sweep.run.dt: has no values"),
        ("sweep: {run.dtt: [1]}", "s.yaml:1:9: sweep.run.dtt: unknown key 'dtt'; did you mean 'dt'?"),
        ("sweep: {systems.drag.viscosity: [1]}", "sweep.systems.drag.viscosity: the scenario has no systems"),
        ("sweep: {run.dt: {range: [0, 5, 0]}}", "step must not be 0"),
        ("sweep: {run.seed: {range: 1e9}}", "the limit is"),
    ],
)  # fmt: skip
def test_single_mistakes(mistakes: Mistakes, text: str, expected: str) -> None:
    found = mistakes(text)
    assert len(found) == 1, found
    assert expected in found[0]


def test_systems_without_an_order_are_refused_at_the_scenario(mistakes: Mistakes) -> None:
    found = mistakes("systems:\n  - planck-exchange\n  - name: second\n    planck-exchange: {conductivity: 2}\n")
    assert all("s.yaml:2:5: systems: phase 'exchange': 'planck-exchange' and 'second' both touch" in f for f in found)
    assert len(found) == 2  # heat and oscillator energy


def test_the_scenario_may_give_the_order(read: Callable[..., object], write: Callable[[str], object]) -> None:
    read(write("systems:\n  - planck-exchange\n  - name: second\n    after: planck-exchange\n    planck-exchange:\n"))


def test_overrides_are_reported_with_their_paths(mistakes: Mistakes) -> None:
    text = "populations: {gas: {count: 3, components: {particle: }}}\nsystems: [drag]"
    overrides = {"systems.drg.viscosity": 1, "populations.gsa.count": 2, "run.ste": 3, "systems.drag.viscosity": -1}
    assert mistakes(text, overrides) == [
        "overrides: systems.drg.viscosity: no system 'drg' in the scenario; did you mean 'drag'?",
        "overrides: populations.gsa.count: no population 'gsa'; did you mean 'gas'?",
        "overrides: run.ste: unknown key 'ste'; did you mean 'steps'?",
        "overrides: systems.drag.viscosity: must be >= 0, not -1",
    ]


def test_many_mistakes_are_cut(mistakes: Mistakes) -> None:
    found = mistakes("".join(f"k{n}: 1\n" for n in range(150)))
    assert len(found) == 101
    assert found[-1] == "... and 50 more"


def test_what_systems_miss_is_said_before_the_run(mistakes: Mistakes) -> None:
    text = "populations: {a: {count: 1, components: {particle: }}}\nsystems:\n  - motion\n  - gravity\n  - thermal\n"
    found = mistakes(text)
    assert len(found) == 2
    assert found[0].startswith("s.yaml:4:5: systems.gravity: gravity needs a box with a grid")
    assert found[1].startswith("s.yaml:5:5: systems.thermal: thermal needs a box with a grid")
