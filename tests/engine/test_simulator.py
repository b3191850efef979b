"""The CPU and the CUDA simulator give the same bits: elementary functions, random numbers, arithmetic, reductions."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np

from sensorium.engine.primitives import fma


def test_the_simulator_gives_the_bits_of_the_cpu() -> None:
    environment = {**os.environ, "NUMBA_ENABLE_CUDASIM": "1"}
    command = [sys.executable, str(Path(__file__).with_name("simulated.py"))]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False, timeout=300)
    assert done.returncode == 0, done.stderr
    same = json.loads(done.stdout)
    assert [name for name, equal in same.items() if not equal] == []
    assert len(same) == 2 * (6 + 9)


def test_fma_rounds_once() -> None:
    """(1 + e)(1 - e) - 1 is -e^2, which a product that is rounded first loses."""
    for real in (np.float64, np.float32):
        e = real(np.finfo(real).eps)
        assert fma(real(1) + e, real(1) - e, real(-1)) == -e * e
        assert (real(1) + e) * (real(1) - e) - real(1) != -e * e
