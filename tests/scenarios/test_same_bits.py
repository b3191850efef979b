"""The main job, whole: the same seed gives the same bits wherever it runs, another seed gives others."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

import sensorium as sm
from sensorium import Simulation
from sensorium.testing import differences


def manifold(*, precision: str = "double", device: Any = "cpu", count: int | None = None, seed: int = 1) -> Simulation:
    """The packaged scenario on the first `count` bytes of its text."""
    overrides = {
        "populations.text.from.tokenizer.bytes": count or 100,
        "run.precision": precision,
        "run.seed": seed,
    }
    return sm.load("manifold", overrides=overrides, device=device)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_on_one_and_two_threads_and_in_the_simulator(precision: str, assert_devices_agree: Callable[..., None]) -> None:
    assert_devices_agree(manifold, steps=2, precision=precision, rows=7000, simulated=8)


def test_across_a_restart(assert_restart_exact: Callable[..., None]) -> None:
    assert_restart_exact(manifold, steps=5)


def test_two_runs_of_one_seed_are_one_run() -> None:
    one, other = manifold(), manifold()
    one.run(5)
    other.run(5)
    assert not differences(one.state(), other.state())


def test_another_seed_is_another_run() -> None:
    one, other = manifold(seed=1), manifold(seed=2)
    one.run(5)
    other.run(5)
    changed = " ".join(differences(one.state(), other.state()))
    assert "particle.velocity" in changed
    assert "oscillator.phase" in changed
