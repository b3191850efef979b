"""CUDA launchers, for a GPU and for numba's simulator: a grid-stride loop around the body."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Callable, Iterator, Sequence
from types import FunctionType, SimpleNamespace
from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium.engine.device import REALS, Precision
from sensorium.engine.errors import SensoriumError
from sensorium.engine.kernel_source import KernelError

if TYPE_CHECKING:
    from sensorium.engine.kernel import Kernel

__all__ = ["compile_ptx", "cuda_launcher", "require_simulator", "simulator_launcher"]

BLOCK = 256
TASK_BLOCK = 32  # tasks are few and long: spread over the multiprocessors
MAXIMUM_BLOCKS = 4096
SIMULATED_THREADS = 4  # enough for errors of order to show

INT64_MAXIMUM = 2**63 - 1

_TEXT = """def {name}(_n{names}):
    _i = _int64(cuda.grid(1))
    _stride = _int64(cuda.gridsize(1))
    while _i < _n:
        _body(_i{names})
        _i += _stride
"""


def require_simulator() -> None:
    """Raise SensoriumError unless numba runs its CUDA simulator, which it decides at its first import."""
    asked = os.environ.get("NUMBA_ENABLE_CUDASIM") == "1"
    from numba.core import config

    if not (asked and config.ENABLE_CUDASIM):
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

    names = "".join(f", {name}" for name in kernel.parameters[1:])
    name = f"{kernel.__name__}_{kernel.digest[:12]}"
    namespace = {"__name__": __name__, "cuda": cuda, "_body": body, "_int64": np.int64}
    exec(_TEXT.format(name=name, names=names), namespace)
    function: FunctionType = namespace[name]
    return function


@contextlib.contextmanager
def each_operation_rounded() -> Iterator[None]:
    """Compile a*b + c as two operations, as the CPU does; numba-cuda offers no option for it."""
    from numba.cuda.cudadrv import nvvm

    contracting = nvvm.compile_ir
    nvvm.compile_ir = lambda code, **options: contracting(code, **{"fma": False, **options})
    try:
        yield
    finally:
        nvvm.compile_ir = contracting


@contextlib.contextmanager
def _pretended_device(cc: tuple[int, int]) -> Iterator[None]:
    """numba-cuda asks the current device for a callee's compute capability: answer for a GPU that is not there."""
    from numba.cuda import dispatcher

    asked = dispatcher.get_current_device
    dispatcher.get_current_device = lambda: SimpleNamespace(compute_capability=cc)
    try:
        yield
    finally:
        dispatcher.get_current_device = asked


def compile_ptx(kernel: Kernel, types: Sequence[Any], precision: Precision, cc: tuple[int, int]) -> str:
    """PTX of a kernel for arguments of the given numba types; needs the wheels of numba-cuda, no GPU, no driver.

    Raises
    ------
    KernelError
        If the body cannot be compiled for CUDA.
    """
    from numba import cuda
    from numba.cuda import types as cuda_types

    signature = cuda_types.void(cuda_types.int64, *(_passed(kind, precision) for kind in types))
    with each_operation_rounded(), _pretended_device(cc):
        function = launcher_function(kernel, kernel.bound("cuda", precision, compile_device))
        try:
            code, _ = cuda.compile(function, signature, device=False, abi="numba", cc=cc, output="ptx")
        except Exception as error:
            raise KernelError(f"{kernel.title} does not compile for CUDA: {error}") from error
    return str(code)


def _passed(kind: Any, precision: Precision) -> Any:
    """The type that :func:`_scalar` gives to an argument of type `kind`."""
    from numba.core import types

    if isinstance(kind, types.Array) and kind.ndim == 0:
        kind = kind.dtype
    if isinstance(kind, types.Float):
        return types.float32 if precision == "single" else types.float64
    return kind


def simulator_launcher(kernel: Kernel, precision: Precision) -> Callable[..., None]:
    """``launch(n, *arguments)`` in the simulator; bodies run as plain Python."""
    from numba import cuda

    body = kernel.bound("cudasim", precision, lambda function: function)
    compiled = cuda.jit(launcher_function(kernel, body))

    def launch(n: int, *arguments: Any) -> None:
        with np.errstate(all="ignore"):  # compiled code does not warn either
            compiled[1, min(n, SIMULATED_THREADS)](n, *(_scalar(a, precision) for a in arguments))

    return launch


def cuda_launcher(kernel: Kernel, precision: Precision) -> Callable[..., None]:
    """``launch(n, *arguments)`` on the GPU."""
    from numba import cuda

    body = kernel.bound("cuda", precision, compile_device)
    # link-time optimization would contract again what NVVM was told to keep apart
    compiled = cuda.jit(launcher_function(kernel, body), lto=False)

    block = TASK_BLOCK if kernel.tasks else BLOCK

    def launch(n: int, *arguments: Any) -> None:
        blocks = min(MAXIMUM_BLOCKS, (n + block - 1) // block)
        with each_operation_rounded():
            compiled[blocks, block](n, *(_scalar(a, precision) for a in arguments))

    return launch


def _scalar(argument: Any, precision: Precision) -> Any:
    """Scalars and 0-d arrays as compiled code takes them: floats in the working real, Python's ints as 64 bits."""
    if getattr(argument, "shape", None) == () and not isinstance(argument, np.generic):
        argument = argument[()]
    if isinstance(argument, (float, np.floating)):
        return REALS[precision].type(argument)
    if isinstance(argument, int) and not isinstance(argument, bool):
        return np.int64(argument) if argument <= INT64_MAXIMUM else np.uint64(argument)
    return argument
