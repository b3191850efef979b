"""Elementary functions for kernels: below 1 ulp, vectorizing, and with the same bits on CPU, CUDA and the simulator.

In a body they compute in the working precision, whatever float they are given; called from Python, in double.

=====================  ==========================================================================
``sqrt(x)``            correctly rounded
``floor(x), rint(x)``  the integer below, and the nearest (ties to even), as floats
``exp, expm1``         e^x and e^x - 1, gradual underflow
``log, log1p``         natural logarithm of x and of 1 + x, subnormals included
``sin, cos``           of radians, |x| <= 1e6 (1e5 in single precision)
``sincos(x)``          (sin x, cos x), for the price of one
``sincos2pi(u)``       (sin, cos)(2 pi u) of turns; exact at quarter turns
``atan2(y, x)``        the angle of (x, y)
=====================  ==========================================================================
"""

from __future__ import annotations

from sensorium.engine.math_exponential import exp, expm1, log, log1p
from sensorium.engine.math_trigonometric import atan2, cos, sin, sincos, sincos2pi
from sensorium.engine.primitives import floor, rint, sqrt

__all__ = ["atan2", "cos", "exp", "expm1", "floor", "log", "log1p", "rint", "sin", "sincos", "sincos2pi", "sqrt"]
