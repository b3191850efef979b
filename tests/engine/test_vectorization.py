"""Bodies of rows become vector instructions: packed arithmetic in registers of 256 bits or more, freshly compiled."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
import pytest
from llvmlite import binding

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import Kernel, kernel
from sensorium.engine.math import exp, sincos
from sensorium.engine.random import normal_pair

wide = pytest.mark.skipif(
    not any(binding.get_host_cpu_features().get(name) for name in ("avx2", "avx512f")),
    reason="this processor has no vector registers of 256 bits",
)

ROWS = 100


@kernel
def advance(i, position, velocity, dt):
    """Three columns read and written: more pairs that could overlap than LLVM is willing to test at run time."""
    position[i, 0] += velocity[i, 0] * dt
    position[i, 1] += velocity[i, 1] * dt
    position[i, 2] += velocity[i, 2] * dt


@kernel
def relax(i, heat, energy, frequency):
    excess = energy[i] - frequency[i] / (exp(frequency[i] / max(heat[i], 1e-20)) - 1.0)
    heat[i] += excess
    energy[i] -= excess


@kernel
def turn(i, phase, x, y):
    x[i], y[i] = sincos(phase[i])


@kernel
def jiggle(i, x, y, seed, step):
    x[i], y[i] = normal_pair(seed, i, step, 0, 0)


@kernel
def pick(i, values, order, out):
    """A load that is not contiguous: one that LLVM cannot test for overlap at all."""
    out[i] = 2.0 * values[order[i]]


def assembly(body: Kernel, precision: Any, *arguments: Any) -> str:
    """Machine code of the loop over rows, compiled here and now: code from the cache cannot be looked at."""
    twin = Kernel(body.function).cpu(precision).serial
    twin._cache.stem = None
    twin(ROWS, *arguments)
    return "".join(twin.inspect_asm().values())


def packed(code: str, operation: str) -> int:
    """How often `operation` works on a whole register of 256 or 512 bits."""
    return len(re.findall(rf"\b{operation}\b[^\n]*%[yz]mm", code))


def columns(precision: Any) -> list[Any]:
    real = Device("cpu", precision).real
    return [np.linspace(0.1, 1.0, ROWS).astype(real) for _ in range(3)]


@wide
@pytest.mark.parametrize(("precision", "suffix"), [("double", "pd"), ("single", "ps")])
def test_rows_fill_wide_registers(precision: Any, suffix: str) -> None:
    real = Device("cpu", precision).real
    a, b, c = columns(precision)
    vectors = np.ones((3, ROWS), real).T, np.ones((3, ROWS), real).T
    assert packed(assembly(advance, precision, *vectors, 0.1), f"vmul{suffix}") >= 3
    code = assembly(relax, precision, a, b, c)
    assert packed(code, rf"vfmadd\w+{suffix}") >= 8
    assert packed(code, f"vdiv{suffix}") >= 2
    assert packed(assembly(turn, precision, a, b, c), rf"vfn?madd\w+{suffix}") >= 8


@wide
def test_random_numbers_and_gathers_fill_wide_registers() -> None:
    a, b, _ = columns("single")
    code = assembly(jiggle, "single", a, b, 1, 2)
    assert packed(code, "vpmuludq") >= 10
    assert packed(code, r"vfmadd\w+ps") >= 8
    order = np.arange(ROWS)[::-1].astype(np.uint32)
    code = assembly(pick, "double", a.astype(float), order, b.astype(float))
    assert packed(code, "vmulpd") + packed(code, "vaddpd") >= 1


@wide
def test_a_loop_that_vectorizes_by_hand_is_no_faster() -> None:
    """What the launcher adds: nothing. The bare numba loop of the same three lines has as many packed products."""
    import numba

    @numba.njit(error_model="numpy")  # type: ignore[untyped-decorator]
    def bare(n: int, x: Any, v: Any, dt: float) -> None:
        for i in range(n):
            x[i] += v[i] * dt

    a, b, _ = columns("double")
    bare(ROWS, a, b, 0.1)
    by_hand = packed("".join(bare.inspect_asm().values()), "vmulpd")
    assert by_hand >= 1
    assert packed(assembly(one_column, "double", a, b, 0.1), "vmulpd") >= by_hand


@kernel
def one_column(i, x, v, dt):
    x[i] += v[i] * dt


def test_rows_without_columns_are_no_vectors() -> None:
    """The count can fail: a body of one scalar row has no packed products."""
    code = assembly(scalar, "double", np.ones(ROWS), np.zeros(ROWS, np.int64))
    assert packed(code, "vmulpd") == 0


@kernel
def scalar(i, values, key):
    k = key[i]
    while k > 0:
        values[i] = values[k - 1] * 0.5
        k = key[k - 1]


def test_results_of_vectors_are_those_of_scalars() -> None:
    device = Device("cpu", "single")
    a, b, c = columns("single")
    together, alone = (a.copy(), b.copy(), c), (a.copy(), b.copy(), c)
    relax(Rows(ROWS, device), *together)
    for i in range(ROWS):
        pair = [np.repeat(column[i : i + 1], 2) for column in alone]
        relax(Rows(1, device), *pair)
        assert [together[0][i], together[1][i]] == [pair[0][0], pair[1][0]]
