"""What a kernel body can say beyond scalar Python: one name each, with an implementation per target.

The names can be called in bodies of ``@kernel`` and ``@device`` functions. Called from plain Python they give the same
bits as compiled code does.

===============  =====================================================================================
``real(x)``       `x` (an int or a float) as the working real; int64 times float32 would be a float64
``fma(x, y, z)``  x*y + z rounded once, on every target
``sqrt, floor``   of a float, as a float of the same type; so does ``rint`` (nearest, ties to even)
``real_bits(x)``  the bits of a float as a signed integer of the same width
``bits_real(k)``  the float whose bits are the integer `k`, in the working precision
``dot(...)``      ``dot(a, i, b, j, n)``: sum of ``a[i + l] * b[j + l]`` over l < n, in 32 lanes folded by halves
``dots(...)``     ``dots(a, i, b, c, j, n)``: ``dot(a, i, b, j, n)`` and ``dot(a, i, c, j, n)``, for less than two
``weigh(...)``    ``weigh(grid, rows, parts)``: sum of ``parts[k] * grid[rows[k], :3]`` over eight rows of a grid four
                  wide, in the order ((0 + 1) + (2 + 3)) + ((4 + 5) + (6 + 7)), as three reals
``add_shares``    ``add_shares(grid, nodes, amount, f, g, h)``: ``grid[nodes[k]] += int(rint(share k))``, the eight
                  shares of `amount` in a cloud; int64, not safe among rows that run at once
``slopes(...)``   ``slopes(field, first, plane, line, near, far, (amount, f, g, h))``: the shares of a cloud times the
                  differences ``near (u(+1) - u(-1)) + far (u(+2) - u(-2))`` along x, y and z, summed over its nodes;
                  in the flat array `field` with steps `plane`, `line` and 1, from `first`, two nodes before the
                  lowest of the cloud on each axis; reads 6 x 6 lines of 8
``nonnegative``   the same index, promised to be >= 0: spares the test for negative indices
``for_each``      ``for_each(body, start, stop, (a, b))`` in a task: ``body(i, a, b)`` for each i; `body` is a
                  ``@device`` function whose calls do not read what others write, so the loop vectorizes
``atomic_add``    ``array[i] += value`` on a flat integer array, safe among rows; returns nothing
===============  =====================================================================================
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from sensorium.engine.device import REALS

__all__ = [
    "LANES",
    "Primitive",
    "add_shares",
    "atomic_add",
    "bits_real",
    "dot",
    "dots",
    "floor",
    "fma",
    "for_each",
    "nonnegative",
    "real",
    "real_bits",
    "rint",
    "slopes",
    "sqrt",
    "weigh",
]

LANES = 32  # of dot


class Primitive:
    """A name that means a different implementation on each target."""

    __module__ = "sensorium.engine.primitives"

    def __init__(self, name: str, doc: str) -> None:
        self.__name__, self.__doc__ = name, doc

    def on(self, target: str, precision: str) -> Any:
        """The implementation that a body of this target and precision calls."""
        if self.__name__ == "real":
            return REALS[precision].type
        implementation = getattr(_implementations(target), self.__name__)
        return implementation[precision] if isinstance(implementation, dict) else implementation

    def __call__(self, *arguments: Any) -> Any:
        """The value, computed in plain Python in double precision."""
        function: Callable[..., Any] = self.on("cudasim", "double")
        return function(*arguments)

    def __repr__(self) -> str:
        return f"<primitive '{self.__name__}'>"


def _implementations(target: str) -> Any:
    # imported when first bound: naming a primitive must not load numba
    if target == "cpu":
        from sensorium.engine import primitives_cpu

        return primitives_cpu
    if target == "cuda":
        from sensorium.engine import primitives_cuda

        return primitives_cuda
    from sensorium.engine import primitives_python

    return primitives_python


real = Primitive("real", "`x` as the working real.")
fma = Primitive("fma", "x*y + z with one rounding; all three of one float type.")
real_bits = Primitive("real_bits", "Bits of a float as int32 or int64.")
bits_real = Primitive("bits_real", "The working real whose bits are the integer `k`.")
dot = Primitive("dot", "Sum of a[i + l] * b[j + l] for l < n (a multiple of 32), the same bits on every target.")
dots = Primitive("dots", "The pair dot(a, i, b, j, n), dot(a, i, c, j, n).")
weigh = Primitive("weigh", "Sum of parts[k] * grid[rows[k], :3] over eight rows, in pairs of pairs of pairs.")
add_shares = Primitive(
    "add_shares", "grid[nodes[k]] += int(rint(share k)) for a cloud of `amount`; not safe among rows."
)
slopes = Primitive("slopes", "The shares of a cloud times the differences along each axis at its nodes.")
sqrt = Primitive("sqrt", "Square root, correctly rounded; nan below 0.")
floor = Primitive("floor", "The greatest whole float <= `x`.")
rint = Primitive("rint", "The whole float nearest to `x`, ties to even.")
for_each = Primitive("for_each", "Call ``body(i, *arguments)`` for each i of range(start, stop), in any order.")
nonnegative = Primitive("nonnegative", "`i`, promised to be >= 0.")
atomic_add = Primitive("atomic_add", "array[i] += value, safe among rows; 1-D integer arrays.")
