"""Kernels: a scalar function of one row, written once, run on the CPU, on CUDA and in the CUDA simulator.

>>> from sensorium.engine.kernel import device, kernel
>>> @device
... def square(x):
...     return x * x
>>> @kernel
... def heat_up(i, heat, speed, gain):  # called for every row i
...     heat[i] += gain * square(speed[i])

``heat_up(population, view.heat, view.speed, 0.5)`` launches it over the rows of a population, on its device. With
``@kernel(tasks=True)`` the first argument counts tasks (slabs, chunks, tiles), each of which writes outputs of its own.

Rows and tasks run in any order and at once: a row must not read what another row writes. What a body may use from
outside: numbers, tuples and constant arrays at module level, other ``@device`` functions, primitives, numpy and math
functions that numba knows. Float literals and constants take the working precision, and so do float arguments.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Protocol, overload

from sensorium.engine.device import Device
from sensorium.engine.kernel_source import ByPrecision, KernelError, ScalarFunction
from sensorium.engine.primitives import real

__all__ = [
    "KERNELS",
    "DeviceFunction",
    "Kernel",
    "KernelError",
    "Launchable",
    "by_precision",
    "device",
    "kernel",
    "real",
]

PARALLEL_FROM = 6000.0  # ns of work from which waking other threads (2-3 us on TBB) pays
ROW_COST = 1.0  # ns; what a row is taken to cost where the kernel does not say
TASK_COST = 1e6

KERNELS: list[Kernel] = []  # every kernel of the process, in order of definition


class Launchable(Protocol):
    """What a kernel is launched over: a population, or ``Rows(n, device)``."""

    @property
    def n(self) -> int:
        """Rows (or tasks)."""

    @property
    def device(self) -> Device:
        """Where the columns are."""

    @property
    def storage(self) -> Mapping[int, Any]:
        """From ``id(column view)`` to the full-capacity, contiguous array behind it."""


class DeviceFunction(ScalarFunction):
    """A function that kernels, and other device functions, may call. Called from Python, it computes in double."""

    def __call__(self, *arguments: Any) -> Any:
        return self.bound("cudasim", "double", lambda function: function)(*arguments)


class Kernel(ScalarFunction):
    """A body of one row or one task, compiled per target on first launch.

    Parameters
    ----------
    function
        ``function(i, *arguments)``; returns nothing.
    tasks
        True if `i` counts tasks rather than rows.
    cost
        Estimated time of one row (or task) in ns: decides between the serial and the parallel twin, never the result.
    """

    word = "kernel"

    def __init__(self, function: Callable[..., None], *, tasks: bool = False, cost: float | None = None) -> None:
        super().__init__(function)
        if not self.parameters:
            raise KernelError(f"{self.title} needs the row index as its first parameter")
        self.tasks = tasks
        self.cost = cost if cost is not None else TASK_COST if tasks else ROW_COST
        self._arity = len(self.parameters) - 1
        # per target: (below the limit, from the limit, limit)
        self._twins: dict[str, tuple[Callable[..., None], Callable[..., None], float]] = {}
        KERNELS.append(self)

    def __call__(self, rows: Launchable, *arguments: Any) -> None:
        """Run the body for every row of `rows`.

        Parameters
        ----------
        rows
            A population, or ``Rows(n, device)``.
        *arguments
            Columns of `rows`, other arrays of its device, and numbers, in the order of the body's parameters.

        Raises
        ------
        KernelError
            If the number of arguments is wrong, or the body cannot be compiled for their types.
        """
        n = rows.n
        if n == 0:
            return
        if len(arguments) != self._arity:
            raise KernelError(f"{self.title} takes {', '.join(self.parameters[1:])}; {len(arguments)} arguments given")
        try:
            serial, parallel, limit = self._twins[rows.device.target]
        except KeyError:
            serial, parallel, limit = self._twins[rows.device.target] = self._compile(rows.device)
        if self.tasks and getattr(rows, "work", limit) < PARALLEL_FROM:
            parallel = serial
        column = rows.storage.get
        try:
            (serial if n < limit else parallel)(n, *[column(id(a), a) for a in arguments])
        except Exception as error:
            self._explain(error)
            raise

    def _compile(self, on: Device) -> tuple[Callable[..., None], Callable[..., None], float]:
        if on.kind == "cpu":
            from sensorium.engine.kernel_cpu import parallel_twin, serial_twin

            serial = serial_twin(self, on.precision)
            limit = max(PARALLEL_FROM / self.cost, 2)
            return serial, parallel_twin(self, on.precision, serial), limit
        from sensorium.engine.kernel_cuda import cuda_launcher, simulator_launcher

        launch = cuda_launcher(self, on.precision) if on.kind == "cuda" else simulator_launcher(self, on.precision)
        return launch, launch, 0.0

    def _explain(self, error: Exception) -> None:
        """Raise a compiler's error again as one that names the kernel."""
        from numba.core.errors import NumbaError

        if isinstance(error, NumbaError):
            raise KernelError(f"{self.title} does not compile: {error}") from error


@overload
def kernel(function: Callable[..., None]) -> Kernel: ...
@overload
def kernel(*, tasks: bool = False, cost: float | None = None) -> Callable[[Callable[..., None]], Kernel]: ...
def kernel(
    function: Callable[..., None] | None = None, *, tasks: bool = False, cost: float | None = None
) -> Kernel | Callable[[Callable[..., None]], Kernel]:
    """Make a kernel of a body; plain ``@kernel``, or ``@kernel(tasks=..., cost=...)``: see :class:`Kernel`."""
    if function is not None:
        return Kernel(function)
    return lambda body: Kernel(body, tasks=tasks, cost=cost)


def device(function: Callable[..., Any]) -> DeviceFunction:
    """Make a function callable from kernels on every target."""
    return DeviceFunction(function)


def by_precision(single: DeviceFunction, double: DeviceFunction) -> ByPrecision:
    """One name for two device functions, of which a body gets the one of its precision."""
    return ByPrecision(single, double)
