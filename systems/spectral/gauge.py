"""Gauge: anchored pairs couple in the frame of their phase offset.

For an anchored pair the coupling T_ik of equations 27 and 28 becomes T_ik exp(i phi_ik): the drive is turned back by
the offset, the field forward. This is the gradient flow of the potential (25) with the offset in it. Taken without,
every anchor would be pulled to the phase of the carrier, against the offset that it is remembered by. The sums over
all pairs stay as they are; what the offsets change is added.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.components.anchors import Anchors
from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import kernel, real
from sensorium.engine.primitives import nonnegative

__all__ = ["Gauge"]


@kernel(cost=100.0, signature="i8[:], i4[:], i4[:], real[:], real[:], real[:], real[:], real[:], real[:]")
def turn_back(row, start, target, source, w_re, w_im, in_re, in_im, out_re, out_im):
    """out[target] += sum of conj(w) in[source]."""
    x, y = real(0), real(0)
    for place in range(start[row], start[row + 1]):
        s = nonnegative(source[place])
        x += w_re[place] * in_re[s] + w_im[place] * in_im[s]
        y += w_re[place] * in_im[s] - w_im[place] * in_re[s]
    t = nonnegative(target[row])
    out_re[t] += x
    out_im[t] += y


@kernel(cost=20.0, signature="i8[:], i4[:], i4[:], real[:], real[:], real[:], real[:], real[:], real[:]")
def turn_forward(row, start, target, source, w_re, w_im, in_re, in_im, out_re, out_im):
    """out[target] += sum of w in[source]."""
    x, y = real(0), real(0)
    for place in range(start[row], start[row + 1]):
        s = nonnegative(source[place])
        x += w_re[place] * in_re[s] - w_im[place] * in_im[s]
        y += w_re[place] * in_im[s] + w_im[place] * in_re[s]
    t = nonnegative(target[row])
    out_re[t] += x
    out_im[t] += y


class _Pairs:
    """Pairs grouped by target, each with the weight T (exp(i phi) - 1)."""

    def __init__(self, device: Device, target: Any, source: Any, weight: Any) -> None:
        order = np.lexsort((source, target))
        targets, first = np.unique(target[order], return_index=True)
        self.rows = Rows(len(targets), device)
        self.target = device.array(targets.astype(np.int32))
        self.start = device.array(np.append(first, len(order)).astype(np.int64))
        self.source = device.array(source[order].astype(np.int32))
        self.weight = tuple(device.array(part[order], device.real) for part in (weight.real, weight.imag))

    @property
    def arguments(self) -> tuple[Any, ...]:
        """Leading arguments of the kernels."""
        return self.start, self.target, self.source, *self.weight


class Gauge:
    """What the phase offsets of anchors add to drive and field.

    Parameters
    ----------
    device
        Where arrays live.
    """

    def __init__(self, device: Device) -> None:
        self.device = device
        self._stamp: tuple[int, int] | None = None
        self._pairs: tuple[_Pairs, _Pairs] | None = None

    def refresh(self, anchors: Anchors, version: int, oscillators: Any, carriers: Any, gates: Any) -> None:
        """Follow the anchors, and the orders of oscillators and carriers, whose changes `version` counts."""
        if self._stamp == (anchors.version, version):
            return
        self._stamp, self._pairs = (anchors.version, version), None
        i, k = oscillators.places_of(anchors.oscillator), carriers.places_of(anchors.carrier)
        living = (i >= 0) & (k >= 0) & (anchors.phase != 0)
        if living.any():
            i, k = i[living], k[living]
            tuning = np.exp(-(((oscillators.keys[i] - carriers.keys[k]) / gates[k]) ** 2))
            weight = tuning * np.expm1(1j * anchors.phase[living])
            self._pairs = _Pairs(self.device, k, i, weight), _Pairs(self.device, i, k, weight)

    def correct(self, z: Any, carriers: Any, field: Any, drive: Any) -> None:
        """Add to field_i and drive_k, (re, im) pairs, what the offsets change."""
        if self._pairs is not None:
            to_carriers, to_oscillators = self._pairs
            turn_back(to_carriers.rows, *to_carriers.arguments, *z, *drive)
            turn_forward(to_oscillators.rows, *to_oscillators.arguments, *carriers, *field)

    def correct_drive(self, z: Any, drive: Any) -> None:
        """The same for the drive alone."""
        if self._pairs is not None:
            turn_back(self._pairs[0].rows, *self._pairs[0].arguments, *z, *drive)
