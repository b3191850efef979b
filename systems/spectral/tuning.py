"""Tuned sums: Gaussian-weighted sums between oscillators and carriers along the frequency axis.

The tuning kernel is T_ik = exp(-(omega_i - Omega_k)^2 / sigma_k^2) (paper, equation 26). Beyond ``exact_reach`` widths
it underflows to zero, so sums over a window are those over everything, bit by bit. Oscillators are sorted and cut
into tiles; T is made once per tile and carrier, serves the sums both ways, and is kept while frequencies and widths
stay as they are.
"""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.bands import Bands
from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import device, kernel, real
from sensorium.engine.math import exp
from sensorium.engine.primitives import dot, fma, nonnegative

__all__ = ["TunedSums", "exact_reach"]

STORE = 256 * 2**20  # bytes of T that are kept; above, it is made again panel by panel
PANEL = 4 * 2**20  # bytes of one panel: stays in the cache of a core

Array = npt.NDArray[Any]


def exact_reach(precision: str) -> float:
    """Distance in gate widths beyond which T is zero: exp(-x^2) rounds to 0 below half of the smallest float.

    sqrt(150 ln 2) = 10.197 in single and sqrt(1075 ln 2) = 27.297 in double precision.
    """
    return math.sqrt((150 if precision == "single" else 1075) * math.log(2))


@kernel(tasks=True)
def tune(t, tile, base, width, first, line, omega, centre, gate, reach, tuning):
    """T of every listed pair of a tile; zero beyond the reach of the carrier."""
    start = nonnegative((tile + t) * width)
    points = omega[start : start + width]
    for pair in range(first[tile + t], first[tile + t + 1]):
        k = nonnegative(line[pair])
        place = nonnegative((pair - base) * width)
        row = tuning[place : place + width]
        middle, sigma, limit = centre[k], gate[k], reach[k]
        for l in range(width):  # noqa: E741
            away = points[l] - middle
            x = away / sigma
            row[l] = exp(-(x * x)) if abs(away) <= limit else 0.0


@device
def unsigned(values, width):
    """-0 becomes +0: a sum that underflowed to -0 would keep its sign or not, depending on zeros added to it."""
    for l in range(width):  # noqa: E741
        values[l] += 0.0


@kernel(tasks=True)
def couple(t, tile, base, width, first, line, shift, tuning, z_re, z_im, c_re, c_im, g_re, g_im, part_re, part_im):
    """Both sums of a tile: field sum_k T_ik C_k of its oscillators, and its part of sum_i T_ik z_i."""
    start = nonnegative((tile + t) * width)
    field_re, field_im = g_re[start : start + width], g_im[start : start + width]
    for l in range(width):  # noqa: E741
        field_re[l] = 0.0
        field_im[l] = 0.0
    for pair in range(first[tile + t], first[tile + t + 1]):
        k = nonnegative(line[pair])
        place = nonnegative((pair - base) * width)
        row = tuning[place : place + width]
        x, y = c_re[k], c_im[k]
        for l in range(width):  # noqa: E741
            field_re[l] = fma(row[l], x, field_re[l])
            field_im[l] = fma(row[l], y, field_im[l])
        at = nonnegative(shift[k] + tile + t)
        part_re[at] = dot(tuning, place, z_re, start, width)
        part_im[at] = dot(tuning, place, z_im, start, width)
    unsigned(field_re, width)
    unsigned(field_im, width)


@kernel(tasks=True)
def collect(t, tile, base, width, first, line, shift, tuning, values, part):
    """The part of a tile of sum_i T_ik values_i."""
    start = nonnegative((tile + t) * width)
    for pair in range(first[tile + t], first[tile + t + 1]):
        at = nonnegative(shift[line[pair]] + tile + t)
        part[at] = dot(tuning, nonnegative((pair - base) * width), values, start, width)


@kernel(tasks=True)
def spread(t, tile, base, width, first, line, tuning, values, sums):
    """sum_k T_ik values_k of the oscillators of a tile."""
    start = nonnegative((tile + t) * width)
    total = sums[start : start + width]
    for l in range(width):  # noqa: E741
        total[l] = 0.0
    for pair in range(first[tile + t], first[tile + t + 1]):
        place = nonnegative((pair - base) * width)
        row = tuning[place : place + width]
        value = values[nonnegative(line[pair])]
        for l in range(width):  # noqa: E741
            total[l] = fma(row[l], value, total[l])
    unsigned(total, width)


@kernel(cost=200.0)
def fold(k, start, part, sums):
    """Parts of a carrier, in the order of the tiles."""
    total = real(0)
    for at in range(start[k], start[k + 1]):
        total += part[at]
    sums[k] = total


@dataclass(frozen=True)
class _Panel:
    """Consecutive tiles whose T is in memory at once; `base` is the number of their first pair."""

    tile: int
    tiles: Rows
    base: int


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
        self._panels: tuple[_Panel, ...] = ()
        self._filled = False

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
        self._centre, self._gate = device.array(centre, device.real), device.array(gate, device.real)
        limit = np.full(len(centre), np.inf) if cutoff is None else reach
        self._reach = device.array(limit, device.real)
        self._first, self._line = device.array(bands.first), device.array(bands.line)
        self._start, self._shift = device.array(bands.start), device.array(bands.shift)
        self._parts = device.empty((2, bands.pairs))
        self._set_panels(bands)

    def _set_panels(self, bands: Bands) -> None:
        row = bands.width * self.device.real.itemsize
        held = STORE if bands.pairs * row <= STORE else PANEL
        panels, tile = [], 0
        while tile < bands.tiles:
            # as many tiles as fit, at least one
            past = int(np.searchsorted(bands.first, bands.first[tile] + held // row, side="right")) - 1
            past = min(max(past, tile + 1), bands.tiles)
            panels.append(_Panel(tile, Rows(past - tile, self.device), int(bands.first[tile])))
            tile = past
        edges = [*(panel.base for panel in panels), bands.pairs]
        need = max((b - a for a, b in itertools.pairwise(edges)), default=0) * bands.width
        if len(self._tuning) < need:
            self._tuning = self.device.empty(need)
        self._panels, self._filled = tuple(panels), False

    def forget(self) -> None:
        """Make T again at the next sum."""
        self._filled = False

    def _each_panel(self) -> Any:
        """Panels, one after the other, with their T in memory; yields the leading arguments of a tile kernel."""
        assert self.bands is not None
        width = self.bands.width
        for panel in self._panels:
            lead = (panel.tile, panel.base, width, self._first, self._line)
            if not self._filled:
                arrays = (self._omega, self._centre, self._gate, self._reach, self._tuning)
                tune(panel.tiles, *lead, *arrays)
            yield panel.tiles, lead
        self._filled = len(self._panels) == 1

    def couple(self, z: tuple[Any, Any], carriers: tuple[Any, Any], field: Any, drive: Any) -> None:
        """field_i = sum_k T_ik C_k and drive_k = sum_i T_ik z_i; complex values as (re, im) pairs of arrays."""
        parts = self._parts[0], self._parts[1]
        for tiles, lead in self._each_panel():
            couple(tiles, *lead, self._shift, self._tuning, *z, *carriers, *field, *parts)
        for part, total in zip(parts, drive, strict=True):
            fold(Rows(self.lines, self.device), self._start, part, total)

    def collect(self, values: Any, sums: Any) -> None:
        """sums_k = sum_i T_ik values_i."""
        part = self._parts[0]
        for tiles, lead in self._each_panel():
            collect(tiles, *lead, self._shift, self._tuning, values, part)
        fold(Rows(self.lines, self.device), self._start, part, sums)

    def spread(self, values: Any, sums: Any) -> None:
        """sums_i = sum_k T_ik values_k."""
        for tiles, lead in self._each_panel():
            spread(tiles, *lead, self._tuning, values, sums)
