"""``dot`` and ``dots`` on the CPU: sums of products in 32 fixed lanes, held in vector registers.

LLVM does not vectorize a sum of floats, because that changes its order; here the order is part of the definition.
Lane l sums the products l, l + 32, l + 64, ... with one rounding each, and the lanes are then folded by halves.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

from sensorium.engine.primitives import LANES

__all__ = ["dot", "dots"]


@intrinsic
def dot(typingctx: Any, a: Any, i: Any, b: Any, j: Any, n: Any) -> Any:
    """Sum of ``a[i + l] * b[j + l]`` for l below `n`, a multiple of 32."""
    _check(a, b)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first, second = (_start(context, builder, signature, arguments, k, k + 1) for k in (0, 2))
        (total,) = _lane_sums(context, builder, a.dtype, first, [second], arguments[4])
        return _folded(builder, total)

    return a.dtype(a, types.int64, b, types.int64, types.int64), codegen


@intrinsic
def dots(typingctx: Any, a: Any, i: Any, b: Any, c: Any, j: Any, n: Any) -> Any:
    """``dot(a, i, b, j, n)`` and ``dot(a, i, c, j, n)``, for which `a` is read once."""
    _check(a, b)
    _check(a, c)

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        first = _start(context, builder, signature, arguments, 0, 1)
        others = [_start(context, builder, signature, arguments, k, 4) for k in (2, 3)]
        totals = _lane_sums(context, builder, a.dtype, first, others, arguments[5])
        return context.make_tuple(builder, signature.return_type, [_folded(builder, total) for total in totals])

    return types.UniTuple(a.dtype, 2)(a, types.int64, b, c, types.int64, types.int64), codegen


def _check(a: Any, b: Any) -> None:
    for array in (a, b):
        if not (isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"):
            raise TypingError(f"dot needs contiguous 1-D arrays, not {array}")
    if a.dtype != b.dtype or not isinstance(a.dtype, types.Float):
        raise TypingError(f"dot needs two arrays of one float type, not {a} and {b}")


def _start(context: Any, builder: Any, signature: Any, arguments: Any, array: int, index: int) -> Any:
    """Address of an element: `array` and `index` are numbers of arguments."""
    held = context.make_array(signature.args[array])(context, builder, arguments[array])
    return builder.gep(held.data, [arguments[index]])


def _lane_sums(context: Any, builder: Any, kind: Any, shared: Any, others: list[Any], count: Any) -> list[Any]:
    """The loop: 32 fused multiply-adds per turn and sum, in one vector value each."""
    real = context.get_value_type(kind)
    size = context.get_abi_sizeof(real)
    whole, lanes = ir.IntType(64), ir.VectorType(real, LANES)
    name = f"llvm.fma.v{LANES}f{8 * size}"
    fma = builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(lanes, [lanes] * 3), name)
    entry = builder.block
    loop, done = builder.append_basic_block("dot"), builder.append_basic_block("dot.done")
    zeros = ir.Constant(lanes, [0.0] * LANES)
    builder.cbranch(builder.icmp_signed("<", ir.Constant(whole, 0), count), loop, done)
    builder.position_at_end(loop)
    place, held = builder.phi(whole), [builder.phi(lanes) for _ in others]

    def load(start: Any) -> Any:
        value = builder.load(builder.bitcast(builder.gep(start, [place]), lanes.as_pointer()))
        value.align = size
        return value

    factor = load(shared)
    grown = [builder.call(fma, [factor, load(other), partial]) for other, partial in zip(others, held, strict=True)]
    following = builder.add(place, ir.Constant(whole, LANES))
    place.add_incoming(ir.Constant(whole, 0), entry)
    place.add_incoming(following, loop)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, done)
    builder.position_at_end(done)
    totals = [builder.phi(lanes) for _ in others]
    for before, after, total in zip(held, grown, totals, strict=True):
        for phi in (before, total):
            phi.add_incoming(zeros, entry)
            phi.add_incoming(after, loop)
    return totals


def _folded(builder: Any, total: Any) -> Any:
    """Upper half onto lower half, until one lane is left."""
    half, index = LANES // 2, ir.IntType(32)
    while half:
        undefined, shape = ir.Constant(total.type, ir.Undefined), ir.VectorType(index, half)
        lower = builder.shuffle_vector(total, undefined, ir.Constant(shape, list(range(half))))
        upper = builder.shuffle_vector(total, undefined, ir.Constant(shape, list(range(half, 2 * half))))
        total = builder.fadd(lower, upper)
        half //= 2
    return builder.extract_element(total, ir.Constant(index, 0))
