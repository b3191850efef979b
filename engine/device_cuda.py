"""Arrays on an NVIDIA GPU: CuPy's, which numpy.asarray may copy back to the host."""

from __future__ import annotations

import functools
from types import ModuleType
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.errors import SensoriumError

__all__ = ["as_device_array", "gpu_problem", "require_gpu"]


@functools.cache
def gpu_problem() -> str | None:
    """Why no GPU can be used, in words; None when one can."""
    try:
        import cupy
    except ImportError:
        return "CuPy is not installed (pip install 'sensorium-engine[cuda]')"
    try:
        count = cupy.cuda.runtime.getDeviceCount()
    except cupy.cuda.runtime.CUDARuntimeError as error:
        return f"CUDA does not answer: {error}"
    if count == 0:
        return "there is no NVIDIA GPU"
    try:
        from numba import cuda
    except ImportError as error:
        return f"numba-cuda does not load: {error}"
    return None if cuda.is_available() else "numba-cuda finds no CUDA driver"


def require_gpu() -> ModuleType:
    """The CuPy module, or a SensoriumError that says what is missing."""
    problem = gpu_problem()
    if problem is not None:
        raise SensoriumError(f"device 'cuda' is not available: {problem}")
    import cupy

    module: ModuleType = cupy
    return module


@functools.cache
def _array_class() -> type[Any]:
    import cupy

    class DeviceArray(cupy.ndarray):
        """A CuPy array that ``numpy.asarray`` copies to the host, so that code for output needs no special case."""

        def __array__(self, dtype: npt.DTypeLike | None = None, copy: bool | None = None) -> npt.NDArray[Any]:
            if copy is False:
                raise ValueError("an array on the GPU cannot be seen by numpy without a copy")
            host: npt.NDArray[Any] = self.get()
            return host if dtype is None else host.astype(np.dtype(dtype), copy=False)

    return DeviceArray


def as_device_array(values: Any) -> Any:
    """The same GPU memory, seen through the class that numpy may copy from."""
    return values.view(_array_class())
