"""Tuned sums: the exact window, and the same bits however the pairs are listed and kept."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import kernel
from sensorium.engine.math import exp
from sensorium.systems.spectral import tuning
from sensorium.systems.spectral.gaussian import gaussian
from sensorium.systems.spectral.tuning import TunedSums, exact_reach

PRECISIONS = ["double", "single"]


def setting(seed: int, count: int, lines: int, width: float) -> tuple[Any, Any, Any]:
    """Frequencies as the working real has them, so that references see the same numbers."""
    rng = np.random.default_rng(seed)
    omega = np.sort(rng.normal(size=count).astype(np.float32)).astype(float)
    centre = np.sort(rng.normal(size=lines).astype(np.float32)).astype(float)
    return omega, centre, (width * rng.uniform(0.2, 1.0, lines)).astype(np.float32).astype(float)


def sums(precision: Any, omega: Any, centre: Any, gate: Any, **options: Any) -> list[Any]:
    """Every sum of random values: drive (2), field (2), collected (3: re, im, re), spread."""
    device = Device("cpu", precision)
    made = TunedSums(device)
    made.place(omega, centre, gate, **options)
    rng = np.random.default_rng(1)
    z, c = device.zeros((2, made.padded)), device.array(rng.normal(size=(2, len(centre))), device.real)
    z[:, : len(omega)] = rng.normal(size=(2, len(omega)))
    field, drive = device.empty((2, made.padded)), device.empty((2, len(centre)))
    made.couple(tuple(z), tuple(c), field, drive)
    collected, spread = device.empty((3, len(centre))), device.empty(made.padded)
    made.collect(z[[0, 1, 0]], collected)
    made.spread(c[0], spread)
    n = len(omega)
    return [z[:, :n], c, drive, field[:, :n], collected, spread[:n], made]


@pytest.mark.parametrize(("precision", "tolerance"), [("double", 1e-13), ("single", 1e-5)])
@pytest.mark.parametrize("width", [1e-3, 0.1, 30.0])
def test_sums_are_those_of_the_formula(precision: Any, tolerance: float, width: float) -> None:
    """Rounding only, relative to the sum of magnitudes: 1e-13 is 500 ulp of double, 1e-5 is 80 ulp of single."""
    omega, centre, gate = setting(2, 700, 23, width)
    z, c, drive, field, collected, spread, _ = sums(precision, omega, centre, gate)
    weights = np.exp(-(((omega[:, None] - centre) / gate) ** 2))
    np.testing.assert_allclose(drive, z @ weights, atol=tolerance * np.max(np.abs(z) @ weights))
    np.testing.assert_allclose(field, c @ weights.T, atol=tolerance * np.max(np.abs(c) @ weights.T))
    assert (collected == drive[[0, 1, 0]]).all()
    assert (spread == field[0]).all()


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("width", [1e-4, 1e-3, 0.01, 0.1, 1.0])
@pytest.mark.parametrize("count", [3, 77, 5000])
def test_banded_equals_dense_bit_by_bit(precision: Any, width: float, count: int) -> None:
    setup = setting(3, count, 40, width)
    banded, dense = (sums(precision, *setup, dense=choice) for choice in (False, True))
    for part, other in zip(banded[2:6], dense[2:6], strict=True):
        assert part.tobytes() == other.tobytes()
    if width == 1e-4 and count == 5000:
        assert banded[6].bands.pairs < 0.2 * dense[6].bands.pairs


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("lines", [1, 2, 7, 40])
def test_weights_made_stored_and_kept_give_the_same_bits(
    precision: Any, lines: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first sums make T in scratch rows, the second store it, the third read it; without room, all make it."""
    omega, centre, gate = setting(4, 5000, lines, 0.5)
    device = Device("cpu", precision)
    found = []
    for store in (tuning.STORE, 0):
        monkeypatch.setattr(tuning, "STORE", store)
        made = TunedSums(device)
        made.place(omega, centre, gate)
        z, c = device.zeros((2, made.padded)), device.empty((2, lines))
        z[:, : len(omega)] = 1.0 + omega
        c[:] = np.arange(2 * lines).reshape(2, lines)
        for _ in range(4):
            field, drive = device.empty((2, made.padded)), device.empty((2, lines))
            made.couple(tuple(z), tuple(c), field, drive)
            found.append(field.tobytes() + drive.tobytes())
        assert len(made._tuning) == (2 if store == 0 else max(lines, 2)) * made.padded
    assert len(set(found)) == 1


def weights(precision: Any, omega: Any) -> Any:
    """T of a carrier at 0 of width 1."""
    device = Device("cpu", precision)
    made = TunedSums(device)
    made.place(omega, np.zeros(1), np.ones(1), dense=True)
    total = device.empty(made.padded)
    made.spread(device.zeros(1) + 1, total)
    return total[: len(omega)]


def test_the_reach_is_where_the_float_underflows() -> None:
    """10.197 and 27.297 widths. With 149 ln 2 in single precision, as the paper has it, T would still be 1.4e-45."""
    assert exact_reach("single") == pytest.approx(10.197, abs=5e-4)
    assert exact_reach("double") == pytest.approx(27.297, abs=5e-4)
    assert exp(-1074.9 * math.log(2)) > 0
    assert exp(-(exact_reach("double") ** 2) * (1 + 1e-14)) == 0
    for precision, slack in (("single", 1e-5), ("double", 1e-9)):
        reach = exact_reach(precision)
        omega = reach * np.array([-(1 + slack), -(1 - slack), 1 - slack, 1 + slack])
        assert (weights(precision, omega) != 0).tolist() == [False, True, True, False]
    assert weights("single", np.array([math.sqrt(149 * math.log(2)) * (1 + 1e-6)]))[0] > 0


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize("cutoff", [2.0, 3.5])
def test_a_shorter_cutoff_keeps_its_bound(precision: Any, cutoff: float) -> None:
    omega, centre, gate = setting(5, 3000, 30, 0.2)
    z, c, drive, field, *_ = sums(precision, omega, centre, gate)
    _, _, cut_drive, cut_field, *_ = sums(precision, omega, centre, gate, cutoff=cutoff)
    bound = math.exp(-(cutoff**2))
    assert (np.abs(cut_drive - drive) <= bound * np.abs(z).sum(axis=1, keepdims=True)).all()
    assert (np.abs(cut_field - field) <= bound * np.abs(c).sum(axis=1, keepdims=True)).all()
    assert not np.array_equal(cut_drive, drive)


@pytest.mark.parametrize(("precision", "span"), [("single", 12.3), ("double", 32.9)])
def test_the_gaussian_is_within_an_ulp(precision: Any, span: float) -> None:
    """2^(-t^2) against exp2 of the exact square: below 1 ulp, in the subnormal range of its spacing, 0 beyond it."""
    device = Device("cpu", precision)
    t = np.linspace(0, span, 20_001).astype(device.real)
    found = device.empty(len(t))
    bells(Rows(len(t), device), t, found)
    square = t.astype(np.longdouble) ** 2
    exact = np.exp2(-square)
    spacing = np.maximum(np.spacing(exact.astype(device.real)), np.finfo(device.real).smallest_subnormal)
    assert (np.abs(found - exact) <= spacing).all()
    assert found[-1] == 0 < found[-300]
    assert gaussian(-0.7) == gaussian(0.7)
    assert gaussian(0.0) == 1.0
    assert math.isnan(gaussian(math.nan))


@kernel
def bells(i, t, out):
    out[i] = gaussian(t[i])


def test_no_oscillators_or_no_carriers() -> None:
    empty = np.zeros(0)
    for omega, centre in ((empty, np.zeros(3)), (np.zeros(3), empty), (empty, empty)):
        *_, drive, field, _, _, _ = sums("double", omega, centre, np.ones(len(centre)))
        assert not drive.any()
        assert not field.any()
