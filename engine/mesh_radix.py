"""Fast Fourier transforms of lines that lie side by side, in radix 4, for lengths that are powers of two.

Real and imaginary parts are separate arrays ``(rows, lanes)``. Element ``e`` of every line lies in row ``base + e``;
lanes are lines, contiguous, so that butterflies need no shuffles and vectorize whatever the length. ``decimate``
leaves the waves in digit-reversed order, ``assemble`` takes them in that order: between the two, wave ``f`` is found
in place ``digit_reversed(n)[f]``, and nothing is ever reordered. Each line is transformed by the same operations
whatever lies beside it, so chunks and threads do not show in the bits.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from sensorium.engine.kernel import device
from sensorium.engine.primitives import for_each, nonnegative

__all__ = ["assemble", "decimate", "digit_reversed", "roots_of_unity"]


def digit_reversed(n: int) -> npt.NDArray[np.int64]:
    """Where :func:`decimate` leaves each wave of a line of `n`."""
    if n < 2:
        return np.zeros(n, np.int64)
    radix = 4 if n >= 4 else 2
    wave = np.arange(n)
    return wave % radix * (n // radix) + digit_reversed(n // radix)[wave // radix]


def roots_of_unity(n: int) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.float64]]:
    """Real and imaginary parts of ``exp(-2 pi i k / n)``, exact where they are 0 or 1."""
    angle = 2 * np.pi * np.arange(n) / n
    cosine, sine = np.cos(angle), -np.sin(angle)
    cosine[np.abs(cosine) < 1e-15], sine[np.abs(sine) < 1e-15] = 0, 0
    return cosine, sine


@device
def split4(line, re, im, a, b, c, d):
    """Four-point transform of four rows."""
    sum_r, sum_i = re[a, line] + re[c, line], im[a, line] + im[c, line]
    dif_r, dif_i = re[a, line] - re[c, line], im[a, line] - im[c, line]
    odd_r, odd_i = re[b, line] + re[d, line], im[b, line] + im[d, line]
    turn_r, turn_i = im[b, line] - im[d, line], re[d, line] - re[b, line]  # -i (b - d)
    re[a, line], im[a, line] = sum_r + odd_r, sum_i + odd_i
    re[b, line], im[b, line] = dif_r + turn_r, dif_i + turn_i
    re[c, line], im[c, line] = sum_r - odd_r, sum_i - odd_i
    re[d, line], im[d, line] = dif_r - turn_r, dif_i - turn_i


@device
def split4_turned(line, re, im, a, b, c, d, ur, ui, vr, vi, wr, wi):
    """Four-point transform of four rows; three of the results are turned by u, v and w."""
    sum_r, sum_i = re[a, line] + re[c, line], im[a, line] + im[c, line]
    dif_r, dif_i = re[a, line] - re[c, line], im[a, line] - im[c, line]
    odd_r, odd_i = re[b, line] + re[d, line], im[b, line] + im[d, line]
    turn_r, turn_i = im[b, line] - im[d, line], re[d, line] - re[b, line]
    re[a, line], im[a, line] = sum_r + odd_r, sum_i + odd_i
    x, y = dif_r + turn_r, dif_i + turn_i
    re[b, line], im[b, line] = x * ur - y * ui, x * ui + y * ur
    x, y = sum_r - odd_r, sum_i - odd_i
    re[c, line], im[c, line] = x * vr - y * vi, x * vi + y * vr
    x, y = dif_r - turn_r, dif_i - turn_i
    re[d, line], im[d, line] = x * wr - y * wi, x * wi + y * wr


@device
def turned_join4(line, re, im, a, b, c, d, ur, ui, vr, vi, wr, wi):
    """Four-point transform of four rows, of which three are turned by u, v and w before."""
    x, y = re[b, line], im[b, line]
    br, bi = x * ur - y * ui, x * ui + y * ur
    x, y = re[c, line], im[c, line]
    cr, ci = x * vr - y * vi, x * vi + y * vr
    x, y = re[d, line], im[d, line]
    dr, di = x * wr - y * wi, x * wi + y * wr
    sum_r, sum_i = re[a, line] + cr, im[a, line] + ci
    dif_r, dif_i = re[a, line] - cr, im[a, line] - ci
    odd_r, odd_i = br + dr, bi + di
    turn_r, turn_i = bi - di, dr - br
    re[a, line], im[a, line] = sum_r + odd_r, sum_i + odd_i
    re[b, line], im[b, line] = dif_r + turn_r, dif_i + turn_i
    re[c, line], im[c, line] = sum_r - odd_r, sum_i - odd_i
    re[d, line], im[d, line] = dif_r - turn_r, dif_i - turn_i


@device
def split2(line, re, im, a, b):
    """Two-point transform of two rows."""
    x, y = re[b, line], im[b, line]
    re[b, line], im[b, line] = re[a, line] - x, im[a, line] - y
    re[a, line], im[a, line] = re[a, line] + x, im[a, line] + y


@device
def decimate(re, im, base, n, lanes, root_r, root_i, roots):
    """Transform lines of `n`; waves come out digit-reversed.

    `root_r` and `root_i` are the `roots` roots of unity, a multiple of `n`.
    """
    length = n
    while length >= 4:
        m = length // 4
        turn = roots // length
        for j in range(m):
            u, v, w = nonnegative(j * turn), nonnegative(2 * j * turn), nonnegative(3 * j * turn)
            for block in range(0, n, length):
                a = nonnegative(base + block + j)
                b, c, d = nonnegative(a + m), nonnegative(a + 2 * m), nonnegative(a + 3 * m)
                if j == 0:
                    for_each(split4, 0, lanes, (re, im, a, b, c, d))
                else:
                    turns = (root_r[u], root_i[u], root_r[v], root_i[v], root_r[w], root_i[w])
                    for_each(split4_turned, 0, lanes, (re, im, a, b, c, d, *turns))
        length = m
    if length == 2:
        for block in range(0, n, 2):
            a = nonnegative(base + block)
            for_each(split2, 0, lanes, (re, im, a, nonnegative(a + 1)))


@device
def assemble(re, im, base, n, lanes, root_r, root_i, roots):
    """As :func:`decimate`, from digit-reversed to natural order. With `re` and `im` exchanged it is the way back."""
    length = 4
    if n % 3 == 2:  # an odd power of two: 2 mod 3
        length = 8
        for block in range(0, n, 2):
            a = nonnegative(base + block)
            for_each(split2, 0, lanes, (re, im, a, nonnegative(a + 1)))
    while length <= n:
        m = length // 4
        turn = roots // length
        for j in range(m):
            u, v, w = nonnegative(j * turn), nonnegative(2 * j * turn), nonnegative(3 * j * turn)
            for block in range(0, n, length):
                a = nonnegative(base + block + j)
                b, c, d = nonnegative(a + m), nonnegative(a + 2 * m), nonnegative(a + 3 * m)
                if j == 0:
                    for_each(split4, 0, lanes, (re, im, a, b, c, d))
                else:
                    turns = (root_r[u], root_i[u], root_r[v], root_i[v], root_r[w], root_i[w])
                    for_each(turned_join4, 0, lanes, (re, im, a, b, c, d, *turns))
        length *= 4
