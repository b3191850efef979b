"""Device: where arrays live and kernels run, and in which precision."""

from __future__ import annotations

from types import ModuleType
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from sensorium.engine.errors import SensoriumError

__all__ = ["Device", "DeviceKind", "Precision", "Rows"]

DeviceKind = Literal["cpu", "cuda", "cudasim"]
Precision = Literal["double", "single"]

REALS: dict[str, np.dtype[Any]] = {"double": np.dtype(np.float64), "single": np.dtype(np.float32)}


class Device:
    """One place to compute: a kind of processor and the working precision.

    Parameters
    ----------
    kind
        ``"cpu"``; ``"cuda"`` (one NVIDIA GPU, arrays are CuPy's); ``"cudasim"`` (numba's CUDA simulator, arrays stay
        numpy's), which needs ``NUMBA_ENABLE_CUDASIM=1`` before numba is first imported.
    precision
        ``"double"`` or ``"single"``: the working real of columns, constants and arguments.

    Attributes
    ----------
    real
        numpy dtype of the working real.
    target
        ``"cpu-double"`` and the like; kernels keep one launcher per target.

    Raises
    ------
    SensoriumError
        If the kind or precision is unknown, or the machine cannot offer the kind.
    """

    __slots__ = ("_xp", "kind", "precision", "real", "target")

    def __init__(self, kind: DeviceKind = "cpu", precision: Precision = "double") -> None:
        if kind not in ("cpu", "cuda", "cudasim"):
            raise SensoriumError(f"device {kind!r} is not one of cpu, cuda, cudasim")
        if precision not in REALS:
            raise SensoriumError(f"precision {precision!r} is not one of double, single")
        self.kind: DeviceKind = kind
        self.precision: Precision = precision
        self.real = REALS[precision]
        self.target = f"{kind}-{precision}"
        self._xp: ModuleType = np
        if kind == "cudasim":
            from sensorium.engine.kernel_cuda import require_simulator

            require_simulator()
        elif kind == "cuda":
            from sensorium.engine.device_cuda import require_gpu

            self._xp = require_gpu()

    @classmethod
    def select(cls, kind: DeviceKind | Literal["auto"] = "auto", precision: Precision = "double") -> Device:
        """The device of a run: ``"auto"`` takes the GPU when there is one that works, and the CPU otherwise."""
        if kind != "auto":
            return cls(kind, precision)
        from sensorium.engine.device_cuda import gpu_problem

        return cls("cuda" if gpu_problem() is None else "cpu", precision)

    @property
    def xp(self) -> Any:
        """The array module: numpy, or CuPy on a GPU."""
        return self._xp

    def empty(self, shape: int | tuple[int, ...], dtype: npt.DTypeLike | None = None) -> Any:
        """Uninitialized C-contiguous array; `dtype` defaults to the working real."""
        return self._own(self._xp.empty(shape, self.real if dtype is None else dtype))

    def zeros(self, shape: int | tuple[int, ...], dtype: npt.DTypeLike | None = None) -> Any:
        """C-contiguous array of zeros; `dtype` defaults to the working real."""
        return self._own(self._xp.zeros(shape, self.real if dtype is None else dtype))

    def array(self, values: Any, dtype: npt.DTypeLike | None = None) -> Any:
        """A copy of `values` (any array or sequence) on this device; `dtype` defaults to that of `values`."""
        return self._own(self._xp.array(values, dtype=dtype))

    def host(self, values: Any) -> npt.NDArray[Any]:
        """`values` as a numpy array; no copy when it already is one."""
        return np.asarray(values)

    def _own(self, values: Any) -> Any:
        if self.kind != "cuda":
            return values
        from sensorium.engine.device_cuda import as_device_array

        return as_device_array(values)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Device) and other.target == self.target

    def __hash__(self) -> int:
        return hash(self.target)

    def __repr__(self) -> str:
        return f"Device({self.kind!r}, {self.precision!r})"


class Rows:
    """The least that a kernel can be launched over: `n` rows (or tasks) on a device, without columns of its own.

    Parameters
    ----------
    n
        Number of rows or tasks.
    device
        Where to run.
    work
        Estimated time of all of it in ns, for task kernels: below a few microseconds one thread does it.
    """

    __slots__ = ("device", "n", "work")

    storage: dict[int, Any] = {}

    def __init__(self, n: int, device: Device, *, work: float = float("inf")) -> None:
        self.n, self.device, self.work = n, device, work

    def __repr__(self) -> str:
        return f"Rows({self.n}, {self.device!r})"
