"""Types of kernel arguments: declared in text, taken from examples, or numba's own."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

import numpy as np

from sensorium.engine.device import REALS, Precision
from sensorium.engine.kernel_source import KernelError

__all__ = ["argument_types", "parse_signature"]

_LAYOUT = {1: "C", 2: "F", 3: "C"}  # columns of scalars; of vectors, contiguous per component; grids of nodes


def parse_signature(text: str, precision: Precision) -> tuple[Any, ...]:
    """numba types of ``"real[:], real[:,:], int"``.

    Raises
    ------
    KernelError
        If an element is not real, int, bool or a numpy dtype code, or has more than three axes.
    """
    from numba import from_dtype
    from numba.core import types

    found = []
    for part in re.findall(r"[^,\[\]]+(?:\[[:,\s]*\])?", text):
        name, _, axes = part.strip().partition("[")
        dimensions = axes.count(":")
        try:
            words = {"real": REALS[precision], "int": np.dtype(np.int64), "bool": np.dtype(bool)}
            dtype = words[name] if name in words else np.dtype(name)
            if dtype.kind not in "fiub":
                raise TypeError(name)
            kind = from_dtype(dtype)
            found.append(types.Array(kind, dimensions, _LAYOUT[dimensions]) if dimensions else kind)
        except (TypeError, KeyError):
            raise KernelError(f"'{part.strip()}' in the signature '{text}' is not a type of an argument") from None
    return tuple(found)


def argument_types(arguments: Any, precision: Precision) -> tuple[Any, ...]:
    """numba types of a declaration, a numba signature, or a sequence of types and example values."""
    from numba import typeof
    from numba.core import types
    from numba.core.typing import Signature

    if isinstance(arguments, str):
        return parse_signature(arguments, precision)
    given: Sequence[Any] = arguments.args if isinstance(arguments, Signature) else arguments
    return tuple(value if isinstance(value, types.Type) else typeof(value) for value in given)
