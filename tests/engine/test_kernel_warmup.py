"""Warm-up: what ran on one thread is compiled for several, and the other way round."""

from __future__ import annotations

import numpy as np

from sensorium.engine.device import Device, Rows
from sensorium.engine.kernel import kernel
from sensorium.engine.kernel_warmup import warmup


@kernel
def launched(i, values):
    values[i] += 1.0


@kernel
def never_launched(i, values):
    values[i] += 2.0


def test_both_twins_are_compiled_for_what_was_launched() -> None:
    values = np.zeros(10)
    launched(Rows(10, Device("cpu", "double")), values)
    seconds = warmup([launched, never_launched])
    assert list(seconds) == ["launched"]
    assert seconds["launched"] > 0
    twins = launched.cpu("double")
    assert twins.serial.signatures == twins.parallel_twin.signatures
    assert len(twins.serial.signatures) == 1
    assert values.tolist() == [1.0] * 10  # compiled, not run
