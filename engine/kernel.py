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

import functools
import math
import re
import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, overload

from sensorium.engine.device import Device, Precision
from sensorium.engine.kernel_source import ByPrecision, KernelError, ScalarFunction
from sensorium.engine.primitives import real

if TYPE_CHECKING:
    from sensorium.engine.kernel_cpu import CpuTwins

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
TASK_COST = PARALLEL_FROM  # a task is worth a thread

Twins = tuple[Callable[..., None], Callable[..., None], float]
"""The launcher below a number of rows, the launcher from there on, and that number."""

_PIPELINE = re.compile(r"Failed in \w+ mode pipeline \(step: [^)]*\)")  # where numba's report goes one level deeper

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
        Estimated time of one row (or task) in ns: decides between the serial and the parallel twin, never the result;
        with 0 it is always the serial one.
    signature
        Types of the arguments after `i`, for the static gate, where no launch on a CPU shows them: ``"real[:], int"``.
        Elements are real, int, bool or a numpy code (f4, i8, ...); ``[:]`` is a column, ``[:,:]`` a vector column,
        ``[:,:,:]`` a grid.
    registers
        Budget per GPU thread, which the static gate holds it to: 128 unless said, so that half of the threads of a
        multiprocessor can be there; for tasks, which are few, all that the hardware has (255).
    """

    word = "kernel"

    def __init__(
        self,
        function: Callable[..., None],
        *,
        tasks: bool = False,
        cost: float | None = None,
        signature: str | None = None,
        registers: int | None = None,
    ) -> None:
        super().__init__(function)
        if not self.parameters:
            raise KernelError(f"{self.title} needs the row index as its first parameter")
        self.tasks = tasks
        self.cost = cost if cost is not None else TASK_COST if tasks else ROW_COST
        self.declared = signature
        self.registers = registers if registers is not None else 255 if tasks else 128
        self._twins: dict[str, Twins] = {}  # per target
        self._cpu: dict[Precision, CpuTwins] = {}
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
        # the first launch; from then on the class whose __call__ is written out for this number of arguments
        self.__class__ = _launching(len(self.parameters) - 1, self.tasks)
        self(rows, *arguments)

    def _compile(self, on: Device) -> Twins:
        if on.kind == "cpu":
            cpu = self.cpu(on.precision)
            twins: Twins = cpu.serial, cpu.parallel, max(PARALLEL_FROM / self.cost, 2) if self.cost else math.inf
        else:
            from sensorium.engine.kernel_cuda import cuda_launcher, simulator_launcher

            launch = (cuda_launcher if on.kind == "cuda" else simulator_launcher)(self, on.precision)
            twins = launch, launch, 0.0
        self._twins[on.target] = twins
        return twins

    def cpu(self, precision: Precision) -> CpuTwins:
        """The CPU launchers of one precision, made when first asked for."""
        from sensorium.engine.kernel_cpu import CpuTwins

        if precision not in self._cpu:
            self._cpu[precision] = CpuTwins(self, precision)
        return self._cpu[precision]

    def launched(self) -> tuple[CpuTwins, ...]:
        """The CPU launchers of every precision that was launched."""
        return tuple(self._cpu.values())

    def signatures(self, precision: Precision) -> list[tuple[Any, ...]]:
        """Types of the arguments, as numba's: as declared, and of every launch on the CPU in this process."""
        from sensorium.engine.kernel_types import parse_signature

        declared = [parse_signature(self.declared, precision)] if self.declared else []
        return list(dict.fromkeys([*declared, *(self._cpu[precision].signatures() if precision in self._cpu else [])]))

    def ptx(self, arguments: Any, cc: tuple[int, int] = (9, 0), precision: Precision = "single") -> str:
        """PTX of the kernel, for a static look without a GPU; needs the wheels of numba-cuda.

        Parameters
        ----------
        arguments
            What the launch would be given after the rows: example values, numba types, a declaration as in
            `signature`, or a numba signature (whose leading row count, if it has one, is dropped).
        cc
            Compute capability.
        precision
            Working precision.
        """
        from sensorium.engine.kernel_cuda import compile_ptx
        from sensorium.engine.kernel_types import argument_types

        types = argument_types(arguments, precision)
        return compile_ptx(self, types[-len(self.parameters) + 1 :] if self.parameters[1:] else (), precision, cc)

    def _miscounted(self) -> KernelError:
        return KernelError(f"{self.title} is launched as {self.__name__}({', '.join(('rows', *self.parameters[1:]))})")

    def _explained(self, error: Exception) -> Exception:
        """A compiler's error as one that names the kernel; any other error as it is."""
        from numba.core.errors import NumbaError

        if not isinstance(error, NumbaError):
            return error
        return KernelError(f"{self.title} does not compile: {_reason(str(error), self.function.__code__.co_filename)}")


def _reason(message: str, file: str) -> str:
    """Of numba's nested report, the innermost part that speaks of the lines of `file`; the error's cause has it all."""
    parts = [part.split("During: Pass")[0] for part in _PIPELINE.split(message)]
    own = [part for part in parts if Path(file).name in part]
    return textwrap.dedent((own or parts)[-1].lstrip("\n")).strip()


# A launch costs 1 to 2 us, so what Python does in it counts: the arguments are passed one by one, because collecting
# them into a tuple and a list would cost a third of a microsecond more.
_LAUNCH = """
def __call__(self, rows{parameters}, *more):
    if {last} is missing or more:
        raise self._miscounted()
    n = rows.n
    if n <= 0:
        return
    serial, parallel, limit = self._twins.get(rows.device.target) or self._compile(rows.device)
    column = rows.storage.get
    try:
        ({choice})(n{arguments})
    except Exception as error:
        explained = self._explained(error)
        if explained is error:
            raise
        raise explained from error
"""
_ROW_CHOICE = "serial if n < limit else parallel"
_TASK_CHOICE = f"serial if n < limit or getattr(rows, 'work', {PARALLEL_FROM}) < {PARALLEL_FROM} else parallel"


@functools.cache
def _launching(arity: int, tasks: bool) -> type[Kernel]:
    """The subclass of Kernel whose launch takes `arity` arguments."""
    names = [f"a{k}" for k in range(arity)]
    text = _LAUNCH.format(
        parameters="".join(f", {name}=missing" for name in names),
        last=names[-1] if names else "None",
        choice=_TASK_CHOICE if tasks else _ROW_CHOICE,
        arguments="".join(f", column(id({name}), {name})" for name in names),
    )
    scope: dict[str, Any] = {"missing": object()}
    exec(compile(text, f"<launch of {arity} arguments>", "exec"), scope)
    return type("Kernel", (Kernel,), {"__call__": scope["__call__"], "__module__": __name__})


@overload
def kernel(function: Callable[..., None]) -> Kernel: ...
@overload
def kernel(
    *, tasks: bool = False, cost: float | None = None, signature: str | None = None, registers: int | None = None
) -> Callable[[Callable[..., None]], Kernel]: ...
def kernel(function: Callable[..., None] | None = None, **options: Any) -> Kernel | Callable[..., Kernel]:
    """Make a kernel of a body: plain ``@kernel``, or ``@kernel(tasks=True, cost=20.0)``; see :class:`Kernel`."""
    if function is not None:
        return Kernel(function)
    return lambda body: Kernel(body, **options)


def device(function: Callable[..., Any]) -> DeviceFunction:
    """Make a function callable from kernels on every target."""
    return DeviceFunction(function)


def by_precision(single: DeviceFunction, double: DeviceFunction) -> ByPrecision:
    """One name for two device functions, of which a body gets the one of its precision."""
    return ByPrecision(single, double)
