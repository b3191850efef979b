"""Devices: arrays in the working precision, and one sentence where a kind cannot be had."""

from __future__ import annotations

import subprocess
import sys
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from sensorium.engine import device_cuda
from sensorium.engine.device import Device, Rows
from sensorium.engine.errors import SensoriumError


@pytest.mark.parametrize(("precision", "real"), [("double", np.float64), ("single", np.float32)])
def test_arrays_have_the_working_precision(precision: Any, real: type) -> None:
    device = Device("cpu", precision)
    assert device.xp is np
    assert device.real == np.dtype(real)
    assert device.target == f"cpu-{precision}"
    assert device.zeros((3, 4)).dtype == device.empty(2).dtype == real
    assert device.zeros(2, np.int64).dtype == np.int64
    assert device.zeros((3, 4)).flags.c_contiguous
    assert not device.zeros(5).any()


def test_arrays_are_copied_in_and_seen_outside() -> None:
    device, values = Device(), np.arange(3.0)
    copied = device.array(values)
    copied[0] = 7.0
    assert values[0] == 0.0
    assert device.host(copied) is copied
    assert device.array([1, 2], np.int32).dtype == np.int32


def test_devices_are_equal_by_kind_and_precision() -> None:
    assert Device() == Device("cpu", "double") != Device("cpu", "single")
    assert len({Device(), Device("cpu", "double"), Device("cpu", "single")}) == 2
    assert repr(Rows(3, Device())) == "Rows(3, Device('cpu', 'double'))"


@pytest.mark.parametrize(
    ("kind", "precision", "message"), [("gpu", "double", "'gpu' is not one of"), ("cpu", "half", "'half'")]
)
def test_unknown_words_are_refused(kind: Any, precision: Any, message: str) -> None:
    with pytest.raises(SensoriumError, match=message):
        Device(kind, precision)


def test_a_missing_gpu_is_told_and_auto_does_without(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device_cuda, "gpu_problem", lambda: "there is no NVIDIA GPU")
    with pytest.raises(SensoriumError, match="device 'cuda' is not available: there is no NVIDIA GPU"):
        Device("cuda")
    assert Device.select("auto", "single") == Device("cpu", "single")
    assert Device.select("cpu") == Device("cpu")


def test_a_missing_cupy_is_told_with_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cupy", None)  # as if it were not installed
    problem = device_cuda.gpu_problem.__wrapped__()
    assert problem is not None
    assert "sensorium-engine[cuda]" in problem


def test_arrays_of_a_gpu_can_be_copied_by_numpy(monkeypatch: pytest.MonkeyPatch) -> None:
    """CuPy's arrays refuse numpy.asarray; ours copy. A stand-in of numpy plays CuPy."""

    class Array(np.ndarray):
        def get(self) -> Any:
            return np.array(self.view(np.ndarray))

    cupy: Any = ModuleType("cupy")
    cupy.ndarray = Array
    monkeypatch.setitem(sys.modules, "cupy", cupy)
    monkeypatch.setattr(device_cuda, "_array_class", device_cuda._array_class.__wrapped__)
    own = device_cuda.as_device_array(np.arange(3.0).view(Array))
    assert own.__array__().tolist() == [0.0, 1.0, 2.0]
    assert own.__array__(np.float32).dtype == np.float32
    with pytest.raises(ValueError, match="without a copy"):
        own.__array__(copy=False)


def test_the_simulator_needs_its_variable_before_numba() -> None:
    program = "from sensorium.engine.device import Device; import numba; Device('cudasim')"
    done = subprocess.run([sys.executable, "-c", program], check=False, capture_output=True, text=True)
    assert "SensoriumError: device 'cudasim' needs NUMBA_ENABLE_CUDASIM=1 in the environment" in done.stderr
