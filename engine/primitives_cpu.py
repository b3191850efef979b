"""CPU implementations of the primitives, as numba intrinsics."""

from __future__ import annotations

from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

from sensorium.engine.kernel_loop import for_each, nonnegative
from sensorium.engine.primitives_cloud import add_shares, slopes
from sensorium.engine.primitives_dot import dot, dots
from sensorium.engine.primitives_weigh import weigh

__all__ = [
    "add_shares", "atomic_add", "bits_real", "dot", "dots", "floor", "fma", "for_each", "nonnegative", "real_bits",
    "rint", "slopes", "sqrt", "weigh",
]  # fmt: skip

_INT_OF = {types.float32: types.int32, types.float64: types.int64}


@intrinsic
def fma(typingctx: Any, x: Any, y: Any, z: Any) -> Any:
    """``llvm.fma``: fused on hardware that has it, and exact in the C library where not."""
    if not (isinstance(x, types.Float) and x == y == z):
        raise TypingError(f"fma needs three floats of one type, not {x}, {y}, {z}")

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        kind = context.get_value_type(signature.return_type)
        function = builder.module.declare_intrinsic("llvm.fma", (kind,), ir.FunctionType(kind, [kind] * 3))
        return builder.call(function, arguments)

    return x(x, y, z), codegen


def _unary(name: str) -> Any:
    """The LLVM intrinsic `name` of one float."""

    @intrinsic
    def function(typingctx: Any, x: Any) -> Any:
        if not isinstance(x, types.Float):
            raise TypingError(f"{name} needs a float, not {x}; cast with real()")

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            kind = context.get_value_type(signature.return_type)
            declared = builder.module.declare_intrinsic(f"llvm.{name}", (kind,), ir.FunctionType(kind, [kind]))
            return builder.call(declared, arguments)

        return x(x), codegen

    return function


sqrt, floor, rint = _unary("sqrt"), _unary("floor"), _unary("rint")


@intrinsic
def real_bits(typingctx: Any, x: Any) -> Any:
    """Bits of a float as the signed integer of its width."""
    if x not in _INT_OF:
        raise TypingError(f"real_bits needs a float, not {x}")

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        return builder.bitcast(arguments[0], context.get_value_type(signature.return_type))

    return _INT_OF[x](x), codegen


def _bits_real(real: Any) -> Any:
    @intrinsic
    def bits_real(typingctx: Any, k: Any) -> Any:
        """The float whose bits are `k`."""

        def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
            whole = context.cast(builder, arguments[0], signature.args[0], _INT_OF[real])
            return builder.bitcast(whole, context.get_value_type(real))

        return real(k), codegen

    return bits_real


bits_real = {"single": _bits_real(types.float32), "double": _bits_real(types.float64)}


@intrinsic
def atomic_add(typingctx: Any, array: Any, i: Any, value: Any) -> Any:
    """Relaxed ``atomicrmw add``; integers only, because the order of float additions would show in the result."""
    if not (isinstance(array, types.Array) and array.ndim == 1 and isinstance(array.dtype, types.Integer)):
        raise TypingError(f"atomic_add needs a 1-D integer array, not {array}")

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        held = context.make_array(signature.args[0])(context, builder, arguments[0])
        index = context.cast(builder, arguments[1], signature.args[1], types.intp)
        place = builder.gep(held.data, [index])
        term = context.cast(builder, arguments[2], signature.args[2], array.dtype)
        builder.atomic_rmw("add", place, term, "monotonic")
        return context.get_dummy_value()

    return types.none(array, i, value), codegen
