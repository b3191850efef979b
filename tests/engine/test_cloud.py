"""Clouds in one vector, `add_shares` and `slopes`: their order is fixed, and every target follows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import KernelError, kernel
from sensorium.engine.primitives import add_shares, nonnegative, slopes

EDGE = 9


@kernel(tasks=True)
def drop(t, grid, nodes, cloud):
    n = (
        nonnegative(nodes[0]), nonnegative(nodes[1]), nonnegative(nodes[2]), nonnegative(nodes[3]),
        nonnegative(nodes[4]), nonnegative(nodes[5]), nonnegative(nodes[6]), nonnegative(nodes[7]),
    )  # fmt: skip
    add_shares(grid, n, cloud[0], cloud[1], cloud[2], cloud[3])


@kernel(tasks=True)
def climb(t, out, field, first, plane, line, near, far, cloud):
    weights = (near[0], near[1], near[2]), (far[0], far[1], far[2])
    four = (cloud[0], cloud[1], cloud[2], cloud[3])
    out[0], out[1], out[2] = slopes(field, first, plane, line, weights[0], weights[1], four)


def shares(cloud: Any) -> Any:
    """From the definition, in double precision."""
    amount, *fractions = (float(x) for x in cloud)
    x, y, z = ([1 - f, f] for f in fractions)
    return amount * np.einsum("i,j,k->ijk", x, y, z)


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("around", [False, True], ids=["inside", "around the ring"])
def test_add_shares(around: bool, precision: Any) -> None:
    on = Device("cpu", precision)
    rng, up = np.random.default_rng(1), -3 if around else 1
    nodes = np.array([10, 10 + up, 30, 30 + up, 50, 50 + up, 70, 70 + up])
    for _ in range(20):
        cloud = rng.random(4).astype(on.real)
        cloud[0] *= on.real.type(2**20)
        found = rng.integers(-1000, 1000, 80)
        plain, before = found.copy(), found.copy()
        drop(Rows(1, on), found, nodes, cloud)
        add_shares(plain, nodes, *cloud)
        assert (found == plain).all()
        expected = before.astype(float)
        expected[nodes] += shares(cloud).ravel()
        np.testing.assert_allclose(found, expected, rtol=0, atol=0.51)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_slopes(precision: Any) -> None:
    on = Device("cpu", precision)
    rng = np.random.default_rng(2)
    for first in range(5):
        field, cloud = rng.normal(size=(6, 6, EDGE)).astype(on.real), rng.random(4).astype(on.real)
        near, far = rng.normal(size=(2, 3)).astype(on.real)
        flat = np.concatenate([np.zeros(first, on.real), field.ravel(), np.zeros(8, on.real)])
        found = np.zeros(3, on.real)
        climb(Rows(1, on), found, flat, first, 6 * EDGE, EDGE, near, far, cloud)
        plain = slopes(flat, first, 6 * EDGE, EDGE, tuple(near), tuple(far), tuple(cloud))
        assert found.tolist() == [float(x) for x in plain]
        nodes, weights = field.astype(float), shares(cloud)
        for axis in range(3):
            away = [np.roll(nodes, -k, axis) - np.roll(nodes, k, axis) for k in (1, 2)]
            slope = (near[axis] * away[0] + far[axis] * away[1])[2:4, 2:4, 2:4]
            assert found[axis] == pytest.approx((weights * slope).sum(), abs=50 * float(np.finfo(on.real).eps))


def test_sums_of_another_type_are_refused() -> None:
    with pytest.raises(KernelError, match="add_shares needs a contiguous 1-D array of int64"):
        drop(Rows(1, Device()), np.zeros(80), np.arange(8), np.zeros(4))


def test_a_field_of_another_layout_is_refused() -> None:
    with pytest.raises(KernelError, match="slopes needs a contiguous 1-D array"):
        climb(Rows(1, Device()), np.zeros(3), np.zeros((6, 6, 6)), 0, 36, 6, *np.zeros((2, 3)), np.zeros(4))
