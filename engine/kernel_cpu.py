"""CPU launchers: a serial and a parallel twin of one body, generated, compiled on first use, and cached.

Both twins call the same force-inlined body row by row, so they give the same bits; the parallel one hands out fixed
chunks of rows, so the number of threads does not show either.
"""

from __future__ import annotations

import hashlib
import linecache
from types import FunctionType
from typing import TYPE_CHECKING, Any, Literal

import numba
import numpy as np

from sensorium.engine.device import REALS, Precision
from sensorium.engine.kernel_cache import KernelCache, cache_directory, environment_key, write_once
from sensorium.engine.kernel_loop import INNER, OPTIONS, loop_over
from sensorium.engine.kernel_precision import warn_of_doubles
from sensorium.engine.kernel_threads import load_threads, threads

if TYPE_CHECKING:
    from sensorium.engine.kernel import Kernel

__all__ = ["CHUNK", "CpuTwins", "compile_device"]

CHUNK = 2048  # rows that one thread takes at a time; fixed, so that results never depend on the thread count

Twin = Literal["serial", "parallel"]

_PARALLEL = {
    "prange": True, "comprehension": False, "reduction": False, "inplace_binop": False,
    "setitem": False, "numpy": False, "stencil": False, "fusion": False,
}  # fmt: skip

_SERIAL_TEXT = """def {name}(_n, {names}):
    _loop(0, _n, ({names}))
"""
_CHUNKS_TEXT = """def {name}(_n, {names}):
    for _chunk in _prange((_n + {last}) // {chunk}):
        _first = _int64(_chunk) * {chunk}
        _loop(_first, min(_n, _first + {chunk}), ({names}))
"""
_TASKS_TEXT = """def {name}(_n, {names}):
    for _number in _prange(_n):
        _task = _int64(_number)
        _loop(_task, _task + 1, ({names}))
"""


def compile_device(function: FunctionType) -> Any:
    """A body or device function for the CPU."""
    return numba.njit(**INNER)(function)


class CpuTwins:
    """The launchers of one kernel in one precision.

    Attributes
    ----------
    serial
        ``serial(n, *arguments)``: every row in the calling thread.
    """

    def __init__(self, kernel: Kernel, precision: Precision) -> None:
        self.kernel, self.precision = kernel, precision
        self.serial = self._compiled("serial")
        self._parallel: Any = None

    def parallel(self, n: int, *arguments: Any) -> None:
        """Chunks of rows, or single tasks, on all threads; compiled when first needed."""
        if threads() == 1:
            self.serial(n, *arguments)
        else:
            self.parallel_twin(n, *arguments)

    @property
    def parallel_twin(self) -> Any:
        """The dispatcher behind :meth:`parallel`."""
        if self._parallel is None:
            self._parallel = self._compiled("parallel")
        return self._parallel

    def signatures(self) -> list[tuple[Any, ...]]:
        """Types of the arguments of every launch so far, as numba's, each combination once."""
        launched = [*self.serial.signatures, *(self._parallel.signatures if self._parallel else ())]
        return list(dict.fromkeys(tuple(signature[1:]) for signature in launched))

    def warm_up(self) -> None:
        """Compile both twins for every signature launched so far."""
        for signature in self.signatures():
            for twin in (self.serial, self.parallel_twin):
                twin.compile((numba.int64, *signature))

    def _compiled(self, twin: Twin) -> Any:
        """The numba dispatcher of one twin, over its file in the cache."""
        load_threads()
        kernel = self.kernel
        text = _SERIAL_TEXT if twin == "serial" else _TASKS_TEXT if kernel.tasks else _CHUNKS_TEXT
        names = ", ".join(kernel.parameters[1:]) + ("," if kernel.parameters[1:] else "")
        text = text.format(name="{name}", names=names, chunk=CHUNK, last=CHUNK - 1)
        key = f"{environment_key()}\n{kernel.digest}\n{text}\n{self.precision}"
        stem = f"{kernel.__name__}_{twin}_{hashlib.sha256(key.encode()).hexdigest()[:20]}"
        text = text.replace("{name}", stem)
        directory = cache_directory()
        path = f"<kernel {stem}>" if directory is None else str(directory / f"{stem}.py")
        if directory is None:
            linecache.cache[path] = (len(text), None, text.splitlines(keepends=True), path)
        else:
            write_once(directory / f"{stem}.py", text.encode())
        namespace: dict[str, Any] = {
            "__name__": __name__,  # compiled code from the cache imports this name again
            "_prange": numba.prange,
            "_int64": np.int64,
            "_loop": loop_over(self._body, REALS[self.precision], independent=not kernel.tasks),
        }
        exec(compile(text, path, "exec"), namespace)
        parallel: Any = _PARALLEL if twin == "parallel" else False
        dispatcher: Any = numba.njit(parallel=parallel, no_cfunc_wrapper=True, **OPTIONS)(namespace[stem])
        dispatcher._cache = KernelCache(directory and directory / stem, self._check)
        return dispatcher

    def _body(self) -> Any:
        return self.kernel.bound("cpu", self.precision, compile_device)

    def _check(self) -> None:
        if self.precision == "single":
            warn_of_doubles(self.kernel)
