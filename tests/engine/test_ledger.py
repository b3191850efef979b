"""The ledger closes when flows are booked and shows when they are not."""

from __future__ import annotations

import numpy as np
import pytest

from sensorium.engine.ledger import Ledger


def test_a_booked_flow_leaves_no_residual() -> None:
    ledger = Ledger()
    ledger.measure({"heat": 10.0})
    ledger.book("reservoir", 2.0)
    ledger.measure({"heat": 12.0})
    assert ledger.residual == 0
    assert ledger.total == 12.0


def test_a_flow_that_nobody_booked_is_the_residual() -> None:
    ledger = Ledger()
    ledger.measure({"heat": 10.0, "kinetic": 0.0})
    ledger.measure({"heat": 10.5, "kinetic": 2.0})
    assert ledger.residual == pytest.approx(2.5 / 12.5)


def test_transfer_between_stores_is_no_flow() -> None:
    ledger = Ledger()
    ledger.measure({"heat": 1.0, "kinetic": 3.0})
    ledger.measure({"heat": 2.0, "kinetic": 2.0})
    assert ledger.residual == 0


def test_many_small_bookings_lose_nothing() -> None:
    """1e5 flows of 0.1 beside one of 1e9: plain summation loses 1e-7 of them, compensated none."""
    ledger = Ledger()
    ledger.book("in", 1e9)
    for _ in range(100_000):
        ledger.book("in", 0.1)
    assert ledger.series()["energy/booked/in"] == pytest.approx(1e9 + 1e4, rel=1e-16, abs=2e-7)
    naive = 1e9
    for _ in range(100_000):
        naive += 0.1
    assert abs(naive - (1e9 + 1e4)) > 1e-5, "the test would not see the difference"


def test_potentials_are_booked_against_the_kicks() -> None:
    ledger = Ledger()
    ledger.measure({"kinetic": 0.0, "gravitational": -1.0}, ["gravitational"])
    ledger.book("integrator", 0.5)
    ledger.measure({"kinetic": 0.5, "gravitational": -1.6}, ["gravitational"])
    assert ledger.booked["integrator"] == pytest.approx(-0.1)
    assert abs(ledger.residual) < 1e-15


def test_state_round_trip_is_exact() -> None:
    ledger, other = Ledger(), Ledger()
    rng = np.random.default_rng(0)
    ledger.measure({"heat": 1.0})
    for value in rng.normal(size=100):
        ledger.book("a", value)
    ledger.measure({"heat": 1.1})
    other.restore(ledger.state())
    assert other.series() == ledger.series()
    assert other.residual == ledger.residual


def test_after_a_change_by_hand_the_books_start_again() -> None:
    ledger = Ledger()
    ledger.measure({"heat": 1.0})
    ledger.book("in", 0.5)
    ledger.rebase()
    ledger.measure({"heat": 9.0})
    assert ledger.residual == 0
    ledger.measure({"heat": 10.0})
    assert ledger.residual == pytest.approx(0.1)
