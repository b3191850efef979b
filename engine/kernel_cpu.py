"""CPU launchers: a serial and a parallel twin of one body, generated, compiled on first use, and cached.

Both twins call the same force-inlined body row by row, so they give the same bits; the parallel one hands out fixed
chunks of rows, so the number of threads does not show either.
"""

from __future__ import annotations

import hashlib
import linecache
from collections.abc import Callable
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal

import numba
import numpy as np

from sensorium.engine.device import REALS, Precision
from sensorium.engine.kernel_cache import KernelCache, cache_directory, environment_key, write_once
from sensorium.engine.kernel_loop import INNER, OPTIONS, loop_over
from sensorium.engine.kernel_threads import load_threads, threads

if TYPE_CHECKING:
    from sensorium.engine.kernel import Kernel

__all__ = ["CHUNK", "compile_device", "parallel_twin", "serial_twin"]

CHUNK = 2048  # rows that one thread takes at a time; fixed, so that results never depend on the thread count

Twin = Literal["serial", "parallel"]

_PARALLEL = {
    "prange": True, "comprehension": False, "reduction": False, "inplace_binop": False,
    "setitem": False, "numpy": False, "stencil": False, "fusion": False,
}  # fmt: skip

_TEXT = {
    ("serial", False): "def {name}(_n, {names}):\n    _loop(0, _n, ({names}))\n",
    ("serial", True): "def {name}(_n, {names}):\n    _loop(0, _n, ({names}))\n",
    ("parallel", False): (
        "def {name}(_n, {names}):\n"
        "    for _chunk in _prange((_n + {last}) // {chunk}):\n"
        "        _first = _int64(_chunk) * {chunk}\n"
        "        _loop(_first, min(_n, _first + {chunk}), ({names}))\n"
    ),
    ("parallel", True): (
        "def {name}(_n, {names}):\n"
        "    for _chunk in _prange(_n):\n"
        "        _task = _int64(_chunk)\n"
        "        _loop(_task, _task + 1, ({names}))\n"
    ),
}


def compile_device(function: FunctionType) -> Any:
    """A body or device function for the CPU; always inlined, because a call in the loop would stop vectorization."""
    return numba.njit(**INNER)(function)


def serial_twin(kernel: Kernel, precision: Precision) -> Callable[..., None]:
    """``twin(n, *arguments)`` that runs every row in the calling thread."""
    return _twin(kernel, precision, "serial")


def parallel_twin(kernel: Kernel, precision: Precision, serial: Callable[..., None]) -> Callable[..., None]:
    """``twin(n, *arguments)`` that runs chunks of rows, or single tasks, on all threads.

    It is compiled at its first launch on more than one thread; on one thread `serial` does the work.
    """
    compiled: list[Callable[..., None]] = []

    def launch(n: int, *arguments: Any) -> None:
        if threads() == 1:
            serial(n, *arguments)
            return
        if not compiled:
            compiled.append(_twin(kernel, precision, "parallel"))
        compiled[0](n, *arguments)

    launch.twin = compiled  # type: ignore[attr-defined]
    return launch


def _twin(kernel: Kernel, precision: Precision, twin: Twin) -> Any:
    """The numba dispatcher of one twin, over its file in the cache."""
    load_threads()
    names = ", ".join(kernel.parameters[1:]) + ","
    text = _TEXT[twin, kernel.tasks].format(name="{name}", names=names, chunk=CHUNK, last=CHUNK - 1)
    key = f"{environment_key()}\n{kernel.digest}\n{text}\n{precision} {sorted(INNER.items())}"
    stem = f"{kernel.__name__}_{twin}_{hashlib.sha256(key.encode()).hexdigest()[:20]}"
    text = text.replace("{name}", stem)
    directory = cache_directory()
    path = f"<kernel {stem}>" if directory is None else str(directory / f"{stem}.py")
    if directory is None:
        linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
    else:
        write_once(directory / f"{stem}.py", text.encode())
    body = kernel.bound("cpu", precision, compile_device)
    namespace: dict[str, Any] = {
        "__name__": __name__,  # compiled code from the cache imports this name again
        "_prange": numba.prange,
        "_int64": np.int64,
        "_loop": loop_over(body, REALS[precision], independent=not kernel.tasks),
    }
    exec(compile(text, path, "exec"), namespace)
    dispatcher = numba.njit(parallel=_PARALLEL if twin == "parallel" else False, **OPTIONS)(namespace[stem])
    if directory is not None:
        dispatcher._cache = KernelCache(directory / stem)
    return dispatcher
