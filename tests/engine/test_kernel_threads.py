"""The threading layer where TBB is not installed."""

from __future__ import annotations

import subprocess
import sys

CODE = """
import numba
import numpy as np
from sensorium.engine import kernel_threads

kernel_threads._preload_tbb = lambda: False
assert kernel_threads.load_threads() == "omp"

@numba.njit(parallel=True)
def ones(a):
    for i in numba.prange(len(a)):
        a[i] = 1

a = np.zeros(100)
ones(a)
assert a.sum() == 100
print(kernel_threads.threads() >= 1)
"""


def test_without_tbb() -> None:
    """In a process of its own: the layer is chosen once."""
    done = subprocess.run([sys.executable, "-c", CODE], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "True"
