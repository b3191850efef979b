"""The static gate: kernels as PTX and machine code, without a GPU; what it refuses, it refuses in words."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorium.engine import ptx
from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import Kernel, KernelError, device, kernel, real
from sensorium.engine.kernel_types import parse_signature
from sensorium.engine.math import exp, sincos
from sensorium.engine.primitives import atomic_add, for_each
from sensorium.engine.random import normal_pair
from sensorium.engine.reduce import Sum

missing = ptx.missing_toolchain()
pytestmark = [pytest.mark.ptx, pytest.mark.skipif(missing is not None, reason=str(missing))]


@kernel
def push(i, force, charge, histogram, seed, field):
    x, y = normal_pair(seed, i, 1, 2, 3)
    s, c = sincos(charge[i])
    force[i, 0] += exp(x) * s * field + c
    force[i, 2] = y * charge[i] + field
    atomic_add(histogram, i % 3, 1)


@kernel
def slips(i, values, number):
    values[i] = values[i] / number


@kernel(signature="real[:,:], u4[:], int, real, bool")
def declared(i, vectors, keys, number, factor, flag):
    vectors[i, 1] = real(keys[i]) * factor if flag else real(number)


@kernel(signature="real[:]", registers=8)
def greedy(i, values):
    values[i] = exp(values[i])


@kernel
def says_too_much(i, values):
    print("row", values[i])


@device
def put_double(k, source, target):
    target[k] = 2.0 * source[k]


@kernel(tasks=True, signature="real[:], real[:], int")
def slabs(t, source, target, width):
    for_each(put_double, t * width, (t + 1) * width, (source, target))


@device
def heat(i, column):
    return column[i]


TYPES = {p: parse_signature("real[:,:], real[:], i8[:], int, real", p) for p in ptx.PRECISIONS}


@pytest.mark.parametrize("cc", ptx.CAPABILITIES)
@pytest.mark.parametrize("precision", ptx.PRECISIONS)
def test_a_kernel_passes(precision: Any, cc: tuple[int, int]) -> None:
    result = ptx.check(push, TYPES[precision], precision, cc)
    assert result.problems == []
    assert 16 <= result.registers <= push.registers
    assert (result.doubles == 0) is (precision == "single")
    assert f".target sm_{cc[0]}{cc[1]}" in result.ptx


def test_products_and_sums_stay_apart() -> None:
    """As on the CPU: fused steps where fma() says so, and nowhere else."""
    single = slips_product.ptx("real[:], real")
    assert "mul.rn.f32" in single
    assert "fma.rn.f32" not in single


@kernel
def slips_product(i, values, factor):
    values[i] = values[i] * factor + factor


def test_float64_in_single_precision_is_refused() -> None:
    result = ptx.check(slips, parse_signature("real[:], int", "single"), "single", (9, 0))
    assert any("uses of float64 in single precision" in problem for problem in result.problems)
    assert ptx.check(slips, parse_signature("real[:], int", "double"), "double", (9, 0)).problems == []


def test_registers_over_the_budget_are_refused() -> None:
    (result,) = ptx.examine([greedy], ["single"], [(9, 0)])
    assert result.problems == [f"{result.registers} registers, over the budget of 8"]


def test_a_stack_is_refused() -> None:
    """Printing keeps its arguments in memory."""
    result = ptx.check(says_too_much, parse_signature("real[:]", "single"), "single", (9, 0))
    assert any("bytes of stack" in problem for problem in result.problems)


def test_what_does_not_compile_is_a_problem_not_a_crash() -> None:
    result = ptx.check(slips, parse_signature("real[:], real[:]", "single"), "single", (9, 0))
    assert len(result.problems) == 1
    assert result.problems[0].startswith("kernel 'slips'")


def test_launches_on_the_cpu_tell_the_types() -> None:
    on = Device("cpu", "single")
    values = on.zeros((3, 4)).T
    fresh = Kernel(moved.function)
    assert ptx.never_launched([fresh]) == ([fresh] if "." in __name__ else [])
    assert list(ptx.examine([fresh])) == []
    fresh(Rows(4, on), values, 0.5)
    found = list(ptx.examine([fresh], ["double", "single"], [(8, 0)]))
    assert [(r.precision, r.problems) for r in found] == [("single", [])]


@kernel
def moved(i, vectors, dt):
    vectors[i, 0] += vectors[i, 1] * dt


def test_reductions_pass() -> None:
    total = Sum(heat)
    for precision in ptx.PRECISIONS:
        on = Device("cpu", precision)
        total(Rows(4, on), on.zeros(4))
    results = list(ptx.examine([total._lanes, total.rule.folding_strided], capabilities=[(9, 0)]))
    assert [r.problems for r in results] == [[]] * 4


def test_examples_types_and_declarations_give_the_same_code() -> None:
    from numba.core import types

    texts = [
        slabs.ptx("real[:], real[:], int"),
        slabs.ptx((np.zeros(2, np.float32), np.zeros(2, np.float32), 3)),
        slabs.ptx(types.void(types.int64, *parse_signature("real[:], real[:], int", "single"))),
    ]
    bodies = {text[text.index(".visible .entry") :].partition("(")[2].count("ld.global") for text in texts}
    assert len(bodies) == 1
    assert next(ptx.examine([declared], ["single"], [(8, 0)])).problems == []


@pytest.mark.parametrize("text", ["real[:], complex", "real[:,:,:,:]", "str"])
def test_declarations_that_are_no_types_are_refused(text: str) -> None:
    with pytest.raises(KernelError, match="is not a type of an argument"):
        parse_signature(text, "double")


def test_the_command_writes_files_and_fails_on_violations(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("PTX_DIR", str(tmp_path / "out"))
    monkeypatch.setattr(ptx, "_launch_everything", lambda: None)
    monkeypatch.setattr(ptx, "KERNELS", [slabs])
    assert ptx.main() == 0
    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == [f"slabs-0.{p}.sm_{cc}.ptx" for p in ("double", "single") for cc in (80, 90)]
    monkeypatch.setattr(ptx, "KERNELS", [slabs, greedy])
    assert ptx.main() == 1
    assert "over the budget of 8" in capsys.readouterr().out
    monkeypatch.setattr(ptx, "KERNELS", [])
    assert ptx.main() == 1  # nothing checked is not a pass


def test_without_the_toolchain_the_command_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(ptx, "missing_toolchain", lambda: "numba_cuda is not installed")
    assert ptx.main() == 1
    assert "numba_cuda is not installed" in capsys.readouterr().out
