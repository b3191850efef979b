"""Where a body computes in float64 although the working precision is single."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from sensorium.engine.kernel_source import ByPrecision, ScalarFunction

if TYPE_CHECKING:
    from sensorium.engine.kernel import Kernel

__all__ = ["PrecisionWarning", "doubles", "warn_of_doubles"]


class PrecisionWarning(UserWarning):
    """A kernel computes in float64 in single precision: slow on a GPU, and refused by the static gate."""


def warn_of_doubles(kernel: Kernel) -> None:
    """Warn once for each line found by :func:`doubles`."""
    for place in dict.fromkeys(doubles(kernel)):
        message = (
            f"{kernel.word} '{kernel.__name__}' computes in float64 in single precision at {place};"
            " write 2.0 instead of 2 next to a float, and real(n) for other integers"
        )
        warnings.warn(PrecisionWarning(message), stacklevel=2)


def doubles(kernel: Kernel) -> Iterator[str]:
    """``file:line`` of every float64 value in what the CPU compiled of the kernel for single precision."""
    for function in _reached(kernel):
        dispatcher = function.compiled("cpu", "single")
        for compiled in dispatcher.overloads.values() if dispatcher is not None else ():
            notes = compiled.type_annotation
            if isinstance(notes, str):  # from a cache: types are not kept
                continue
            for block in notes.blocks.values():
                for statement in block.body:
                    target = getattr(statement, "target", None)
                    if target is not None and _is_double(notes.typemap.get(getattr(target, "name", None))):
                        yield f"{statement.loc.filename}:{statement.loc.line}"


def _is_double(kind: Any) -> bool:
    """True for float64 and for arrays of it."""
    return str(getattr(kind, "dtype", kind)) == "float64"


def _reached(function: ScalarFunction) -> list[ScalarFunction]:
    """`function` and every device function that it calls in single precision."""
    found: list[ScalarFunction] = []
    pending = [function]
    while pending:
        current = pending.pop()
        if current not in found:
            found.append(current)
            for value in current.body.names.values():
                value = value.single if isinstance(value, ByPrecision) else value
                if isinstance(value, ScalarFunction):
                    pending.append(value)
    return found
