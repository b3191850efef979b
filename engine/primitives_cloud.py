"""``add_shares`` and ``slopes`` on the CPU: a cloud's eight shares in one vector, and stencils along contiguous lines.

numba leaves straight-line code scalar. The two nodes above each other along z are neighbours in memory, so the sums
of a deposit are read and written in pairs, and a stencil reads whole runs of a line.
"""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

__all__ = ["add_shares", "slopes"]

WHOLE, INDEX = ir.IntType(64), ir.IntType(32)
RUN = 8  # nodes of a line that are read at once: six, made up to a vector register


@intrinsic
def add_shares(typingctx: Any, grid: Any, nodes: Any, amount: Any, f: Any, g: Any, h: Any) -> Any:
    """``grid[nodes[k]] += rint(share k)`` of `amount` for the eight nodes of a cloud."""
    if not (isinstance(grid, types.Array) and grid.ndim == 1 and grid.layout == "C" and grid.dtype == types.int64):
        raise TypingError(f"add_shares needs a contiguous 1-D array of int64, not {grid}")
    if nodes != types.UniTuple(types.int64, 8) or not amount == f == g == h or not isinstance(amount, types.Float):
        raise TypingError(f"add_shares needs eight nodes and four equal floats, not {nodes}, {amount}, {f}, {g}, {h}")

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(grid)(context, builder, arguments[0]).data
        _, parts = _shares(builder, *arguments[2:])
        name = f"llvm.rint.v8f{8 * context.get_abi_sizeof(parts.type.element)}"
        kind = ir.FunctionType(parts.type, [parts.type])
        rint = builder.module.globals.get(name) or ir.Function(builder.module, kind, name)
        quanta = builder.fptosi(builder.call(rint, [parts]), ir.VectorType(WHOLE, 8))
        places = [builder.gep(data, [builder.extract_value(arguments[1], k)]) for k in range(8)]
        above = builder.gep(places[0], [ir.Constant(WHOLE, 1)])
        with builder.if_else(builder.icmp_unsigned("==", above, places[1]), likely=True) as (inside, around):
            with inside:
                for k in range(0, 8, 2):
                    pair = _shuffled(builder, quanta, [k, k + 1])
                    _add(builder, builder.bitcast(places[k], pair.type.as_pointer()), pair)
            with around:  # the upper nodes lie at the start of the line
                for k in range(8):
                    _add(builder, places[k], builder.extract_element(quanta, ir.Constant(INDEX, k)))
        return context.get_dummy_value()

    return types.none(grid, nodes, amount, f, g, h), codegen


@intrinsic
def slopes(typingctx: Any, field: Any, first: Any, plane: Any, line: Any, near: Any, far: Any, cloud: Any) -> Any:
    """Differences along the three axes, weighed by the shares of a cloud: four nodes at a time, then the other four."""
    if not (isinstance(field, types.Array) and field.ndim == 1 and field.layout == "C"):
        raise TypingError(f"slopes needs a contiguous 1-D array, not {field}")
    if not near == far == types.UniTuple(field.dtype, 3) or cloud != types.UniTuple(field.dtype, 4):
        raise TypingError(f"slopes needs two tuples of three and one of four {field.dtype}, not {near}, {far}, {cloud}")

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        data = context.make_array(field)(context, builder, arguments[0]).data
        real = context.get_value_type(field.dtype)
        start, plane, line = (context.cast(builder, arguments[k], signature.args[k], types.int64) for k in (1, 2, 3))
        planes = [builder.add(start, builder.mul(ir.Constant(WHOLE, k), plane)) for k in range(6)]
        lines = [builder.mul(ir.Constant(WHOLE, k), line) for k in range(6)]
        amount, f, g, h = (builder.extract_value(arguments[6], k) for k in range(4))
        columns, parts = _shares(builder, amount, f, g, h)

        def run(i: int, j: int, k: int, width: int) -> Any:
            """`width` nodes from `k` of line `j` of plane `i`."""
            place = builder.gep(data, [builder.add(builder.add(planes[i], lines[j]), ir.Constant(WHOLE, k))])
            value = builder.load(builder.bitcast(place, ir.VectorType(real, width).as_pointer()))
            value.align = context.get_abi_sizeof(real)
            return value

        def difference(axis: int, far_before: Any, before: Any, after: Any, far_after: Any) -> Any:
            close, wide = (
                builder.fmul(_everywhere(builder, builder.extract_value(weight, axis), upper.type.count), away)
                for weight, upper, away in (
                    (arguments[4], after, builder.fsub(after, before)),
                    (arguments[5], far_after, builder.fsub(far_after, far_before)),
                )
            )
            return builder.fadd(close, wide)

        found = []
        sheets = [_joined(builder, run(i, 2, 2, 2), run(i, 3, 2, 2)) for i in range(6)]
        walls = [_joined(builder, run(2, j, 2, 2), run(3, j, 2, 2)) for j in range(6)]
        for axis, sides, nodes in ((0, sheets, (0, 1, 2, 3, 4, 5, 6, 7)), (1, walls, (0, 1, 4, 5, 2, 3, 6, 7))):
            terms = []
            for k in (0, 1):
                away = difference(axis, sides[k], sides[k + 1], sides[k + 3], sides[k + 4])
                terms.append(builder.fmul(_shuffled(builder, parts, nodes[4 * k : 4 * k + 4]), away))
            found.append(_folded(builder, builder.fadd(*terms)))
        terms = [
            builder.fmul(_shuffled(builder, columns, [2 * m] * RUN), run(2 + m // 2, 2 + m % 2, 0, RUN))
            for m in range(4)
        ]
        column = builder.fadd(builder.fadd(terms[0], terms[1]), builder.fadd(terms[2], terms[3]))
        away = difference(2, *(_shuffled(builder, column, [k, k + 1]) for k in (0, 1, 3, 4)))
        found.append(_folded(builder, builder.fmul(_split(builder, h), away)))
        return context.make_tuple(builder, signature.return_type, found)

    return types.UniTuple(field.dtype, 3)(field, first, plane, line, near, far, cloud), codegen


def _shares(builder: Any, amount: Any, f: Any, g: Any, h: Any) -> tuple[Any, Any]:
    """The shares of the eight nodes, before and after the split along z."""
    parts = [_everywhere(builder, amount, 8)]
    for bit, fraction in zip((4, 2, 1), (f, g, h), strict=True):
        weights = _shuffled(builder, _split(builder, fraction), [int(bool(k & bit)) for k in range(8)])
        parts.append(builder.fmul(parts[-1], weights))
    return parts[2], parts[3]


def _split(builder: Any, fraction: Any) -> Any:
    """The weights of the nodes below and above along one axis."""
    pair = ir.Constant(ir.VectorType(fraction.type, 2), ir.Undefined)
    below = builder.fsub(ir.Constant(fraction.type, 1.0), fraction)
    pair = builder.insert_element(pair, below, ir.Constant(INDEX, 0))
    return builder.insert_element(pair, fraction, ir.Constant(INDEX, 1))


def _joined(builder: Any, lower: Any, upper: Any) -> Any:
    """Two vectors of two as one of four."""
    return builder.shuffle_vector(lower, upper, ir.Constant(ir.VectorType(INDEX, 4), [0, 1, 2, 3]))


def _folded(builder: Any, vector: Any) -> Any:
    """Upper half onto lower half, until one element is left."""
    while vector.type.count > 1:
        half = vector.type.count // 2
        vector = builder.fadd(*(_shuffled(builder, vector, range(k, k + half)) for k in (0, half)))
    return builder.extract_element(vector, ir.Constant(INDEX, 0))


def _everywhere(builder: Any, value: Any, width: int) -> Any:
    """`value` in every element of a vector."""
    undefined = ir.Constant(ir.VectorType(value.type, 1), ir.Undefined)
    return _shuffled(builder, builder.insert_element(undefined, value, ir.Constant(INDEX, 0)), [0] * width)


def _shuffled(builder: Any, vector: Any, places: Any) -> Any:
    """The elements of a vector at these places."""
    undefined = ir.Constant(vector.type, ir.Undefined)
    return builder.shuffle_vector(vector, undefined, ir.Constant(ir.VectorType(INDEX, len(places)), list(places)))


def _add(builder: Any, place: Any, term: Any) -> None:
    """``place += term``, aligned to whole elements."""
    value = builder.load(place)
    value.align = 8
    builder.store(builder.add(value, term), place, align=8)
