"""Run by test_simulator in a process with NUMBA_ENABLE_CUDASIM=1: the same launches on the CPU and in the simulator.

Prints one JSON line: for each launch and precision, whether both gave the same bits.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from typing import Any

import numpy as np

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import device, kernel, real
from sensorium.engine.math import atan2, exp, expm1, floor, log, log1p, rint, sincos, sincos2pi, sqrt
from sensorium.engine.primitives import atomic_add, bits_real, fma, for_each, nonnegative, real_bits
from sensorium.engine.random import normal_pair, uniform
from sensorium.engine.reduce import Maximum, Minimum, Sum

ROWS = 300
THIRD = 1.0 / 3.0
WEIGHTS = (0.1, 0.2, 0.7)


@kernel
def elementary(i, x, out):
    """Every elementary function of one number, the special ones included."""
    v = x[i]
    out[i, 0], out[i, 1], out[i, 2], out[i, 3] = exp(v), expm1(v), log(v), log1p(v)
    out[i, 4], out[i, 5] = sincos(v)
    out[i, 6], out[i, 7] = sincos2pi(v)
    out[i, 8], out[i, 9], out[i, 10], out[i, 11] = atan2(v, 1.5), sqrt(v), floor(v), rint(v)


@kernel
def drawn(i, out, seed, step):
    out[i, 0] = uniform(seed, i, step, 7, 1)
    out[i, 1], out[i, 2] = normal_pair(seed, i, step, 7, 2)


@kernel
def mixed(i, x, y, whole, histogram, scale, number):
    """Products next to sums (never contracted), fused steps, bits, integers, constants, branches, atomic sums."""
    y[i, 0] = x[i] * y[i, 1] + scale * THIRD - x[i] / WEIGHTS[i % 3]
    y[i, 1] = fma(x[i], scale, y[i, 2])
    y[i, 2] = bits_real(real_bits(x[i]) ^ 1)
    whole[i] = (whole[i] * number + i) % 1013 - (whole[i] // 7)
    y[i, 0] += real(whole[i]) * 0.5 if x[i] > 0.0 else min(max(x[i], -0.5), scale)
    atomic_add(histogram, nonnegative(whole[i] % 5), whole[i])


@device
def put_product(k, source, target, factor):
    target[k] = source[k] * factor + target[k]


@kernel(tasks=True)
def slabs(t, source, target, width, factor):
    total = real(0)
    for_each(put_product, t * width, min((t + 1) * width, source.size), (source, target, factor))
    for k in range(t * width, min((t + 1) * width, source.size)):
        total += target[k]
    target[t * width] = total


@device
def moment(i, x, y):
    return x[i] * y[i, 1]


REDUCTIONS = {"sum": Sum(moment), "least": Minimum(moment), "greatest": Maximum(moment)}


def launches(on: Device) -> Iterator[tuple[str, Any]]:
    """Name and result of each launch on a device."""
    rng = np.random.default_rng(1)
    x = rng.normal(size=ROWS) * 10.0 ** rng.uniform(-3, 3, ROWS)
    x[:6] = [0.0, -0.0, np.inf, -np.inf, np.nan, 1.0]
    x = x.astype(on.real)
    rows = Rows(ROWS, on)
    out = on.zeros((12, ROWS)).T
    elementary(rows, x, out)
    yield "elementary functions", out
    out = on.zeros((3, ROWS)).T
    drawn(rows, out, 0x123456789ABCDEF, 42)
    yield "random numbers", out
    x = rng.normal(size=5000).astype(on.real)
    y, whole, histogram = np.ones((3, ROWS), on.real).T, np.arange(ROWS) * 7, np.zeros(5, np.int64)
    mixed(rows, x, y, whole, histogram, 0.1, 13)
    yield "arithmetic", y
    yield "integers", whole
    yield "atomic sums", histogram
    target = np.ones(5000, on.real)
    slabs(Rows(7, on), x, target, 700, 0.3)
    yield "tasks", target
    y = rng.normal(size=(3, 5000)).astype(on.real).T
    for name, reduction in REDUCTIONS.items():
        for n in (1, 100, 5000):
            yield f"{name} of {n}", np.float64(reduction(Rows(n, on), x, y))


def digest(values: Any) -> str:
    """Of the bits; what the bits of a nan are is no promise."""
    values = np.ascontiguousarray(values)
    if values.dtype.kind == "f":
        values = np.where(np.isnan(values), np.zeros((), values.dtype), values)
    return hashlib.sha256(values.tobytes()).hexdigest()


def main() -> None:
    """Compare and print."""
    same = {}
    for precision in ("double", "single"):
        cpu, simulated = (dict(launches(Device(kind, precision))) for kind in ("cpu", "cudasim"))  # type: ignore[arg-type]
        for name, values in cpu.items():
            same[f"{name}, {precision}"] = digest(values) == digest(simulated[name])
    print(json.dumps(same))


if __name__ == "__main__":
    main()
