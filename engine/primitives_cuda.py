"""CUDA implementations of the primitives, as device functions of numba-cuda."""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import cuda

__all__ = ["atomic_add", "bits_real", "fma", "nonnegative", "real_bits"]


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def fma(x: Any, y: Any, z: Any) -> Any:
    """``fma.rn``; named through `cuda`, because numba-cuda does not type a bare reference to it."""
    return cuda.fma(x, y, z)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _float_bits(x: Any) -> Any:
    return cuda.libdevice.float_as_int(x)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _double_bits(x: Any) -> Any:
    return cuda.libdevice.double_as_longlong(x)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _bits_float(k: Any) -> Any:
    return cuda.libdevice.int_as_float(np.int32(k))


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def _bits_double(k: Any) -> Any:
    return cuda.libdevice.longlong_as_double(np.int64(k))


real_bits = {"single": _float_bits, "double": _double_bits}
bits_real = {"single": _bits_float, "double": _bits_double}


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def nonnegative(i: Any) -> Any:
    """The index itself: a GPU thread gains nothing from the promise."""
    return np.int64(i)


@cuda.jit(device=True)  # type: ignore[untyped-decorator]
def atomic_add(array: Any, i: Any, value: Any) -> None:
    """``red.add.u64``; numba-cuda's result (the old value) is dropped, as on the other targets."""
    cuda.atomic.add(array, i, value)
