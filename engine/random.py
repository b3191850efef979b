"""Random numbers as a pure function of (seed, id, step, stream, draw): no state to save, no order to keep.

Philox4x32-10 (Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011; known answers of Random123).
The key is the seed (64 bits), the counter (id, step, stream, draw), 32 bits each; what an id has above 32 bits goes to
the upper half of the draw, and what a step has, to the key. The same arguments give the same numbers on every device
and in any order.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.engine.kernel import by_precision, device
from sensorium.engine.math import log, sincos2pi, sqrt
from sensorium.engine.primitives import bits_real

__all__ = ["normal", "normal_pair", "philox", "uniform"]

# words are uint64 that hold 32 bits: products need no wide multiply, and the simulator sees no overflow
MULTIPLIER_0, MULTIPLIER_1 = np.uint64(0xD2511F53), np.uint64(0xCD9E8D57)
WEYL_0, WEYL_1 = np.uint64(0x9E3779B9), np.uint64(0xBB67AE85)
WORD, HALF, QUARTER = np.uint64(0xFFFFFFFF), np.uint64(32), np.uint64(16)
ROUNDS = 10


@device
def philox(c0, c1, c2, c3, k0, k1):
    """Philox4x32-10: four random 32-bit words from a counter of four words and a key of two, all as uint64."""
    for _ in range(ROUNDS):
        a, b = MULTIPLIER_0 * c0, MULTIPLIER_1 * c2
        c0, c1, c2, c3 = (b >> HALF) ^ c1 ^ k0, b & WORD, (a >> HALF) ^ c3 ^ k1, a & WORD
        k0, k1 = (k0 + WEYL_0) & WORD, (k1 + WEYL_1) & WORD
    return c0, c1, c2, c3


@device
def _words(seed, id, step, stream, draw):
    """Four random words for one draw of one entity in one step."""
    seed, id, step = np.uint64(seed), np.uint64(id), np.uint64(step)
    last = (np.uint64(draw) ^ ((id >> HALF) << QUARTER)) & WORD
    return philox(id & WORD, step & WORD, np.uint64(stream) & WORD, last, (seed ^ (step >> HALF)) & WORD, seed >> HALF)


EXPONENT_64, SHIFT_HIGH, SHIFT_LOW = np.uint64(0x3FF0000000000000), np.uint64(20), np.uint64(12)
EXPONENT_32, SHIFT_32 = np.uint64(0x3F800000), np.uint64(9)
BELOW_ONE_64 = 1.0 - 2.0**-53
BELOW_ONE_32 = 1.0 - 2.0**-24


@device
def _unit_double(w0, w1):
    """The middle of one of 2^52 cells of (0, 1): a multiple of 2^-53, never 0 and never 1."""
    return bits_real(EXPONENT_64 | (w0 << SHIFT_HIGH) | (w1 >> SHIFT_LOW)) - BELOW_ONE_64


@device
def _unit_single(w0, w1):
    """The middle of one of 2^23 cells of (0, 1): a multiple of 2^-24, never 0 and never 1."""
    return bits_real(EXPONENT_32 | (w0 >> SHIFT_32)) - BELOW_ONE_32


_unit: Any = by_precision(_unit_single, _unit_double)


@device
def uniform(seed, id, step, stream, draw):
    """Uniform in the open interval (0, 1): 2^52 values in double precision, 2^23 in single.

    Parameters
    ----------
    seed
        Seed of the world, 0 <= seed < 2^63.
    id
        Id of the entity (or any index that tells draws apart).
    step
        Step being computed.
    stream
        Number of the system that draws (``self.stream``).
    draw
        0, 1, 2, ... below 2^16, for independent draws of one entity in one step.
    """
    w0, w1, _, _ = _words(seed, id, step, stream, draw)
    return _unit(w0, w1)


@device
def normal_pair(seed, id, step, stream, draw):
    """Two independent standard normal numbers (Box and Muller 1958); parameters as in `uniform`."""
    w0, w1, w2, w3 = _words(seed, id, step, stream, draw)
    radius = sqrt(-2.0 * log(_unit(w0, w1)))
    sine, cosine = sincos2pi(_unit(w2, w3))
    return radius * cosine, radius * sine


@device
def normal(seed, id, step, stream, draw):
    """One standard normal number; where two are needed, `normal_pair` costs no more."""
    return normal_pair(seed, id, step, stream, draw)[0]
