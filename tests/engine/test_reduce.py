"""Reductions: the exact sum to the last bits, the same bits on any number of threads, and nothing for no rows."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import KernelError, device
from sensorium.engine.kernel_threads import set_threads, threads
from sensorium.engine.reduce import LANES, Maximum, Minimum, Sum, sum_rows

PRECISIONS = ["double", "single"]


@device
def weighted(i, weight, position):
    return weight[i] * position[i, 1]


@device
def scaled(i, column, factor):
    return column[i] * factor


weighted_sum, least, greatest = Sum(weighted), Minimum(weighted), Maximum(weighted)
scaled_sum = Sum(scaled, cost=50.0)


@pytest.mark.parametrize("arguments", [(), (np.zeros(3), 1.0, 2.0)])
def test_a_wrong_number_of_arguments_is_told_with_their_names(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(KernelError, match=r"Sum of device function 'scaled' .* over \(rows, column, factor\)"):
        scaled_sum(Rows(3, Device("cpu", "double")), *arguments)


def columns(n: int, on: Device) -> tuple[Any, Any]:
    """Weights of both signs over ten powers of ten, and positions as a vector column."""
    rng = np.random.default_rng(n)
    weight = (rng.normal(size=max(n, 2)) * 10.0 ** rng.uniform(-5, 5, max(n, 2))).astype(on.real)
    return weight, rng.normal(size=(3, max(n, 2))).astype(on.real).T


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("n", [1, 2, 3, 63, 64, 65, 1000, LANES - 1, LANES, LANES + 1, 3 * LANES + 17, 50_000])
def test_sums_are_exact_to_the_last_bits(precision: Any, n: int) -> None:
    on = Device("cpu", precision)
    weight, position = columns(n, on)
    terms = (weight[:n] * position[:n, 1]).tolist()
    got = weighted_sum(Rows(n, on), weight, position)
    # two-sum keeps the error of each addition; what is left is the rounding of those errors: eps^2 of sum |term|
    eps = float(np.finfo(on.real).eps)
    assert got == pytest.approx(math.fsum(terms), rel=2**-52, abs=n * eps**2 * math.fsum(map(abs, terms)))
    assert least(Rows(n, on), weight, position) == min(terms)
    assert greatest(Rows(n, on), weight, position) == max(terms)


def test_rounding_errors_are_not_lost_in_single_precision() -> None:
    on = Device("cpu", "single")
    values = np.full(1_000_000, 0.1, np.float32)
    assert sum_rows(Rows(values.size, on), values) == pytest.approx(values.size * float(np.float32(0.1)), rel=1e-12)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_threads_do_not_show(precision: Any) -> None:
    on, before, seen = Device("cpu", precision), threads(), set()
    values = np.random.default_rng(1).normal(size=3 * LANES + 5).astype(on.real)
    try:
        for number in (1, 2):
            set_threads(number)
            seen.add(scaled_sum(Rows(values.size, on), values, 0.3))
    finally:
        set_threads(before)
    assert len(seen) == 1
    if before > 1:
        assert scaled_sum._lanes.cpu(precision)._parallel is not None


def test_only_the_rows_of_the_population_count() -> None:
    on = Device("cpu", "double")
    values = np.array([1.0, 2.0, 100.0])
    assert sum_rows(Rows(2, on), values) == 3.0


def test_no_rows() -> None:
    nothing = Rows(0, Device("cpu", "double"))
    assert sum_rows(nothing, np.zeros(2)) == 0.0
    assert least(nothing, np.zeros(2), np.zeros((2, 3))) == math.inf
    assert greatest(nothing, np.zeros(2), np.zeros((2, 3))) == -math.inf


def test_nan_and_infinity_are_seen_in_a_sum() -> None:
    on = Device("cpu", "double")
    for bad in (math.nan, math.inf):
        values = np.ones(100)
        values[50] = bad
        assert not math.isfinite(sum_rows(Rows(100, on), values))


def test_a_term_must_be_a_device_function() -> None:
    with pytest.raises(KernelError, match="Sum takes a @device function of one row"):
        Sum(lambda i, x: x[i])  # type: ignore[arg-type]
