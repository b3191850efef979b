"""The lane sum `dot`: its order is fixed, and every target follows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import KernelError, kernel
from sensorium.engine.primitives import dot, dots

PRECISIONS = ["double", "single"]


@kernel(tasks=True)
def products(t, a, b, width, out):
    out[t] = dot(a, t * width, b, t, width)


def launched(precision: Any, a: Any, b: Any, width: int, tasks: int) -> Any:
    device = Device("cpu", precision)
    out = device.zeros(tasks)
    products(Rows(tasks, device), device.array(a, device.real), device.array(b, device.real), width, out)
    return out


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("width", [0, 32, 96, 256])
def test_compiled_and_plain_python_give_the_same_bits(precision: Any, width: int) -> None:
    rng = np.random.default_rng(width)
    real = Device("cpu", precision).real
    a, b = rng.normal(size=3 * width + 1).astype(real), rng.normal(size=width + 3).astype(real)
    expected = [dot(a, t * width, b, t, width) for t in range(3)]
    assert launched(precision, a, b, width, 3).tolist() == expected


@pytest.mark.parametrize("precision", PRECISIONS)
def test_terms_that_are_zero_leave_the_bits_of_the_sum(precision: Any) -> None:
    """What lets a sum over a window equal the sum over everything."""
    rng = np.random.default_rng(1)
    a, b = rng.normal(size=64), rng.normal(size=64)
    wide = np.concatenate([a[:32], np.zeros(32), a[32:]])
    other = np.concatenate([b[:32], rng.normal(size=32), b[32:]])
    assert launched(precision, wide, other, 96, 1)[0] == launched(precision, a, b, 64, 1)[0]


@kernel(tasks=True)
def pairs(t, a, b, c, width, out):
    out[2 * t], out[2 * t + 1] = dots(a, t * width, b, c, t, width)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_two_sums_with_a_common_factor_are_those_of_one_each(precision: Any) -> None:
    device = Device("cpu", precision)
    rng = np.random.default_rng(3)
    a, b, c = (device.array(rng.normal(size=300), device.real) for _ in range(3))
    out = device.zeros(6)
    pairs(Rows(3, device), a, b, c, 96, out)
    assert out[::2].tolist() == launched(precision, a, b, 96, 3).tolist()
    assert out[1::2].tolist() == launched(precision, a, c, 96, 3).tolist()
    assert dots(a, 96, b, c, 1, 96) == (out[2], out[3])


def test_it_equals_the_sum_of_products() -> None:
    rng = np.random.default_rng(2)
    a, b = rng.normal(size=512), rng.normal(size=512)
    # 16 roundings in a lane and 5 folds, each of half an ulp of partial sums that are below sum |a b|
    assert launched("double", a, b, 512, 1)[0] == pytest.approx(a @ b, abs=21 * 1.2e-16 * (np.abs(a) @ np.abs(b)))


def test_arrays_of_two_types_are_refused() -> None:
    device = Device("cpu", "double")
    with pytest.raises(KernelError, match="dot needs two arrays of one float type"):
        products(Rows(1, device), np.zeros(32), np.zeros(32, np.float32), 32, np.zeros(1))
