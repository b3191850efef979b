"""Elementary functions: below one ulp against extended precision, special values, and symmetry."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import kernel
from sensorium.engine.math import atan2, cos, exp, expm1, floor, log, log1p, rint, sin, sincos, sincos2pi, sqrt

PRECISIONS = ["double", "single"]
SAMPLES = 40_000

extended = np.longdouble
needs_extended = pytest.mark.skipif(
    np.finfo(extended).nmant < 63, reason="no floats wider than float64 here to compare with"
)


@kernel
def exponentials(i, x, y):
    y[i, 0], y[i, 1] = exp(x[i]), expm1(x[i])


@kernel
def logarithms(i, x, y):
    y[i, 0], y[i, 1] = log(x[i]), log1p(x[i])


@kernel
def circular(i, x, y):
    y[i, 0], y[i, 1] = sincos(x[i])


@kernel
def separate(i, x, y):
    y[i, 0], y[i, 1] = sin(x[i]), cos(x[i])


@kernel
def turns(i, x, y):
    y[i, 0], y[i, 1] = sincos2pi(x[i])


@kernel
def angles(i, x, y):
    y[i, 0] = atan2(x[i], x[x.size - 1 - i])
    y[i, 1] = sqrt(abs(x[i]))


@kernel
def rounded(i, x, y):
    y[i, 0], y[i, 1] = floor(x[i]), rint(x[i])


def computed(body: Any, precision: Any, x: Any) -> tuple[Any, Any]:
    """Both results for every x, in the working precision."""
    device = Device("cpu", precision)
    y = device.zeros((2, len(x)))
    body(Rows(len(x), device), np.asarray(x, device.real), y.T)
    return y[0], y[1]


def ulps(got: Any, want: Any) -> float:
    """Largest error in units of the last place of the result; the unit of subnormal numbers is the least float."""
    unit = np.spacing(np.abs(want.astype(got.dtype))).astype(extended)
    error = np.abs(got.astype(extended) - want) / unit
    assert not np.isnan(error).any()
    return float(error.max())


def spread(precision: str, low: float, high: float) -> Any:
    """Samples between two positive numbers, even in the logarithm, in the working precision."""
    rng = np.random.default_rng(1)
    values = np.exp(rng.uniform(np.log(extended(low)), np.log(extended(high)), SAMPLES))
    return values.astype(Device("cpu", precision).real)  # type: ignore[arg-type]


def uniform(precision: str, low: float, high: float) -> Any:
    rng = np.random.default_rng(2)
    return rng.uniform(low, high, SAMPLES).astype(Device("cpu", precision).real)  # type: ignore[arg-type]


# One ulp is the promise. The largest errors seen are 0.98 (exp), 0.87 (expm1), 0.83 (log), 0.84 (log1p), 0.78 (sine and
# cosine) and 0.80 (atan2) in both precisions, over 1e6 samples of each interval.


@needs_extended
@pytest.mark.parametrize(("precision", "least", "most"), [("double", -745.0, 709.7), ("single", -103.0, 88.7)])
def test_exponentials(precision: str, least: float, most: float) -> None:
    for x in (uniform(precision, least, most), uniform(precision, -1.5, 1.5)):
        e, e1 = computed(exponentials, precision, x)
        assert ulps(e, np.exp(x.astype(extended))) < 1.0
        assert ulps(e1, np.expm1(x.astype(extended))) < 1.0
    small = spread(precision, 1e-30, 1.0)
    assert ulps(computed(exponentials, precision, -small)[1], np.expm1(-small.astype(extended))) < 1.0


@needs_extended
@pytest.mark.parametrize("precision", PRECISIONS)
def test_logarithms(precision: str) -> None:
    limits = np.finfo(Device("cpu", precision).real)  # type: ignore[arg-type]
    everywhere = spread(precision, float(limits.smallest_subnormal) * 2, float(limits.max))
    for x in (everywhere, uniform(precision, 0.5, 2.0), 1 + uniform(precision, -1e-3, 1e-3)):
        assert ulps(computed(logarithms, precision, x)[0], np.log(x.astype(extended))) < 1.0
    for x in (spread(precision, 1e-30, 1e30), -spread(precision, 1e-30, 0.999), uniform(precision, -0.9, 2.0)):
        assert ulps(computed(logarithms, precision, x)[1], np.log1p(x.astype(extended))) < 1.0


@needs_extended
@pytest.mark.parametrize(("precision", "most"), [("double", 1e6), ("single", 1e5)])
def test_sine_and_cosine(precision: str, most: float) -> None:
    quarters = np.random.default_rng(3).integers(-60_000, 60_000, SAMPLES)
    near_zeros = (quarters * (np.pi / 2)).astype(Device("cpu", precision).real)  # type: ignore[arg-type]
    for x in (uniform(precision, -10, 10), uniform(precision, -most, most), near_zeros):
        s, c = computed(circular, precision, x)
        assert ulps(s, np.sin(x.astype(extended))) < 1.0
        assert ulps(c, np.cos(x.astype(extended))) < 1.0
        for one, both in zip(computed(separate, precision, x), (s, c), strict=True):
            assert np.array_equal(one, both)


@needs_extended
@pytest.mark.parametrize("precision", PRECISIONS)
def test_sine_and_cosine_of_turns(precision: str) -> None:
    for u in (uniform(precision, -2, 2), uniform(precision, -1000, 1000)):
        quarter = np.rint(4 * u.astype(extended))
        rest = 2 * np.arccos(extended(-1)) * (u.astype(extended) - quarter / 4)
        place = quarter.astype(np.int64) & 3
        sine, cosine = np.sin(rest), np.cos(rest)
        s, c = computed(turns, precision, u)
        assert ulps(s, np.choose(place, [sine, cosine, -sine, -cosine])) < 1.0
        assert ulps(c, np.choose(place, [cosine, -sine, -cosine, sine])) < 1.0
    s, c = computed(turns, precision, [0.0, 0.25, 0.5, 0.75, 1.0, -0.25])
    assert s.tolist() == [0, 1, 0, -1, 0, -1]
    assert c.tolist() == [1, 0, -1, 0, 1, 0]


@needs_extended
@pytest.mark.parametrize("precision", PRECISIONS)
def test_angle_of_a_vector(precision: str) -> None:
    signs = np.sign(np.random.default_rng(4).uniform(-1, 1, SAMPLES)).astype(Device("cpu", precision).real)  # type: ignore[arg-type]
    for x in (uniform(precision, -1, 1), spread(precision, 1e-6, 1e6) * signs):
        angle, root = computed(angles, precision, x)
        wide = x.astype(extended)
        assert ulps(angle, np.arctan2(wide, wide[::-1])) < 1.0
        assert np.array_equal(root, np.sqrt(np.abs(x)))
    # x is read backwards as the other coordinate: the vectors (y, x) are (1, -1), (0, 0), (-1, 1) and (0, -1), (-1, 0)
    assert computed(angles, precision, [1, 0, -1])[0].tolist() == pytest.approx([0.75 * np.pi, 0, -0.25 * np.pi])
    real = Device("cpu", precision).real.type  # type: ignore[arg-type]
    assert computed(angles, precision, [0, -1])[0].tolist() == [real(np.pi), real(-np.pi / 2)]
    assert computed(angles, precision, [-0.0, -1])[0][0] == real(-np.pi)


@pytest.mark.parametrize("precision", PRECISIONS)
def test_special_values(precision: str) -> None:
    inf, nan = np.inf, np.nan

    def same(got: Any, want: list[float]) -> bool:
        return np.array_equal(got, np.asarray(want, got.dtype), equal_nan=True)

    e, e1 = computed(exponentials, precision, [0, -0.0, inf, -inf, nan, 1000, -1000])
    assert same(e, [1, 1, inf, 0, nan, inf, 0])
    assert same(e1, [0, 0, inf, -1, nan, inf, -1])
    logs, logs1 = computed(logarithms, precision, [1, 0, inf, -inf, nan, -2, -1])
    assert same(logs, [0, -inf, inf, nan, nan, nan, nan])
    assert same(logs1, [np.log(2), 0, inf, nan, nan, nan, -inf])
    s, c = computed(circular, precision, [0, inf, nan])
    assert same(s, [0, nan, nan])
    assert same(c, [1, nan, nan])
    f, r = computed(rounded, precision, [-1.5, -0.5, 0.5, 1.5, 2.5, 1e9])
    assert same(f, [-2, -1, 0, 1, 2, 1e9])
    assert same(r, [-2, 0, 0, 2, 2, 1e9])


def test_underflow_is_gradual() -> None:
    x = np.linspace(-745, -708, 1000)
    tiny = computed(exponentials, "double", x)[0]
    assert (tiny > 0).all()
    assert (np.diff(tiny) >= 0).all()


@pytest.mark.parametrize("function", [exp, expm1, log1p, sin, cos])
def test_called_from_python_they_compute_in_double(function: Any) -> None:
    assert function(0.5) == pytest.approx(getattr(np, function.__name__)(0.5), rel=3e-16)
    assert type(function(0.5)) is np.float64
