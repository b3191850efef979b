"""The static gate: what every kernel becomes on a GPU, found without one. ``python -m sensorium.engine.ptx``.

For each kernel and each combination of argument types that it is launched with, in both precisions, for sm_80 and
sm_90: compiled to PTX by numba-cuda and assembled to machine code by nvJitLink, in this process, from wheels. A
violation is a register spill, a stack frame, more registers than the kernel's budget, or float64 in single precision.

**How argument types are known.** From launches: the CPU dispatchers of a kernel remember the types of every launch, so
whatever ran in this process can be compiled for a GPU as it stands, plugins included. The command runs the launches
that installed packages offer under the entry-point group ``sensorium.launches``: functions of one argument, the
precision, which may return sentences about what they could not run. The package's own runs the packaged scenarios and
every registered system for two steps. Kernels that no such run reaches declare their types:
``@kernel(signature="real[:], int")``.

PTX files go to ``$PTX_DIR`` (default ``./ptx``), as ``<kernel>-<n>.<precision>.sm_<cc>.ptx``.
"""

from __future__ import annotations

import importlib.util
import os
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

from sensorium.engine.device import Precision
from sensorium.engine.errors import SensoriumError
from sensorium.engine.kernel import KERNELS, Kernel

__all__ = ["CAPABILITIES", "Compiled", "check", "examine", "missing_toolchain", "never_launched"]

CAPABILITIES = ((8, 0), (9, 0))
PRECISIONS: tuple[Precision, ...] = ("double", "single")


@dataclass
class Compiled:
    """One kernel compiled for one combination of argument types, precision and compute capability.

    Attributes
    ----------
    registers
        Per thread.
    stack, spilled
        Bytes per thread: stack frame, and stores of spilled registers.
    doubles
        Occurrences of ``.f64`` in the PTX.
    problems
        Violations in words; empty when the kernel passes.
    """

    kernel: Kernel
    types: tuple[Any, ...]
    precision: Precision
    cc: tuple[int, int]
    ptx: str = ""
    registers: int = 0
    stack: int = 0
    spilled: int = 0
    doubles: int = 0
    problems: list[str] = field(default_factory=list)

    def save(self, folder: Path, number: int) -> None:
        """Write the PTX to its file in `folder`."""
        name = f"{self.kernel.__name__}-{number}.{self.precision}.sm_{self.cc[0]}{self.cc[1]}.ptx"
        (folder / name).write_text(self.ptx, encoding="utf-8")


def missing_toolchain() -> str | None:
    """Why nothing can be compiled here, in words; None when it can."""
    for module in ("numba_cuda", "cuda.bindings.nvjitlink"):
        try:
            found = importlib.util.find_spec(module)
        except ModuleNotFoundError:
            found = None
        if found is None:
            return f"{module} is not installed (pip install 'sensorium-engine[cuda]')"
    return None


def check(kernel: Kernel, types: Sequence[Any], precision: Precision, cc: tuple[int, int]) -> Compiled:
    """Compile a kernel for argument types, assemble it, and hold it against the rules."""
    from sensorium.engine.kernel_cuda import compile_ptx

    result = Compiled(kernel, tuple(types), precision, cc)
    try:
        result.ptx = compile_ptx(kernel, types, precision, cc)
    except SensoriumError as error:
        result.problems.append(str(error))
        return result
    log = _assemble(result.ptx, cc)
    # one "used ..." line per function that was not inlined; the worst counts
    result.registers = max((int(n) for n in re.findall(r"[Uu]sed (\d+) registers", log)), default=0)
    result.stack = max((int(n) for n in re.findall(r"(\d+) bytes stack frame", log)), default=0)
    result.spilled = max((int(n) for n in re.findall(r"(\d+) bytes spill stores", log)), default=0)
    result.doubles = result.ptx.count(".f64")
    if result.registers > kernel.registers:
        result.problems.append(f"{result.registers} registers, over the budget of {kernel.registers}")
    if result.stack:
        result.problems.append(f"{result.stack} bytes of stack")
    if result.spilled:
        result.problems.append(f"{result.spilled} bytes of spilled registers")
    if precision == "single" and result.doubles:
        result.problems.append(f"{result.doubles} uses of float64 in single precision{_where(kernel)}")
    return result


def _where(kernel: Kernel) -> str:
    """The lines that compute in float64, where the CPU compiler of this process has seen them."""
    from sensorium.engine.kernel_precision import doubles

    places = list(dict.fromkeys(doubles(kernel)))
    return f" ({', '.join(places)})" if places else ""


def _assemble(ptx: str, cc: tuple[int, int]) -> str:
    """What the assembler says about the machine code of `ptx`."""
    from cuda.bindings import nvjitlink

    code = ptx.encode()
    handle = nvjitlink.create(2, [f"-arch=sm_{cc[0]}{cc[1]}", "-verbose"])
    try:
        nvjitlink.add_data(handle, nvjitlink.InputType.PTX, code, len(code), "kernel")
        nvjitlink.complete(handle)
        log = bytearray(nvjitlink.get_info_log_size(handle))
        nvjitlink.get_info_log(handle, log)
    finally:
        nvjitlink.destroy(handle)
    return log.decode(errors="replace")


def examine(
    kernels: Iterable[Kernel], precisions: Iterable[Precision] = PRECISIONS, capabilities: Any = CAPABILITIES
) -> Iterator[Compiled]:
    """Check each kernel for all types that it was launched with, or that it declares."""
    for kernel in kernels:
        for precision in precisions:
            for types in kernel.signatures(precision):
                for cc in capabilities:
                    yield check(kernel, types, precision, cc)


def never_launched(kernels: Iterable[Kernel]) -> list[Kernel]:
    """Kernels of installed packages about which nothing is known: neither launched, nor declared."""
    return [k for k in kernels if "." in k.__module__ and not any(k.signatures(p) for p in PRECISIONS)]


def _launch_everything() -> None:
    """Run what packages offer, in both precisions."""
    for entry in sorted(entry_points(group="sensorium.launches"), key=lambda entry: entry.value):
        run = entry.load()
        for precision in PRECISIONS:
            for sentence in run(precision) or ():
                print(f"not run: {sentence}")


def _line(kernel: str, number: str, precision: str, cc: str, figures: Iterable[object], verdict: str) -> str:
    return f"{kernel:32.32} {number:>5} {precision:9} {cc:4}" + "".join(f"{f!s:>10}" for f in figures) + f"  {verdict}"


def main() -> int:
    """Run, compile, write, print; 0 when every kernel passes."""
    problem = missing_toolchain()
    if problem is not None:
        print(f"nothing compiled: {problem}")
        return 1
    folder = Path(os.environ.get("PTX_DIR", "ptx"))
    folder.mkdir(parents=True, exist_ok=True)
    _launch_everything()
    print(_line("kernel", "types", "precision", "cc", ("registers", "stack", "spilled", ".f64"), ""))
    compiled, failed = 0, 0
    numbers: dict[tuple[Any, ...], int] = {}
    for r in examine(KERNELS):
        same = (r.kernel.__name__, r.precision, r.cc)
        number = numbers[same] = numbers.get(same, -1) + 1
        r.save(folder, number)
        figures = (r.registers, r.stack, r.spilled, r.doubles)
        verdict = "; ".join(r.problems) or "ok"
        print(_line(r.kernel.__name__, str(number), r.precision, f"{r.cc[0]}.{r.cc[1]}", figures, verdict), flush=True)
        compiled, failed = compiled + 1, failed + bool(r.problems)
    unknown = never_launched(KERNELS)
    for kernel in unknown:
        print(f"not checked: {kernel.title} was not launched and declares no signature")
    print(f"{compiled} compiled, {failed} with problems, {len(unknown)} kernels not checked; PTX in {folder}")
    return 1 if failed or unknown or not compiled else 0


if __name__ == "__main__":
    # as the module that kernels import, not as a second copy of it
    from sensorium.engine.ptx import main as run

    sys.exit(run())
