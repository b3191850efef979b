"""Tuned sums: Gaussian-weighted sums between oscillators and carriers along the frequency axis.

The tuning kernel is T_ik = exp(-(omega_i - Omega_k)^2 / sigma_k^2) (paper, equation 26). Beyond ``exact_reach`` widths
it underflows to zero, so sums over a window are those over everything, bit by bit. Oscillators are sorted and cut
into tiles; T of a tile and a carrier is made once for the sums both ways, at first in a scratch row of the tile, and is
stored while frequencies and widths stay as they are.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.bands import Bands
from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import device, kernel, real
from sensorium.engine.primitives import dot, dots, fma, for_each, nonnegative
from sensorium.systems.spectral.gaussian import UNIT, gaussian

__all__ = ["TunedSums", "exact_reach"]

STORE = 256 * 2**20  # bytes of T that are kept; where it has more, it is made again at each sum
MADE, STORED, KEPT = 0, 1, 2  # T in scratch rows; made and stored; read

Array = npt.NDArray[Any]


def exact_reach(precision: str) -> float:
    """Distance in gate widths beyond which T is zero: exp(-x^2) rounds to 0 below half of the smallest float.

    sqrt(150 ln 2) = 10.197 in single and sqrt(1075 ln 2) = 27.297 in double precision.
    """
    return math.sqrt((150 if precision == "single" else 1075) * math.log(2))


@device
def tune(i, row, points, middle, steepness, limit):
    """T of one oscillator of a tile; zero beyond the reach of the carrier."""
    away = points[i] - middle
    row[i] = gaussian(away * steepness) if abs(away) <= limit else 0.0


@device
def tuned(task, pair, mode, width, line, omega, centre, scale, reach, tuning):
    """Where in `tuning` T of a listed pair is, after making it unless it is kept; scratch rows are two per task."""
    t, row = task
    place = nonnegative((pair if mode != MADE else 2 * t + row) * width)
    if mode != KEPT:
        k, start = nonnegative(line[pair]), nonnegative(t * width)
        made, points = tuning[place : place + width], omega[start : start + width]
        for_each(tune, 0, width, (made, points, centre[k], scale[k], reach[k]))
    return place


@device
def add_two(i, row_1, row_2, x_1, y_1, x_2, y_2, re, im):
    """Two terms of the field: what is summed is loaded and stored once for both."""
    re[i] = fma(row_2[i], x_2, fma(row_1[i], x_1, re[i]))
    im[i] = fma(row_2[i], y_2, fma(row_1[i], y_1, im[i]))


@device
def unsigned(values, width):
    """-0 becomes +0: a sum that underflowed to -0 would keep its sign or not, depending on zeros added to it."""
    for l in range(width):  # noqa: E741
        values[l] += 0.0


@kernel(tasks=True)
def couple(
    t, mode, width, first, line, shift, omega, centre, scale, reach, tuning,
    z_re, z_im, c_re, c_im, g_re, g_im, part_re, part_im,
):  # fmt: skip
    """Both sums of a tile: field sum_k T_ik C_k of its oscillators, and its part of sum_i T_ik z_i."""
    start = nonnegative(t * width)
    field_re, field_im = g_re[start : start + width], g_im[start : start + width]
    for l in range(width):  # noqa: E741
        field_re[l] = 0.0
        field_im[l] = 0.0
    past = first[t + 1]
    for pair in range(first[t], past, 2):
        # the last of an odd number is taken twice, the second time with C = 0
        second = min(pair + 1, past - 1)
        k_1, k_2 = nonnegative(line[pair]), nonnegative(line[second])
        place_1 = tuned((t, 0), pair, mode, width, line, omega, centre, scale, reach, tuning)
        place_2 = tuned((t, 1), second, mode, width, line, omega, centre, scale, reach, tuning)
        row_1, row_2 = tuning[place_1 : place_1 + width], tuning[place_2 : place_2 + width]
        x_2, y_2 = (c_re[k_2], c_im[k_2]) if second > pair else (real(0), real(0))
        for_each(add_two, 0, width, (row_1, row_2, c_re[k_1], c_im[k_1], x_2, y_2, field_re, field_im))
        at_1, at_2 = nonnegative(shift[k_1] + t), nonnegative(shift[k_2] + t)
        part_re[at_1], part_im[at_1] = dots(tuning, place_1, z_re, z_im, start, width)
        part_re[at_2], part_im[at_2] = dots(tuning, place_2, z_re, z_im, start, width)
    unsigned(field_re, width)
    unsigned(field_im, width)


@kernel(tasks=True)
def collect(t, mode, width, first, line, shift, omega, centre, scale, reach, tuning, values, part):
    """The part of a tile of sum_i T_ik values_i of each row of `values`."""
    start = nonnegative(t * width)
    for pair in range(first[t], first[t + 1]):
        place = tuned((t, 0), pair, mode, width, line, omega, centre, scale, reach, tuning)
        at = nonnegative(shift[line[pair]] + t)
        for row in range(len(values)):
            part[row, at] = dot(tuning, place, values[row], start, width)


@kernel(tasks=True)
def spread(t, mode, width, first, line, shift, omega, centre, scale, reach, tuning, values, sums):
    """sum_k T_ik values_k of the oscillators of a tile."""
    start = nonnegative(t * width)
    total = sums[start : start + width]
    for l in range(width):  # noqa: E741
        total[l] = 0.0
    for pair in range(first[t], first[t + 1]):
        place = tuned((t, 0), pair, mode, width, line, omega, centre, scale, reach, tuning)
        row = tuning[place : place + width]
        value = values[nonnegative(line[pair])]
        for l in range(width):  # noqa: E741
            total[l] = fma(row[l], value, total[l])
    unsigned(total, width)


@kernel(cost=200.0)
def fold(k, start, part, sums):
    """Parts of a carrier, in the order of the tiles."""
    for row in range(len(part)):
        total = real(0)
        for at in range(start[k], start[k + 1]):
            total += part[row, at]
        sums[row, k] = total


@kernel(cost=200.0)
def fold_two(k, start, part_re, part_im, re, im):
    """The same for two sums at once: each addition waits for the last, and two can wait together."""
    total_re, total_im = real(0), real(0)
    for at in range(start[k], start[k + 1]):
        total_re += part_re[at]
        total_im += part_im[at]
    re[k], im[k] = total_re, total_im


class TunedSums:
    """Sums with the weights T between oscillators, sorted by frequency, and carriers, sorted by frequency.

    Arrays over oscillators have `padded` elements, those over carriers `lines`; both live on the device in the
    working real. Padding takes part in no sum if the values there are zero.

    Parameters
    ----------
    device
        Where arrays live.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self.lines = self.padded = 0
        self.bands: Bands | None = None
        self._tuning = device.empty(0)
        self._sums = 0  # that were made with T as it is

    def place(
        self,
        omega: Array,
        centre: Array,
        gate: Array,
        cutoff: float | None = None,
        *,
        dense: bool | None = None,
    ) -> None:
        """Take new frequencies and widths.

        Parameters
        ----------
        omega, centre
            Sorted frequencies of oscillators ``(n,)`` and carriers ``(m,)``, on the host [rad/time].
        gate
            Widths sigma of the carriers, ``(m,)``, > 0.
        cutoff
            Set T to zero beyond so many widths; the error of a sum is then below exp(-cutoff^2) times the sum of
            magnitudes. None is exact.
        dense
            Whether to list every pair; None takes what is cheaper. The result is the same.
        """
        device = self.device
        reach = (exact_reach(device.precision) if cutoff is None else cutoff) * gate
        # frequencies are rounded to the working real, so a distance may come out shorter than it is in double
        slack = 4 * np.finfo(device.real).eps * (np.abs(centre) + reach) + 1e-3 * reach
        self.bands = bands = Bands(omega, centre, reach + slack, dense=dense)
        self.lines, self.padded = len(centre), bands.tiles * bands.width
        tail = omega[-1:].repeat(self.padded - len(omega))
        self._omega = device.array(np.concatenate([omega, tail]), device.real)
        self._centre, self._scale = device.array(centre, device.real), device.array(UNIT / gate, device.real)
        limit = np.full(len(centre), np.inf) if cutoff is None else reach
        self._reach = device.array(limit, device.real)
        self._first, self._line = device.array(bands.first), device.array(bands.line)
        self._start, self._shift = device.array(bands.start), device.array(bands.shift)
        self._parts = device.empty((2, bands.pairs))
        self._tiles = Rows(bands.tiles, device)
        self.forget()

    def forget(self) -> None:
        """Make T again at the next sum."""
        self._sums = 0

    def _tile_arguments(self) -> tuple[Any, ...]:
        """Leading arguments of the kernels over tiles.

        Storing T costs about as much as making it, so what may move with every step is stored when asked for again.
        """
        bands = self.bands
        assert bands is not None
        size = bands.pairs * bands.width
        fits = size * self.device.real.itemsize <= STORE
        mode = min(self._sums, KEPT) if fits else MADE
        self._sums += 1
        need = 2 * self.padded if mode == MADE else size
        if len(self._tuning) < need:
            self._tuning = self.device.empty(need)
        axes = self._omega, self._centre, self._scale, self._reach
        return mode, bands.width, self._first, self._line, self._shift, *axes, self._tuning

    def couple(self, z: tuple[Any, Any], carriers: tuple[Any, Any], field: Any, drive: Any) -> None:
        """field_i = sum_k T_ik C_k and drive_k = sum_i T_ik z_i; complex values as (re, im) pairs of arrays."""
        parts = self._parts[0], self._parts[1]
        couple(self._tiles, *self._tile_arguments(), *z, *carriers, *field, *parts)
        fold_two(Rows(self.lines, self.device), self._start, *parts, *drive)

    def collect(self, values: Any, sums: Any) -> None:
        """sums_k = sum_i T_ik values_i of each row of `values`, ``(rows, padded)``, in one pass over T."""
        if len(self._parts) < len(values):
            self._parts = self.device.empty((len(values), self._parts.shape[1]))
        parts = self._parts[: len(values)]
        collect(self._tiles, *self._tile_arguments(), values, parts)
        fold(Rows(self.lines, self.device), self._start, parts, sums)

    def spread(self, values: Any, sums: Any) -> None:
        """sums_i = sum_k T_ik values_k."""
        spread(self._tiles, *self._tile_arguments(), values, sums)
