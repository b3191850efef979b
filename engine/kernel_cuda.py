"""CUDA launchers, for a GPU and for numba's simulator: a grid-stride loop around the body."""

from __future__ import annotations

import os
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium.engine.device import REALS, Precision
from sensorium.engine.errors import SensoriumError

if TYPE_CHECKING:
    from sensorium.engine.kernel import Kernel

__all__ = ["cuda_launcher", "launcher_function", "require_simulator", "simulator_launcher"]

BLOCK = 256
MAXIMUM_BLOCKS = 4096
SIMULATED_THREADS = 4  # enough for errors of order to show

_TEXT = """def {name}(_n, {names}):
    _i = _int64(cuda.grid(1))
    _stride = _int64(cuda.gridsize(1))
    while _i < _n:
        _body(_i, {names})
        _i += _stride
"""


def require_simulator() -> None:
    """Raise SensoriumError unless numba runs its CUDA simulator, which it decides at its first import."""
    os_asks = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
    from numba.core import config

    if not (os_asks and config.ENABLE_CUDASIM):
        raise SensoriumError(
            "device 'cudasim' needs NUMBA_ENABLE_CUDASIM=1 in the environment before numba is imported"
        )


def compile_device(function: FunctionType) -> Any:
    """A body or device function for a GPU."""
    from numba import cuda

    return cuda.jit(device=True)(function)


def launcher_function(kernel: Kernel, body: Any) -> FunctionType:
    """The grid-stride loop over `body`, not yet compiled."""
    from numba import cuda

    names = ", ".join(kernel.parameters[1:])
    name = f"{kernel.__name__}_{kernel.digest[:12]}"
    namespace = {"__name__": __name__, "cuda": cuda, "_body": body, "_int64": np.int64}
    exec(_TEXT.format(name=name, names=names), namespace)
    function: FunctionType = namespace[name]
    return function


def simulator_launcher(kernel: Kernel, precision: Precision) -> Callable[..., None]:
    """``launch(n, *arguments)`` in the simulator; bodies run as plain Python."""
    from numba import cuda

    body = kernel.bound("cudasim", precision, lambda function: function)
    compiled = cuda.jit(launcher_function(kernel, body))

    def launch(n: int, *arguments: Any) -> None:
        with np.errstate(all="ignore"):
            compiled[1, min(n, SIMULATED_THREADS)](n, *(_scalar(a, precision) for a in arguments))

    return launch


def cuda_launcher(kernel: Kernel, precision: Precision) -> Callable[..., None]:
    """``launch(n, *arguments)`` on the GPU."""
    from numba import cuda

    compiled = cuda.jit(launcher_function(kernel, kernel.bound("cuda", precision, compile_device)))

    def launch(n: int, *arguments: Any) -> None:
        blocks = min(MAXIMUM_BLOCKS, (n + BLOCK - 1) // BLOCK)
        compiled[blocks, BLOCK](n, *(_scalar(a, precision) for a in arguments))

    return launch


def _scalar(argument: Any, precision: Precision) -> Any:
    """Float scalars and 0-d arrays in the working real; everything else as it is."""
    if getattr(argument, "shape", None) == () and not isinstance(argument, np.generic):
        argument = argument[()]
    if isinstance(argument, (float, np.floating)):
        return REALS[precision].type(argument)
    return argument
