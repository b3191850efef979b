"""exp, expm1, log, log1p as polynomials: the same bits on every target, and loops that vectorize.

Reduction as in fdlibm (Sun Microsystems, e_exp.c, e_log.c, s_log1p.c); coefficients are minimax polynomials of our own
(Remez exchange in 50 digits). Integers are moved into and out of floats by adding 1.5 * 2^mantissa, which every vector
unit can do.
"""

from __future__ import annotations

from typing import Any

from sensorium.engine.kernel import by_precision, device
from sensorium.engine.primitives import bits_real, fma, real, real_bits

__all__ = ["exp", "expm1", "log", "log1p", "polynomial"]

LOG2_E = 1.4426950408889634
INFINITY = float("inf")
NAN = float("nan")

# float64: 1 + r + r^2 * tail(r) = e^r on |r| <= ln(2)/2, relative error 2^-59
EXP_TAIL_64 = (
    2.0921589829127647e-09, 2.5105217646327182e-08, 2.755725291095877e-07, 2.7557255398472127e-06,
    2.480158734734124e-05, 0.00019841269874822188, 0.0013888888888874398, 0.008333333333326134,
    0.041666666666666685, 0.1666666666666667, 0.5,
)  # fmt: skip
SHIFT_64 = 6755399441055744.0  # 1.5 * 2^52: the sum's low bits hold the rounded integer
LN2_HIGH_64, LN2_LOW_64 = 0.6931471805598903, 5.497923018708371e-14
ONE_BITS_64 = 1023 << 52
# log((1+s)/(1-s)) = 2s + s * z * ratio(z), z = s^2, on m in [sqrt(1/2), sqrt(2)]
LOG_RATIO_64 = (
    0.14619097021515115, 0.15331497730121518, 0.18182896210057467, 0.2222221103168774, 0.2857142862665205,
    0.39999999999897884, 0.666666666666667,
)  # fmt: skip

# float32: the same with fewer terms
EXP_TAIL_32 = (
    0.00019907587317240016, 0.0013933652210928165, 0.008333286002884402, 0.041666464898681685, 0.16666666756472823,
    0.5000000013469804,
)  # fmt: skip
SHIFT_32 = 12582912.0  # 1.5 * 2^23
LN2_HIGH_32, LN2_LOW_32 = 0.693145751953125, 1.4286068203094173e-06
ONE_BITS_32 = 127 << 23
LOG_RATIO_32 = (0.23333418788674543, 0.28550698926403123, 0.4000012309176174, 0.6666666655260413)

SQRT_2 = 1.4142135623730951


@device
def polynomial(x, coefficients):
    """Horner's rule with fused steps; the highest power first."""
    value = coefficients[0]
    for k in range(1, len(coefficients)):
        value = fma(value, x, coefficients[k])
    return value


@device
def _exp_double(x):
    """e^x; gradual underflow, inf above 709.78."""
    bounded = min(max(real(x), -746.0), 710.0)
    shifted = fma(bounded, LOG2_E, SHIFT_64)
    k = shifted - SHIFT_64
    r = fma(k, -LN2_LOW_64, fma(k, -LN2_HIGH_64, bounded))
    y = 1.0 + fma(r * r, polynomial(r, EXP_TAIL_64), r)
    # 2^k in two factors: one alone would overflow, or lose the last bits of a subnormal result
    half = fma(k, 0.5, SHIFT_64)
    rest = (k - (half - SHIFT_64)) + SHIFT_64
    y *= bits_real((real_bits(half) << 52) + ONE_BITS_64)
    return y * bits_real((real_bits(rest) << 52) + ONE_BITS_64)


@device
def _exp_single(x):
    bounded = min(max(real(x), -104.0), 89.0)
    shifted = fma(bounded, LOG2_E, SHIFT_32)
    k = shifted - SHIFT_32
    r = fma(k, -LN2_LOW_32, fma(k, -LN2_HIGH_32, bounded))
    y = 1.0 + fma(r * r, polynomial(r, EXP_TAIL_32), r)
    half = fma(k, 0.5, SHIFT_32)
    rest = (k - (half - SHIFT_32)) + SHIFT_32
    y *= bits_real((real_bits(half) << 23) + ONE_BITS_32)
    return y * bits_real((real_bits(rest) << 23) + ONE_BITS_32)


@device
def _expm1_from(k, r, low, tail, scale):
    """``e^(r + low) * 2^k - 1`` where `scale` is 2^(k-1) and e^r = 1 + r + r^2 * tail."""
    w = fma(r * r, tail, fma(low, r, low))
    p = r + w
    p_low = (r - p) + w
    # the sum of p * scale, scale and -1/2 with its rounding errors kept
    offset, product = scale - 0.5, p * scale
    total = offset + product
    back = total - offset
    error = (offset - (total - back)) + (product - back) + ((scale - offset) - 0.5)
    return 2.0 * (total + fma(p_low, scale, error))


@device
def _expm1_double(x):
    """e^x - 1, accurate for small x; -1 below -38, inf above 709.78."""
    bounded = min(max(real(x), -40.0), 710.0)
    shifted = fma(bounded, LOG2_E, SHIFT_64)
    k = shifted - SHIFT_64
    high = fma(k, -LN2_HIGH_64, bounded)
    r = fma(k, -LN2_LOW_64, high)
    low = fma(k, -LN2_LOW_64, high - r)
    scale = bits_real((real_bits(shifted - 1.0) << 52) + ONE_BITS_64)
    return _expm1_from(k, r, low, polynomial(r, EXP_TAIL_64), scale)


@device
def _expm1_single(x):
    bounded = min(max(real(x), -20.0), 89.0)
    shifted = fma(bounded, LOG2_E, SHIFT_32)
    k = shifted - SHIFT_32
    high = fma(k, -LN2_HIGH_32, bounded)
    r = fma(k, -LN2_LOW_32, high)
    low = fma(k, -LN2_LOW_32, high - r)
    scale = bits_real((real_bits(shifted - 1.0) << 23) + ONE_BITS_32)
    return _expm1_from(k, r, low, polynomial(r, EXP_TAIL_32), scale)


@device
def _log_ratio(f, ratio):
    """``(z * ratio(z), f^2 / 2, s)`` with s = f / (2 + f), z = s^2: the parts of log(1 + f)."""
    s = f / (2.0 + f)
    z = s * s
    return z * polynomial(z, ratio), 0.5 * f * f, s


@device
def _log_special(x, value):
    """`value` where log has one; -inf at 0, nan below, x itself at inf and nan."""
    outside = -INFINITY if x == 0.0 else NAN
    outside = x if not x < INFINITY else outside
    return value if x > 0.0 and x < INFINITY else outside


@device
def _log_double(x):
    """Natural logarithm; -inf at 0, nan below."""
    x = real(x)
    tiny = x < 2.2250738585072014e-308  # subnormal: scale by 2^54
    bits = real_bits(x * 18014398509481984.0 if tiny else x)
    # the exponent, as a float: placed in the low bits of 2^52
    k = bits_real(((bits >> 52) & 0x7FF) | 0x4330000000000000) - (4503599627370496.0 + 1023.0)
    m = bits_real((bits & 0xFFFFFFFFFFFFF) | ONE_BITS_64)
    upper = m > SQRT_2
    k = (k + 1.0 if upper else k) - (54.0 if tiny else 0.0)
    f = (0.5 * m if upper else m) - 1.0
    correction, half_square, s = _log_ratio(f, LOG_RATIO_64)
    low = half_square - fma(s, half_square + correction, k * LN2_LOW_64)
    return _log_special(x, fma(k, LN2_HIGH_64, f - low))


@device
def _log_single(x):
    x = real(x)
    tiny = x < 1.1754943508222875e-38  # subnormal: scale by 2^25
    bits = real_bits(x * 33554432.0 if tiny else x)
    k = bits_real(((bits >> 23) & 0xFF) | 0x4B000000) - (8388608.0 + 127.0)
    m = bits_real((bits & 0x7FFFFF) | ONE_BITS_32)
    upper = m > SQRT_2
    k = (k + 1.0 if upper else k) - (25.0 if tiny else 0.0)
    f = (0.5 * m if upper else m) - 1.0
    correction, half_square, s = _log_ratio(f, LOG_RATIO_32)
    low = half_square - fma(s, half_square + correction, k * LN2_LOW_32)
    return _log_special(x, fma(k, LN2_HIGH_32, f - low))


@device
def _log1p_special(x, value):
    """`value` where log(1 + x) has one; -inf at -1, nan below, x itself at inf and nan."""
    outside = -INFINITY if x == -1.0 else NAN
    outside = x if not x < INFINITY else outside
    return value if x > -1.0 and x < INFINITY else outside


@device
def _log1p_double(x):
    """log(1 + x), accurate for small x; -inf at -1, nan below."""
    x = real(x)
    u = 1.0 + x
    # what rounding took from 1 + x, relative to it
    lost = (x - (u - 1.0) if u < 2.0 else 1.0 - (u - x)) / u
    bits = real_bits(u)
    k = bits_real(((bits >> 52) & 0x7FF) | 0x4330000000000000) - (4503599627370496.0 + 1023.0)
    m = bits_real((bits & 0xFFFFFFFFFFFFF) | ONE_BITS_64)
    upper = m > SQRT_2
    k = k + 1.0 if upper else k
    f = (0.5 * m if upper else m) - 1.0
    f = x if k == 0.0 else f
    lost = 0.0 if k == 0.0 else lost
    correction, half_square, s = _log_ratio(f, LOG_RATIO_64)
    low = half_square - fma(s, half_square + correction, fma(k, LN2_LOW_64, lost))
    return _log1p_special(x, fma(k, LN2_HIGH_64, f - low))


@device
def _log1p_single(x):
    x = real(x)
    u = 1.0 + x
    lost = (x - (u - 1.0) if u < 2.0 else 1.0 - (u - x)) / u
    bits = real_bits(u)
    k = bits_real(((bits >> 23) & 0xFF) | 0x4B000000) - (8388608.0 + 127.0)
    m = bits_real((bits & 0x7FFFFF) | ONE_BITS_32)
    upper = m > SQRT_2
    k = k + 1.0 if upper else k
    f = (0.5 * m if upper else m) - 1.0
    f = x if k == 0.0 else f
    lost = 0.0 if k == 0.0 else lost
    correction, half_square, s = _log_ratio(f, LOG_RATIO_32)
    low = half_square - fma(s, half_square + correction, fma(k, LN2_LOW_32, lost))
    return _log1p_special(x, fma(k, LN2_HIGH_32, f - low))


exp: Any = by_precision(_exp_single, _exp_double)
expm1: Any = by_precision(_expm1_single, _expm1_double)
log: Any = by_precision(_log_single, _log_double)
log1p: Any = by_precision(_log1p_single, _log1p_double)
