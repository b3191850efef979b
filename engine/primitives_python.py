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
    "add_shares", "atomic_add", "bits_real", "dot", "dots", "floor", "fma", "for_each", "nonnegative", "real_bits",
    "rint", "slopes", "sqrt", "weigh",
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


def _shares(amount: Any, f: Any, g: Any, h: Any) -> tuple[list[Any], list[Any]]:
    """The shares of the eight nodes of a cloud, before and after the split along z."""
    one = type(f)(1)
    planes = [amount * (one - f), amount * f]
    columns = [part * weight for part in planes for weight in (one - g, g)]
    return columns, [part * weight for part in columns for weight in (one - h, h)]


def add_shares(grid: Any, nodes: Any, amount: Any, f: Any, g: Any, h: Any) -> None:
    """``grid[nodes[k]] += int(rint(share k))``."""
    for node, share in zip(nodes, _shares(amount, f, g, h)[1], strict=True):
        grid[node] += int(rint(share))


def slopes(field: Any, first: Any, plane: Any, line: Any, near: Any, far: Any, cloud: Any) -> tuple[Any, Any, Any]:
    """One axis after the other."""
    columns, parts = _shares(*cloud)
    lines = [first + (2 + a) * plane + (2 + b) * line for a in (0, 1) for b in (0, 1)]
    nodes = [start + 2 + k for start in lines for k in (0, 1)]

    def term(axis: int, step: Any, k: int) -> Any:
        c = nodes[k]
        close, wide = field[c + step] - field[c - step], field[c + 2 * step] - field[c - 2 * step]
        return parts[k] * (near[axis] * close + far[axis] * wide)

    x = [term(0, plane, k) + term(0, plane, k + 4) for k in (0, 1, 2, 3)]
    y = [term(1, line, k) + term(1, line, k + 2) for k in (0, 1, 4, 5)]
    z = []
    for k in range(6):
        a, b, c, d = (part * field[start + k] for part, start in zip(columns, lines, strict=True))
        z.append((a + b) + (c + d))
    below, above = (near[2] * (z[k + 3] - z[k + 1]) + far[2] * (z[k + 4] - z[k]) for k in (0, 1))
    h = cloud[3]
    return (x[0] + x[2]) + (x[1] + x[3]), (y[0] + y[2]) + (y[1] + y[3]), (type(h)(1) - h) * below + h * above


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
