"""``weigh`` on the CPU: three components at a time in a vector register, the fourth for company.

numba leaves straight-line code scalar. A grid whose rows are four reals wide gives up a vector in one load.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

__all__ = ["WIDTH", "weigh"]

WIDTH = 4  # reals in a row of the grid


@intrinsic
def weigh(typingctx: Any, grid: Any, rows: Any, parts: Any) -> Any:
    """Sum of ``parts[k] * grid[rows[k], :3]`` over eight rows, in pairs of pairs of pairs."""
    if not (isinstance(grid, types.Array) and grid.ndim == 2 and grid.layout == "C"):
        raise TypingError(f"weigh needs a contiguous 2-D array, not {grid}")
    if parts != types.UniTuple(grid.dtype, 8) or rows != types.UniTuple(types.int64, 8):
        raise TypingError(f"weigh needs eight rows and eight parts of {grid.dtype}, not {rows} and {parts}")

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        real = context.get_value_type(grid.dtype)
        vector, index = ir.VectorType(real, WIDTH), ir.IntType(32)
        data = context.make_array(grid)(context, builder, arguments[0]).data
        undefined, first = ir.Constant(vector, ir.Undefined), ir.Constant(index, 0)
        everywhere = ir.Constant(ir.VectorType(index, WIDTH), [0] * WIDTH)
        terms = []
        for k in range(8):
            place = builder.mul(builder.extract_value(arguments[1], k), ir.Constant(ir.IntType(64), WIDTH))
            row = builder.load(builder.bitcast(builder.gep(data, [place]), vector.as_pointer()))
            row.align = context.get_abi_sizeof(real)
            part = builder.insert_element(undefined, builder.extract_value(arguments[2], k), first)
            terms.append(builder.fmul(row, builder.shuffle_vector(part, undefined, everywhere)))
        while len(terms) > 1:
            terms = [builder.fadd(a, b) for a, b in zip(terms[::2], terms[1::2], strict=True)]
        three = [builder.extract_element(terms[0], ir.Constant(index, axis)) for axis in range(3)]
        return context.make_tuple(builder, signature.return_type, three)

    return types.UniTuple(grid.dtype, 3)(grid, rows, parts), codegen
