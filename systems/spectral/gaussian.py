"""The Gaussian 2^(-t^2): what the tuning kernel is made of, at a third of the price of dividing and calling exp.

The exponent is split into its nearest whole number and the rest in one fused step, which is exact to half an ulp of the
rest; the polynomials are minimax (Remez exchange in 50 digits).
"""

from __future__ import annotations

import math
from typing import Any

from sensorium.engine.kernel import by_precision, device
from sensorium.engine.math_exponential import SHIFT_32, SHIFT_64, polynomial
from sensorium.engine.primitives import bits_real, fma, real_bits

__all__ = ["UNIT", "gaussian"]

UNIT = math.sqrt(math.log2(math.e))
"""exp(-x^2) is ``gaussian(UNIT * x)``."""

# 2^r = 1 + r * rest(r) on |r| <= 1/2, relative error 2^-28.9 and 2^-58.0
REST_32 = (
    0.0001535335602127226, 0.0013398874707458383, 0.009618437394017389, 0.05550332470548192, 0.2402264791310473,
    0.6931472028549251,
)  # fmt: skip
REST_64 = (
    4.434771298200377e-10, 7.073783248503134e-09, 1.0178199571842138e-07, 1.3215435282308488e-06,
    1.5252733493127489e-05, 0.0001540353045711209, 0.001333355814677462, 0.00961812910759412, 0.055504108664820084,
    0.2402265069591013, 0.6931471805599453,
)  # fmt: skip

# beyond these the result is 0; powers of two are raised by LIFT, which keeps them normal, and lowered in the last step
FARTHEST_32, LIFT_32, LOWER_32 = 12.28, (127 + 24) << 23, 2.0**-24
FARTHEST_64, LIFT_64, LOWER_64 = 32.8, (1023 + 54) << 52, 2.0**-54


@device
def _gaussian_single(t):
    t = min(abs(t), FARTHEST_32)
    shifted = fma(-t, t, SHIFT_32)
    r = fma(-t, t, -(shifted - SHIFT_32))
    return fma(r, polynomial(r, REST_32), 1.0) * bits_real((real_bits(shifted) << 23) + LIFT_32) * LOWER_32


@device
def _gaussian_double(t):
    t = min(abs(t), FARTHEST_64)
    shifted = fma(-t, t, SHIFT_64)
    r = fma(-t, t, -(shifted - SHIFT_64))
    return fma(r, polynomial(r, REST_64), 1.0) * bits_real((real_bits(shifted) << 52) + LIFT_64) * LOWER_64


gaussian: Any = by_precision(_gaussian_single, _gaussian_double)
