"""sin, cos, sincos, sincos2pi, atan2 as polynomials: the same bits on every target, and loops that vectorize.

The reduced argument is carried as a sum of two floats, so that reduction costs no accuracy (Cody and Waite, Software
Manual for the Elementary Functions, 1980; the kernels' use of the low part as in fdlibm's k_sin.c and k_cos.c).
Coefficients are minimax polynomials of our own (Remez exchange in 50 digits).
"""

from __future__ import annotations

from typing import Any

from sensorium.engine.kernel import by_precision, device
from sensorium.engine.math_exponential import SHIFT_32, SHIFT_64, polynomial
from sensorium.engine.primitives import fma, real, real_bits

__all__ = ["atan2", "cos", "sin", "sincos", "sincos2pi"]

TWO_OVER_PI = 0.6366197723675814

# sin(r) = r + r^3 * sine(r^2), cos(r) = 1 - r^2/2 + r^4 * cosine(r^2) on |r| <= pi/4
SINE_64 = (
    -7.586688956467455e-13, 1.6058531486522682e-10, -2.5052106231657194e-08, 2.755731921933705e-06,
    -0.00019841269841265063, 0.008333333333333331, -0.16666666666666666,
)  # fmt: skip
COSINE_64 = (
    -1.1382622253262446e-11, 2.0876146138594374e-09, -2.7557317271175246e-07, 2.4801587298764788e-05,
    -0.0013888888888887398, 0.041666666666666664,
)  # fmt: skip
SINE_32 = (2.724994039985098e-06, -0.00019840086964766158, 0.00833333187545908, -0.16666666663858604)
COSINE_32 = (2.454799011997523e-05, -0.0013888303410065322, 0.041666664662988434)

# pi/2 and 2 pi as sums of floats, each with the bits that the one before lacks
HALF_PI_64 = (1.5707963267948966, 6.123233995736765e-17, 1.0828566739219139e-32)
HALF_PI_32 = (1.570796251296997, 7.549789415861596e-08, 5.390302529957765e-15)
TWO_PI_64 = (6.283185307179586, 2.449293598294706e-16)
TWO_PI_32 = (6.283185005187988, 3.0199157663446385e-07)

# atan(t) = t + t^3 * arc(t^2) on |t| <= tan(pi/8)
ARC_64 = (
    -0.019213443487198223, 0.03926370990031818, -0.05086643720647639, 0.058583950954436984,
    -0.06664542114628687, 0.0769218555480116, -0.0909090468904589, 0.11111111018245634, -0.14285714284707454,
    0.19999999999995738, -0.3333333333333333,
)  # fmt: skip
ARC_32 = (-0.06464763295560276, 0.107482386981417, -0.1426445046860797, 0.19999557892638478, -0.333333318571554)
TAN_EIGHTH = 0.41421356237309503
QUARTER_PI_64 = (0.7853981633974483, 3.061616997868383e-17)
QUARTER_PI_32 = (0.7853981852531433, -2.1855694143368964e-08)


@device
def _rotate(quadrant, sine, cosine):
    """(sin, cos) of an angle from those of its remainder after `quadrant` quarter turns."""
    swap = (quadrant & 1) != 0
    s, c = (cosine if swap else sine), (sine if swap else cosine)
    return -s if (quadrant & 2) != 0 else s, -c if ((quadrant + 1) & 2) != 0 else c


@device
def _sine_and_cosine(r, low, sine, cosine):
    """(sin, cos)(r + low) for |r| <= pi/4 and `low` below the last bit of `r`."""
    z = r * r
    s = r + fma(z * r, polynomial(z, sine), fma(-0.5 * z, low, low))
    half = 0.5 * z
    c = 1.0 - half
    return s, c + (((1.0 - c) - half) + fma(z * z, polynomial(z, cosine), -r * low))


@device
def _remainder(k, x, half_pi):
    """x - k*pi/2 as a sum of two floats."""
    near = fma(k, -half_pi[0], x)  # exact: what is left of x has few bits
    step = k * half_pi[1]
    r = near - step
    back = r - near
    lost = (near - (r - back)) - (step + back)
    return r, fma(k, -half_pi[2], lost - fma(k, half_pi[1], -step))


@device
def _sincos_double(x):
    """(sin x, cos x) of an angle in radians, |x| <= 1e6."""
    x = real(x)
    shifted = fma(x, TWO_OVER_PI, SHIFT_64)
    k = shifted - SHIFT_64
    r, low = _remainder(k, x, HALF_PI_64)
    s, c = _sine_and_cosine(r, low, SINE_64, COSINE_64)
    return _rotate(real_bits(shifted), s, c)


@device
def _sincos_single(x):
    """(sin x, cos x) of an angle in radians, |x| <= 1e5."""
    x = real(x)
    shifted = fma(x, TWO_OVER_PI, SHIFT_32)
    k = shifted - SHIFT_32
    r, low = _remainder(k, x, HALF_PI_32)
    s, c = _sine_and_cosine(r, low, SINE_32, COSINE_32)
    return _rotate(real_bits(shifted), s, c)


@device
def _sincos2pi_double(u):
    """(sin, cos)(2 pi u) of an angle in turns, |u| <= 2^40; exact at quarter turns."""
    u = real(u)
    shifted = fma(u, 4.0, SHIFT_64)
    turn = fma(shifted - SHIFT_64, -0.25, u)
    r = turn * TWO_PI_64[0]
    low = fma(turn, TWO_PI_64[1], fma(turn, TWO_PI_64[0], -r))
    s, c = _sine_and_cosine(r, low, SINE_64, COSINE_64)
    return _rotate(real_bits(shifted), s, c)


@device
def _sincos2pi_single(u):
    """(sin, cos)(2 pi u) of an angle in turns, |u| <= 2^20; exact at quarter turns."""
    u = real(u)
    shifted = fma(u, 4.0, SHIFT_32)
    turn = fma(shifted - SHIFT_32, -0.25, u)
    r = turn * TWO_PI_32[0]
    low = fma(turn, TWO_PI_32[1], fma(turn, TWO_PI_32[0], -r))
    s, c = _sine_and_cosine(r, low, SINE_32, COSINE_32)
    return _rotate(real_bits(shifted), s, c)


@device
def _atan2_from(y, x, arc, quarter_pi):
    """Angle of (x, y): reduced to |t| <= tan(pi/8) plus a multiple of pi/4, both as sums of two floats."""
    ay, ax = abs(y), abs(x)
    steep = ay > ax
    least, most = (ax if steep else ay), (ay if steep else ax)
    near_diagonal = least > TAN_EIGHTH * most
    # tan(a - pi/4) = (least - most) / (least + most), numerator and denominator with their rounding errors
    difference, total = least - most, least + most
    numerator = difference if near_diagonal else least
    denominator = total if near_diagonal else most
    numerator_low = (least - (difference + most)) if near_diagonal else 0.0
    denominator_low = (least - (total - most)) if near_diagonal else 0.0
    denominator = 1.0 if denominator == 0.0 else denominator
    t = numerator / denominator
    t_low = (fma(-t, denominator, numerator) + numerator_low - t * denominator_low) / denominator
    z = t * t
    tail = fma(z * t, polynomial(z, arc), t_low)
    # the angle is eighths * pi/4 + sign * (t + tail)
    eighths = 1.0 if near_diagonal else 0.0
    eighths = 2.0 - eighths if steep else eighths
    eighths = 4.0 - eighths if x < 0.0 else eighths
    flipped = steep != (x < 0.0)
    t, tail = (-t if flipped else t), (-tail if flipped else tail)
    base = eighths * quarter_pi[0]
    base_low = fma(eighths, quarter_pi[1], fma(eighths, quarter_pi[0], -base))
    angle = base + t
    lost = 0.0 if eighths == 0.0 else (base - angle) + t
    angle += tail + (base_low + lost)
    return -angle if real_bits(y) < 0 else angle


@device
def _atan2_double(y, x):
    """Angle of the vector (x, y) in (-pi, pi], finite arguments; 0 at the origin."""
    return _atan2_from(real(y), real(x), ARC_64, QUARTER_PI_64)


@device
def _atan2_single(y, x):
    return _atan2_from(real(y), real(x), ARC_32, QUARTER_PI_32)


sincos: Any = by_precision(_sincos_single, _sincos_double)
sincos2pi: Any = by_precision(_sincos2pi_single, _sincos2pi_double)
atan2: Any = by_precision(_atan2_single, _atan2_double)


@device
def sin(x):
    """sin x of an angle in radians; where both are needed, `sincos` costs no more."""
    return sincos(x)[0]


@device
def cos(x):
    """cos x of an angle in radians; where both are needed, `sincos` costs no more."""
    return sincos(x)[1]
