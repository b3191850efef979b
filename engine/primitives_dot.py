"""``dot`` on the CPU: a sum of products in 32 fixed lanes, held in vector registers.

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

__all__ = ["dot"]


@intrinsic
def dot(typingctx: Any, a: Any, i: Any, b: Any, j: Any, n: Any) -> Any:
    """Sum of ``a[i + l] * b[j + l]`` for l below `n`, a multiple of 32."""
    for array in (a, b):
        if not (isinstance(array, types.Array) and array.ndim == 1 and array.layout == "C"):
            raise TypingError(f"dot needs contiguous 1-D arrays, not {array}")
    if a.dtype != b.dtype or not isinstance(a.dtype, types.Float):
        raise TypingError(f"dot needs two arrays of one float type, not {a} and {b}")

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        real = context.get_value_type(a.dtype)
        starts = []
        for array, index in ((0, 1), (2, 3)):
            held = context.make_array(signature.args[array])(context, builder, arguments[array])
            starts.append(builder.gep(held.data, [arguments[index]]))
        total = _lane_sums(builder, real, context.get_abi_sizeof(real), starts, arguments[4])
        return _folded(builder, total)

    return a.dtype(a, types.int64, b, types.int64, types.int64), codegen


def _lane_sums(builder: Any, real: Any, size: int, starts: list[Any], count: Any) -> Any:
    """The loop: 32 fused multiply-adds per turn, in one vector value."""
    whole, lanes = ir.IntType(64), ir.VectorType(real, LANES)
    name = f"llvm.fma.v{LANES}f{8 * size}"
    fma = builder.module.globals.get(name) or ir.Function(builder.module, ir.FunctionType(lanes, [lanes] * 3), name)
    entry = builder.block
    loop, done = builder.append_basic_block("dot"), builder.append_basic_block("dot.done")
    zeros = ir.Constant(lanes, [0.0] * LANES)
    builder.cbranch(builder.icmp_signed("<", ir.Constant(whole, 0), count), loop, done)
    builder.position_at_end(loop)
    place, held = builder.phi(whole), builder.phi(lanes)

    def load(start: Any) -> Any:
        value = builder.load(builder.bitcast(builder.gep(start, [place]), lanes.as_pointer()))
        value.align = size
        return value

    grown = builder.call(fma, [load(starts[0]), load(starts[1]), held])
    following = builder.add(place, ir.Constant(whole, LANES))
    for phi, first, later in ((place, ir.Constant(whole, 0), following), (held, zeros, grown)):
        phi.add_incoming(first, entry)
        phi.add_incoming(later, loop)
    builder.cbranch(builder.icmp_signed("<", following, count), loop, done)
    builder.position_at_end(done)
    total = builder.phi(lanes)
    total.add_incoming(zeros, entry)
    total.add_incoming(grown, loop)
    return total


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
