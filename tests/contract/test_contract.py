"""Every system keeps the promises of the engine. A new system adds a case; without one the suite fails."""

from __future__ import annotations

import importlib
from collections.abc import Callable
from pathlib import Path

import pytest
from case import Case

from sensorium.engine.plugins import Registry

CASES: dict[str, Case] = {}
for module in sorted(Path(__file__).parent.glob("cases_*.py")):
    CASES |= importlib.import_module(module.stem).CASES


@pytest.fixture(params=sorted(CASES))
def case(request: pytest.FixtureRequest) -> Case:
    return CASES[request.param]


def test_every_system_has_a_case() -> None:
    registry = Registry()
    registry.add_package("sensorium.systems")
    assert sorted(CASES) == sorted(registry.systems)


def test_access_is_declared(case: Case, assert_declared_access: Callable[..., None]) -> None:
    assert_declared_access(case.build)


def test_the_ledger_closes_and_values_stay_physical(case: Case, assert_conserves: Callable[..., None]) -> None:
    assert_conserves(case.build, steps=case.steps, energy=case.energy, momentum=case.momentum)


def test_a_restart_is_exact(case: Case, assert_restart_exact: Callable[..., None]) -> None:
    assert_restart_exact(case.build, steps=4)


def test_row_order_does_not_matter(case: Case, assert_order_independent: Callable[..., None]) -> None:
    assert_order_independent(case.build, tolerance=case.order)


def test_threads_and_simulator_agree(case: Case, assert_devices_agree: Callable[..., None]) -> None:
    assert_devices_agree(case.build, steps=2, rows=case.rows, simulated=case.simulated)


def test_another_seed_gives_another_run(case: Case) -> None:
    """The comparison of states can tell runs apart at all."""
    from sensorium.testing import differences

    one, other = case.build(seed=5), case.build(seed=6)
    one.run(1)
    other.run(1)
    assert differences(one.state(), other.state())
