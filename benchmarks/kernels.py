"""Kernels: against loops written by hand, what a launch costs, and elementary functions against numpy's and libm's."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import numba
import numpy as np

from benchmarks.harness import Row, interleaved, report, wait_until_idle
from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import Kernel, kernel
from sensorium.engine.math import exp, log, sincos
from sensorium.engine.random import normal_pair
from sensorium.engine.reduce import sum_rows

ROWS = 4096  # of elementary functions: in the first caches
LOOPED = 32768  # of the loop against a loop: the launch is a hundredth of it
LAUNCHED = 1000


@kernel(cost=0.0)
def advance(i, x, y, z, u, v, w, dt):
    """Six columns."""
    x[i] += u[i] * dt
    y[i] += v[i] * dt
    z[i] += w[i] * dt


@numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
def advance_by_hand(n: int, x: Any, y: Any, z: Any, u: Any, v: Any, w: Any, dt: float) -> None:
    """The same loop, bare."""
    for i in range(n):
        x[i] += u[i] * dt
        y[i] += v[i] * dt
        z[i] += w[i] * dt


@kernel(cost=0.0)
def exponential(i, x, y):
    """Polynomial."""
    y[i] = exp(x[i])


@kernel(cost=0.0)
def logarithm(i, x, y):
    """Polynomial."""
    y[i] = log(x[i])


@kernel(cost=0.0)
def circular(i, x, y):
    """Sine plus cosine, both from one call."""
    s, c = sincos(x[i])
    y[i] = s + c


@kernel(cost=0.0)
def library_exponential(i, x, y):
    """The C library's, one number at a time."""
    y[i] = math.exp(x[i])


@kernel(cost=0.0)
def library_logarithm(i, x, y):
    """The C library's."""
    y[i] = math.log(x[i])


@kernel(cost=0.0)
def library_circular(i, x, y):
    """The C library's."""
    y[i] = math.sin(x[i]) + math.cos(x[i])


@kernel(cost=0.0)
def normals(i, x, y, seed, step):
    """Two per row."""
    x[i], y[i] = normal_pair(seed, i, step, 0, 0)


def loops(device: Device) -> list[Row]:
    """A launch against the bare loop, at a length where the loop itself is what counts."""
    columns = [device.zeros(LOOPED) for _ in range(6)]
    rows, dt = Rows(LOOPED, device), device.real.type(0.1)
    times = interleaved(
        {
            "ours": lambda: advance(rows, *columns, 0.1),
            "theirs": lambda: advance_by_hand(LOOPED, *columns, dt),
        },
        repeats=31,
        calls=20,
    )
    ours, theirs = (times[side].wall * 1e9 / LOOPED for side in ("ours", "theirs"))
    label = f"x += v dt, {LOOPED} rows, {device.precision}"
    return [Row(label, "bare numba loop", ours, theirs, "ns/row", theirs / ours, 1 / 1.2, 1.0)]


class Views:
    """Columns of a population: views of longer blocks, which the launch swaps."""

    def __init__(self, n: int, device: Device, count: int) -> None:
        blocks = [device.zeros(2 * n) for _ in range(count)]
        self.n, self.device, self.columns = n, device, [block[:n] for block in blocks]
        self.storage = {id(view): block for view, block in zip(self.columns, blocks, strict=True)}


def launch(device: Device) -> list[Row]:
    """A whole launch of six columns at n = 1000, columns swapped for their blocks; and a reduction."""
    views = Views(LAUNCHED, device, 6)
    times = interleaved(
        {"launch": lambda: advance(views, *views.columns, 0.1), "sum": lambda: sum_rows(views, views.columns[0])},
        repeats=51,
        calls=200,
    )
    rows = []
    for name, side, most, wish in (("six columns", "launch", 2.0, 1.2), ("sum_rows", "sum", 10.0, 5.0)):
        micro = times[side].wall * 1e6
        label = f"{name}, n = {LAUNCHED}, {device.precision}"
        rows.append(Row(label, "bound", micro, None, "us", micro, most, wish, lower_is_better=True))
    return rows


def functions(device: Device) -> list[Row]:
    """Polynomials against the C library in the same loop."""
    x = np.random.default_rng(1).uniform(0.1, 10.0, ROWS).astype(device.real)
    y, z, rows = device.zeros(ROWS), device.zeros(ROWS), Rows(ROWS, device)
    pairs: list[tuple[str, Kernel, Kernel]] = [
        ("exp", exponential, library_exponential),
        ("log", logarithm, library_logarithm),
        ("sin + cos", circular, library_circular),
    ]
    found = []
    for name, own, library in pairs:
        sides: dict[str, Callable[[], None]] = {
            "ours": lambda own=own: own(rows, x, y),  # type: ignore[misc]
            "theirs": lambda library=library: library(rows, x, z),  # type: ignore[misc]
        }
        times = interleaved(sides, repeats=21, calls=20)
        ours, theirs = (times[side].wall * 1e9 / ROWS for side in ("ours", "theirs"))
        found.append(Row(f"{name}, {device.precision}", "libm", ours, theirs, "ns", theirs / ours, 2.0, 6.0))
    generator = np.random.Generator(np.random.Philox(1))
    drawn: dict[str, Callable[[], Any]] = {
        "ours": lambda: normals(rows, y, z, 1, 2),
        "theirs": lambda: generator.standard_normal(2 * ROWS, dtype=device.real.type),
    }
    times = interleaved(drawn, repeats=21, calls=20)
    ours, theirs = (times[side].wall * 1e9 / (2 * ROWS) for side in ("ours", "theirs"))
    part = f"normal numbers, {device.precision}"
    found.append(Row(part, "numpy Philox", ours, theirs, "ns", theirs / ours, 1.0, 4.0))
    return found


def main() -> None:
    """Print the rows."""
    wait_until_idle()
    rows = []
    for precision in ("single", "double"):
        device = Device("cpu", precision)  # type: ignore[arg-type]
        rows += [*loops(device), *launch(device), *functions(device)]
    report("kernels", rows)


if __name__ == "__main__":
    main()
