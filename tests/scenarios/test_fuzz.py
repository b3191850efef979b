"""Mutated scenarios: either they are valid, or every complaint is a ScenarioError with a place; never anything else."""

from __future__ import annotations

import random
import re
import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sensorium.engine.errors import ScenarioError
from sensorium.engine.plugins import Registry
from sensorium.scenarios.library import packaged
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.scenario import read_scenario
from sensorium.scenarios.tree import plain
from sensorium.scenarios.yaml12 import parse

SECONDS = 5.0  # no mutation of a small file may take longer; typical is 10 ms

NASTY = (
    "no", "1e-3", "1:30", "-1", "0", "1e400", ".inf", ".nan", "null", "~", "''", "[]", "{}", "*x", "&x 1",
    "!!python/x 1",
    "<<", "{a: {a: {a: 1}}}", "[1, 2, 3, 4]", "\t", "'", '"', "|", ">", "%", "@", "`", "? ", ": ", "- ", "---", "...",
    "99999999999999999999", "0x", "0o9", "é", "\u2028", "\x00", "\x07", "\ufeff", "random", "{lattice: fcc}",
    "{file: /etc/passwd}", "{values: [1]}", "{uniform: [0]}", "{normal: {std: -1}}", "text" * 50, "true", "# ", "#",
)  # fmt: skip

TEXTS = {name: found.path.read_text() for name, found in packaged().items()}
TEXTS["everything"] = """\
sensorium: 1
name: everything
units: si
constants: {boltzmann: 2}
run: {steps: 10, dt: 1e-3, seed: 7, precision: single}
box: {edges: [1, 2, 3], grid: 8}
populations:
  gas:
    count: 8
    components:
      particle:
        position: {lattice: fcc, jitter: 0.1}
        velocity: {maxwell: {temperature: 300}}
        mass: {uniform: {low: 1, high: 2}}
        heat: {values: [1, 2, 3, 4, 5, 6, 7, 8]}
      oscillator: {frequency: {normal: {mean: 0, std: 1}}}
  text: {from: {text: ruth, tokenizer: {bytes: 20, hash: lattice}}}
systems:
  - motion
  - name: brake
    drag: {viscosity: 1.0}
output: {trajectory: {every: 10, any: [{at: [1, 2]}]}, series: {every: 1}}
sweep: {systems.brake.viscosity: [1, 2], run.seed: {range: 3}}
"""


def mutated(text: str, rng: random.Random) -> str:
    """One to four small changes of a text, of the kinds that people and accidents make."""
    for _ in range(rng.randint(1, 4)):
        lines = text.splitlines(keepends=True)
        k = rng.randrange(len(lines)) if lines else 0
        at = rng.randrange(len(text) + 1)
        words = list(re.finditer(r"[\w.-]+", text))
        word = rng.choice(words) if words else None
        match rng.randrange(10):
            case 0:
                text = text[:at] + text[at + rng.randint(1, 8) :]
            case 1:
                text = text[:at] + rng.choice(NASTY) + text[at:]
            case 2 if word:
                text = text[: word.start()] + rng.choice(NASTY) + text[word.end() :]
            case 3 if lines:
                text = "".join(lines[:k] + lines[k + 1 :])
            case 4 if lines:
                text = "".join(lines[: k + 1] + lines[k:])
            case 5 if lines:
                text = "".join([*lines[:k], " " * rng.randint(1, 3) + lines[k], *lines[k + 1 :]])
            case 6 if lines:
                text = "".join([*lines[:k], lines[k].lstrip(), *lines[k + 1 :]])
            case 7 if word:
                other = rng.choice(words)
                text = text[: word.start()] + other[0] + text[word.end() :]
            case 8:
                text = text[:at]
            case _ if word and len(word[0]) > 1:
                i = rng.randrange(len(word[0]) - 1)
                swapped = word[0][:i] + word[0][i + 1] + word[0][i] + word[0][i + 2 :]
                text = text[: word.start()] + swapped + text[word.end() :]
    return text


def complaint(source: Any, registry: Registry, overrides: dict[str, Any] | None = None) -> str | None:
    """What the reader says of a scenario; None when it is valid. Anything but a ScenarioError passes through."""
    began = time.perf_counter()
    try:
        read_scenario(source, overrides, registry=registry)
        said = None
    except ScenarioError as error:
        said = str(error)
    assert time.perf_counter() - began < SECONDS
    return said


def survive(text: str, path: Path, registry: Registry) -> None:
    path.write_text(text, encoding="utf-8", errors="surrogatepass")
    try:
        said = complaint(path, registry)
    except Exception as error:
        pytest.fail(f"{type(error).__name__}: {error}\n{text}")
    assert said is None or said.startswith(f"{path}"), said


@pytest.mark.parametrize("name", sorted(TEXTS))
def test_mutations(name: str, tmp_path: Path, registry: Registry) -> None:
    rng = random.Random(f"mutations of {name}")
    for _ in range(150):
        survive(mutated(TEXTS[name], rng), tmp_path / "s.yaml", registry)


@pytest.mark.slow
@pytest.mark.parametrize("name", sorted(TEXTS))
def test_thousands_of_mutations(name: str, tmp_path: Path, registry: Registry) -> None:
    rng = random.Random(f"more mutations of {name}")
    for _ in range(3000):
        survive(mutated(TEXTS[name], rng), tmp_path / "s.yaml", registry)


@pytest.mark.parametrize("seed", range(3))
def test_bytes_that_are_no_text(seed: int, tmp_path: Path, registry: Registry) -> None:
    path, rng = tmp_path / "s.yaml", random.Random(seed)
    for _ in range(50):
        data = bytearray(TEXTS["everything"].encode())
        for _ in range(rng.randint(1, 5)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        said = complaint(path, registry)
        assert said is None or said.startswith(str(path))


leaves = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    leaves,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=8), inner, max_size=4),
    max_leaves=8,
)


steps = st.lists(st.sampled_from(["run", "systems", "brake", "0", "gas", "populations", "x"]), max_size=5).map(".".join)


def everything() -> Any:
    return plain(parse(TEXTS["everything"], "everything", Problems()))


def paths(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    children = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(path for key, inner in children for path in paths(inner, (*at, key)))]


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_any_value_in_any_place(data: st.DataObject, registry: Registry) -> None:
    scenario = everything()
    *path, last = data.draw(st.sampled_from(paths(scenario)[1:]))
    inside = scenario
    for step in path:
        inside = inside[step]
    inside[last] = data.draw(values)
    assert complaint(scenario, registry) != ""


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(path=st.text(max_size=30) | steps, value=values)
def test_any_override(path: str, value: Any, registry: Registry) -> None:
    scenario = everything()
    assert complaint(scenario, registry, {path: value}) != ""
