"""The sum over eight rows `weigh`: its order is fixed, and every target follows it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import KernelError, kernel
from sensorium.engine.primitives import nonnegative, weigh


@kernel(tasks=True)
def blend(t, out, grid, rows, parts):
    r = (
        nonnegative(rows[0]), nonnegative(rows[1]), nonnegative(rows[2]), nonnegative(rows[3]),
        nonnegative(rows[4]), nonnegative(rows[5]), nonnegative(rows[6]), nonnegative(rows[7]),
    )  # fmt: skip
    p = (parts[0], parts[1], parts[2], parts[3], parts[4], parts[5], parts[6], parts[7])
    out[0], out[1], out[2] = weigh(grid, r, p)


def blended(grid: Any, rows: Any, parts: Any, precision: Any) -> Any:
    out = np.zeros(3, parts.dtype)
    blend(Rows(1, Device("cpu", precision)), out, grid, rows, parts)
    return out


@pytest.mark.parametrize("precision", ["double", "single"])
def test_compiled_and_plain_python_give_the_same_bits(precision: Any) -> None:
    rng, real = np.random.default_rng(0), Device("cpu", precision).real
    for _ in range(20):
        grid, parts = rng.normal(size=(50, 4)).astype(real), rng.normal(size=8).astype(real)
        rows = rng.integers(0, 50, 8)
        found = blended(grid, rows, parts, precision)
        assert found.tolist() == [float(x) for x in weigh(grid, rows, parts)]
        np.testing.assert_allclose(found, parts @ grid[rows, :3], rtol=0, atol=8 * 8 * np.finfo(real).eps)


def test_a_grid_of_another_layout_is_refused() -> None:
    with pytest.raises(KernelError, match="weigh needs a contiguous 2-D array"):
        blended(np.zeros((4, 50)).T, np.zeros(8, np.int64), np.zeros(8), "double")
