"""CUDA implementations of the primitives, as device functions of numba-cuda."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

__all__ = [
    "add_shares", "atomic_add", "bits_real", "dot", "dots", "floor", "fma", "for_each", "nonnegative", "real_bits",
    "rint", "slopes", "sqrt", "weigh",
]  # fmt: skip


@cuda.jit(device=True)
def fma(x: Any, y: Any, z: Any) -> Any:
    """``fma.rn``; named through `cuda`, because numba-cuda does not type a bare reference to it."""
    return cuda.fma(x, y, z)


@cuda.jit(device=True)
def _float_bits(x: Any) -> Any:
    return cuda.libdevice.float_as_int(x)


@cuda.jit(device=True)
def _double_bits(x: Any) -> Any:
    return cuda.libdevice.double_as_longlong(x)


@cuda.jit(device=True)
def _bits_float(k: Any) -> Any:
    return cuda.libdevice.int_as_float(np.int32(k))


@cuda.jit(device=True)
def _bits_double(k: Any) -> Any:
    return cuda.libdevice.longlong_as_double(np.int64(k))


@cuda.jit(device=True)
def _sqrt_single(x: Any) -> Any:
    return cuda.libdevice.fsqrt_rn(x)


@cuda.jit(device=True)
def _sqrt_double(x: Any) -> Any:
    return cuda.libdevice.dsqrt_rn(x)


@cuda.jit(device=True)
def _floor_single(x: Any) -> Any:
    return cuda.libdevice.floorf(x)


@cuda.jit(device=True)
def _floor_double(x: Any) -> Any:
    return cuda.libdevice.floor(x)


@cuda.jit(device=True)
def _rint_single(x: Any) -> Any:
    return cuda.libdevice.rintf(x)


@cuda.jit(device=True)
def _rint_double(x: Any) -> Any:
    return cuda.libdevice.rint(x)


real_bits = {"single": _float_bits, "double": _double_bits}
bits_real = {"single": _bits_float, "double": _bits_double}


@cuda.jit(device=True)
def _lane(a: Any, i: Any, b: Any, j: Any, n: Any, lane: Any) -> Any:
    total = a.dtype.type(0)
    for k in range(0, n, 32):  # one count for all lanes: 32 of their own would not fit the registers
        total = cuda.fma(a[i + lane + k], b[j + lane + k], total)
    return total


@cuda.jit(device=True)
def _two_lanes(a: Any, i: Any, b: Any, j: Any, n: Any, lane: Any) -> Any:
    return _lane(a, i, b, j, n, lane) + _lane(a, i, b, j, n, lane + 16)


@cuda.jit(device=True)
def _four_lanes(a: Any, i: Any, b: Any, j: Any, n: Any, lane: Any) -> Any:
    return _two_lanes(a, i, b, j, n, lane) + _two_lanes(a, i, b, j, n, lane + 8)


@cuda.jit(device=True)
def _eight_lanes(a: Any, i: Any, b: Any, j: Any, n: Any, lane: Any) -> Any:
    return _four_lanes(a, i, b, j, n, lane) + _four_lanes(a, i, b, j, n, lane + 4)


@cuda.jit(device=True)
def _sixteen_lanes(a: Any, i: Any, b: Any, j: Any, n: Any, lane: Any) -> Any:
    return _eight_lanes(a, i, b, j, n, lane) + _eight_lanes(a, i, b, j, n, lane + 2)


@cuda.jit(device=True)
def dot(a: Any, i: Any, b: Any, j: Any, n: Any) -> Any:
    """The fold by halves, unrolled: an array of 32 lanes would live in slow memory."""
    return _sixteen_lanes(a, i, b, j, n, 0) + _sixteen_lanes(a, i, b, j, n, 1)


@cuda.jit(device=True)
def dots(a: Any, i: Any, b: Any, c: Any, j: Any, n: Any) -> Any:
    """Two sums that share a factor."""
    return dot(a, i, b, j, n), dot(a, i, c, j, n)


@cuda.jit(device=True)
def _weighed(grid: Any, rows: Any, parts: Any, axis: Any) -> Any:
    low = parts[0] * grid[rows[0], axis] + parts[1] * grid[rows[1], axis]
    low += parts[2] * grid[rows[2], axis] + parts[3] * grid[rows[3], axis]
    high = parts[4] * grid[rows[4], axis] + parts[5] * grid[rows[5], axis]
    high += parts[6] * grid[rows[6], axis] + parts[7] * grid[rows[7], axis]
    return low + high


@cuda.jit(device=True)
def weigh(grid: Any, rows: Any, parts: Any) -> Any:
    """One component after the other."""
    return _weighed(grid, rows, parts, 0), _weighed(grid, rows, parts, 1), _weighed(grid, rows, parts, 2)


@cuda.jit(device=True)
def _columns(one: Any, amount: Any, f: Any, g: Any) -> Any:
    """The shares of the four columns of nodes of a cloud."""
    below, above = amount * (one - f), amount * f
    return below * (one - g), below * g, above * (one - g), above * g


def _adder(rint: Any) -> Any:
    """``add_shares`` with the `rint` of its precision."""

    @cuda.jit(device=True)
    def add_shares(grid: Any, nodes: Any, amount: Any, f: Any, g: Any, h: Any) -> None:
        one = type(amount)(1)
        a, b, c, d = _columns(one, amount, f, g)
        e = one - h
        grid[nodes[0]] += np.int64(rint(a * e))
        grid[nodes[1]] += np.int64(rint(a * h))
        grid[nodes[2]] += np.int64(rint(b * e))
        grid[nodes[3]] += np.int64(rint(b * h))
        grid[nodes[4]] += np.int64(rint(c * e))
        grid[nodes[5]] += np.int64(rint(c * h))
        grid[nodes[6]] += np.int64(rint(d * e))
        grid[nodes[7]] += np.int64(rint(d * h))

    return add_shares


@cuda.jit(device=True)
def _slope(field: Any, node: Any, step: Any, near: Any, far: Any) -> Any:
    close, wide = field[node + step] - field[node - step], field[node + 2 * step] - field[node - 2 * step]
    return near * close + far * wide


@cuda.jit(device=True)
def _layer(field: Any, node: Any, plane: Any, line: Any, a: Any, b: Any, c: Any, d: Any) -> Any:
    """Four columns of nodes at one height, weighed."""
    low, high = node, node + plane
    return (a * field[low] + b * field[low + line]) + (c * field[high] + d * field[high + line])


@cuda.jit(device=True)
def slopes(field: Any, first: Any, plane: Any, line: Any, near: Any, far: Any, cloud: Any) -> Any:
    """One axis after the other."""
    amount, f, g, h = cloud
    one = field.dtype.type(1)
    e = one - h
    a, b, c, d = _columns(one, amount, f, g)
    n0 = first + 2 * plane + 2 * line + 2
    n2, n4 = n0 + line, n0 + plane
    n6 = n4 + line
    p, q = near[0], far[0]
    x0 = a * e * _slope(field, n0, plane, p, q) + c * e * _slope(field, n4, plane, p, q)
    x1 = a * h * _slope(field, n0 + 1, plane, p, q) + c * h * _slope(field, n4 + 1, plane, p, q)
    x2 = b * e * _slope(field, n2, plane, p, q) + d * e * _slope(field, n6, plane, p, q)
    x3 = b * h * _slope(field, n2 + 1, plane, p, q) + d * h * _slope(field, n6 + 1, plane, p, q)
    p, q = near[1], far[1]
    y0 = a * e * _slope(field, n0, line, p, q) + b * e * _slope(field, n2, line, p, q)
    y1 = a * h * _slope(field, n0 + 1, line, p, q) + b * h * _slope(field, n2 + 1, line, p, q)
    y2 = c * e * _slope(field, n4, line, p, q) + d * e * _slope(field, n6, line, p, q)
    y3 = c * h * _slope(field, n4 + 1, line, p, q) + d * h * _slope(field, n6 + 1, line, p, q)
    p, q = near[2], far[2]
    z1, z4 = _layer(field, n0 - 1, plane, line, a, b, c, d), _layer(field, n0 + 2, plane, line, a, b, c, d)
    below = p * (_layer(field, n0 + 1, plane, line, a, b, c, d) - z1)
    below += q * (z4 - _layer(field, n0 - 2, plane, line, a, b, c, d))
    above = p * (z4 - _layer(field, n0, plane, line, a, b, c, d))
    above += q * (_layer(field, n0 + 3, plane, line, a, b, c, d) - z1)
    return (x0 + x2) + (x1 + x3), (y0 + y2) + (y1 + y3), e * below + h * above


@cuda.jit(device=True)
def nonnegative(i: Any) -> Any:
    """The index itself: a GPU thread gains nothing from the promise."""
    return np.int64(i)


@cuda.jit(device=True)
def atomic_add(array: Any, i: Any, value: Any) -> None:
    """``red.add.u64``; numba-cuda's result (the old value) is dropped, as on the other targets."""
    cuda.atomic.add(array, i, value)


@cuda.jit(device=True)
def for_each(body: Any, start: Any, stop: Any, arguments: Any) -> None:
    """``body(i, *arguments)`` for each i, one after the other in this thread."""
    for i in range(start, stop):
        body(i, *arguments)


sqrt = {"single": _sqrt_single, "double": _sqrt_double}
add_shares = {"single": _adder(_rint_single), "double": _adder(_rint_double)}
floor = {"single": _floor_single, "double": _floor_double}
rint = {"single": _rint_single, "double": _rint_double}
