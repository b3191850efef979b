"""The primitives in plain Python: for numba's CUDA simulator, and for calls of device functions from Python."""

from __future__ import annotations

import ctypes
import ctypes.util
import functools
import threading
from collections.abc import Callable
from typing import Any

import numpy as np

__all__ = [
    "atomic_add", "bits_real", "dot", "dots", "floor", "fma", "for_each", "nonnegative", "real_bits", "rint", "sqrt",
    "weigh",
]  # fmt: skip

_ATOMIC = threading.Lock()  # the simulator runs its threads as Python threads


@functools.cache
def _libm(name: str, real: Any) -> Any:
    function = getattr(ctypes.CDLL(ctypes.util.find_library("m")), name)
    function.argtypes, function.restype = [real] * 3, real
    return function


def fma(x: Any, y: Any, z: Any) -> Any:
    """The C library's fma, which rounds once whether or not the processor has the instruction."""
    if isinstance(x, np.float32):
        return np.float32(_libm("fmaf", ctypes.c_float)(x, y, z))
    return np.float64(_libm("fma", ctypes.c_double)(x, y, z))


sqrt, floor, rint = np.sqrt, np.floor, np.rint


def real_bits(x: Any) -> Any:
    """Bits of a float as the signed integer of its width."""
    return x.view(np.int32) if isinstance(x, np.float32) else np.float64(x).view(np.int64)


bits_real = {
    "single": lambda k: np.int32(k).view(np.float32),
    "double": lambda k: np.int64(k).view(np.float64),
}


def dot(a: Any, i: Any, b: Any, j: Any, n: Any) -> Any:
    """Lane by lane, then folded by halves."""
    lanes = [a.dtype.type(0)] * 32
    for k in range(n):
        lanes[k % 32] = fma(a[i + k], b[j + k], lanes[k % 32])
    while len(lanes) > 1:
        half = len(lanes) // 2
        lanes = [lower + upper for lower, upper in zip(lanes[:half], lanes[half:], strict=True)]
    return lanes[0]


def dots(a: Any, i: Any, b: Any, c: Any, j: Any, n: Any) -> Any:
    """Two sums that share a factor."""
    return dot(a, i, b, j, n), dot(a, i, c, j, n)


def weigh(grid: Any, rows: Any, parts: Any) -> tuple[Any, Any, Any]:
    """One component after the other."""
    return _weighed(grid, rows, parts, 0), _weighed(grid, rows, parts, 1), _weighed(grid, rows, parts, 2)


def _weighed(grid: Any, rows: Any, parts: Any, axis: int) -> Any:
    terms = [part * grid[row, axis] for row, part in zip(rows, parts, strict=True)]
    while len(terms) > 1:
        terms = [a + b for a, b in zip(terms[::2], terms[1::2], strict=True)]
    return terms[0]


def nonnegative(i: Any) -> int:
    """The index itself, checked here because compiled code does not check it."""
    if i < 0:
        raise IndexError(f"nonnegative({i}): the promise is broken")
    return int(i)


def atomic_add(array: Any, i: Any, value: Any) -> None:
    """``array[i] += value`` under a lock."""
    with _ATOMIC:
        array[i] += value


def for_each(body: Callable[..., None], start: Any, stop: Any, arguments: tuple[Any, ...]) -> None:
    """``body(i, *arguments)`` for each i."""
    for i in range(start, stop):
        body(np.int64(i), *arguments)
