"""The loop over rows, as LLVM sees it: indices known to be >= 0, and rows known to be independent.

numba cannot say either of these. Without the first, every access carries a select for negative indices; without the
second, LLVM must prove at run time that no column overlaps another, and gives up where there are more than a few. Both
stop vectorization. So the loop is emitted here, around the call of the force-inlined body: the index starts from a
value without sign bit and only grows (``nsw``), and every memory access that the inlined body makes belongs to an
access group that the loop lists in ``llvm.loop.parallel_accesses`` (LLVM Language Reference, "llvm.access.group").

That promise is the contract of a row body: rows run in any order, so a row reads nothing that another row writes.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from llvmlite import ir
from llvmlite.ir.values import MDValue
from numba.core import types
from numba.core.errors import TypingError
from numba.extending import intrinsic

__all__ = ["INNER", "OPTIONS", "for_each", "loop_over", "nonnegative"]

# no fastmath: NaN checks, underflow and reproducibility; numpy's error model: x/0 is inf, and needs no branch
OPTIONS: dict[str, Any] = {"error_model": "numpy", "fastmath": False, "nogil": True}
# bodies and device functions are always inlined: a call in the loop would stop vectorization; they allocate nothing, so
# they count no references: behind a branch the counting stays, and its atomic operations cost 60 ns per row
INNER = {**OPTIONS, "forceinline": True, "no_cpython_wrapper": True, "no_cfunc_wrapper": True, "_nrt": False}

_NO_SIGN = (1 << 63) - 1


def loop_over(body: Callable[[], Any], real: npt.DTypeLike, *, independent: bool) -> Any:
    """A compiled-code function ``loop(start, stop, arguments)`` that calls ``body(i, *arguments)`` for each i.

    Parameters
    ----------
    body
        Gives the force-inlined numba dispatcher of the row or task body; called when the loop is compiled.
    real
        The working real: float scalars and 0-d arrays among `arguments` are passed to the body as this.
    independent
        True for row bodies, whose iterations may be interleaved in vector registers.
    """
    working = types.float32 if np.dtype(real) == np.float32 else types.float64

    @intrinsic
    def loop(typingctx: Any, start: Any, stop: Any, arguments: Any) -> Any:
        emit = _loop(typingctx, body(), arguments, [_passed(k, working) for k in arguments])

        def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
            emit(context, builder, *values, independent)
            return context.get_dummy_value()

        return types.none(types.int64, types.int64, arguments), codegen

    return loop


@intrinsic
def nonnegative(typingctx: Any, i: Any) -> Any:
    """``llvm.assume(i >= 0)``: numba's select for negative indices folds away."""

    def codegen(context: Any, builder: Any, signature: Any, arguments: Any) -> Any:
        value = context.cast(builder, arguments[0], signature.args[0], types.int64)
        kind = ir.FunctionType(ir.VoidType(), [ir.IntType(1)])
        assume = builder.module.declare_intrinsic("llvm.assume", (), kind)
        builder.call(assume, [builder.icmp_signed(">=", value, ir.Constant(value.type, 0))])
        return value

    return types.int64(i), codegen


@intrinsic
def for_each(typingctx: Any, body: Any, start: Any, stop: Any, arguments: Any) -> Any:
    """The primitive of this name: a loop inside a task, as independent as the rows of a row body."""
    if not (isinstance(body, types.Dispatcher) and isinstance(arguments, types.BaseTuple)):
        raise TypingError(f"for_each takes a @device function, start, stop and a tuple, not {body} and {arguments}")
    emit = _loop(typingctx, body.dispatcher, arguments, list(arguments))

    def codegen(context: Any, builder: Any, signature: Any, values: Any) -> Any:
        bounds = [context.cast(builder, values[k], signature.args[k], types.int64) for k in (1, 2)]
        emit(context, builder, *bounds, values[3], True)
        return context.get_dummy_value()

    return types.none(body, start, stop, arguments), codegen


def _loop(typingctx: Any, body: Any, arguments: Any, inner: list[Any]) -> Any:
    """What emits the loop around `body`, which gets arguments of the types `inner`."""
    called = types.Dispatcher(_promising(body))
    tuple_type = types.Tuple(inner)
    body_signature = called.get_call_type(typingctx, (types.int64, tuple_type), {})

    def emit(context: Any, builder: Any, start: Any, stop: Any, packed: Any, independent: bool) -> None:
        columns = [
            _pass(context, builder, kind, want, builder.extract_value(packed, k))
            for k, (kind, want) in enumerate(zip(arguments, inner, strict=True))
        ]
        passed = context.make_tuple(builder, tuple_type, columns)
        function = context.get_function(called, body_signature)
        context.add_linking_libs(getattr(function, "libs", ()))
        _emit_loop(builder, start, stop, lambda i: function(builder, [i, passed]), independent)

    return emit


@functools.cache
def _promising(body: Any) -> Any:
    """`body` behind a promise that its index is >= 0.

    The promise is made inside a function of its own, where nothing is known of the index: in the loop itself, passes
    that run before inlining would prove it, drop it as redundant, and then lose the proof.
    """

    def step(i, arguments):
        body(nonnegative(i), *arguments)

    # as unique as the body's own name: symbols of cached code from other processes meet in this one
    step.__qualname__ = f"step_{body.py_func.__qualname__}"
    return numba.njit(**INNER)(step)


def _passed(kind: Any, working: Any) -> Any:
    """Type that a row or task body sees for a launch argument of type `kind`."""
    if isinstance(kind, types.Array) and kind.ndim == 0:
        kind = kind.dtype
    return working if isinstance(kind, types.Float) else kind


def _pass(context: Any, builder: Any, kind: Any, want: Any, value: Any) -> Any:
    """The argument as the body wants it: scalars in the working real, everything else as it is."""
    if isinstance(kind, types.Array) and kind.ndim == 0:
        held = context.make_array(kind)(context, builder, value)
        value, kind = context.unpack_value(builder, kind.dtype, held.data), kind.dtype
    return context.cast(builder, value, kind, want)


def _emit_loop(builder: Any, start: Any, stop: Any, call: Any, independent: bool) -> None:
    """``for i in range(start, stop): call(i)`` with the facts that numba's own loop would not state."""
    whole = ir.IntType(64)
    entry = builder.block
    body, done = builder.append_basic_block("rows"), builder.append_basic_block("rows.done")
    first = builder.and_(start, ir.Constant(whole, _NO_SIGN))
    builder.cbranch(builder.icmp_signed("<", first, stop), body, done)
    builder.position_at_end(body)
    index = builder.phi(whole)
    index.add_incoming(first, entry)
    known = {id(block) for block in builder.function.blocks} - {id(body)}
    call(index)
    following = builder.add(index, ir.Constant(whole, 1), flags=("nuw", "nsw"))
    index.add_incoming(following, builder.block)
    back = builder.cbranch(builder.icmp_signed("<", following, stop), body, done)
    if independent:
        group = _Distinct(builder.module, ())
        back.set_metadata("llvm.loop", _loop_id(builder.module, group))
        for block in builder.function.blocks:
            for instruction in block.instructions if id(block) not in known else ():
                if isinstance(instruction, (ir.CallInstr, ir.LoadInstr, ir.StoreInstr)):
                    instruction.set_metadata("llvm.access.group", group)
    builder.position_at_end(done)


class _Distinct(MDValue):
    """A distinct metadata node, which llvmlite offers for debug information only."""

    def __init__(self, module: Any, operands: Any, *, refers_to_itself: bool = False) -> None:
        super().__init__(module, operands, name=str(len(module.metadata)))
        self.refers_to_itself = refers_to_itself

    def descr(self, buf: list[str]) -> None:
        own = [self.get_reference()] if self.refers_to_itself else []
        buf += ("distinct !{", ", ".join(own + [o.get_reference() for o in self.operands]), "}\n")

    def __eq__(self, other: object) -> bool:
        return self is other

    def __hash__(self) -> int:
        return id(self)


def _loop_id(module: Any, group: Any) -> Any:
    name = ir.MetaDataString(module, "llvm.loop.parallel_accesses")
    return _Distinct(module, (module.add_metadata([name, group]),), refers_to_itself=True)
