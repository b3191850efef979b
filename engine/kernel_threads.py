"""Threads of the CPU target: TBB where it is installed, otherwise OpenMP with sleeping workers.

A launch costs 2-3 us on TBB and stays there when another process is busy; sleeping OpenMP workers cost 50-70 us, and
spinning ones collapse under load. numba finds TBB only if its library is already loaded, so it is loaded here, before
numba's first parallel launch.
"""

from __future__ import annotations

import ctypes
import os
import sys
from pathlib import Path

__all__ = ["load_threads", "set_threads", "threads"]

_layer: str | None = None
_count = 0  # as numba has it; 0 before anybody asked


def load_threads() -> str:
    """Choose the threading layer and tell numba: ``"tbb"``, or ``"omp"`` where TBB does not load. Idempotent."""
    global _layer
    if _layer is None:
        _layer = "tbb" if _preload_tbb() else "omp"
        if _layer == "omp":
            os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")  # read by the OpenMP library when it loads
        from numba import config

        if config.THREADING_LAYER == "default":  # a choice of the user's stays
            # numba takes nothing but a permutation of the three
            config.THREADING_LAYER_PRIORITY = sorted(("omp", "workqueue", "tbb"), key=lambda name: name != _layer)
    return _layer


def set_threads(count: int) -> None:
    """Use `count` threads for parallel launches from here on: at least 1, at most the cores that numba saw."""
    global _count
    load_threads()
    import numba

    numba.set_num_threads(max(1, min(count, numba.config.NUMBA_NUM_THREADS)))
    _count = numba.get_num_threads()


def threads() -> int:
    """Threads that a parallel launch uses."""
    global _count
    if not _count:
        load_threads()
        import numba

        _count = numba.get_num_threads()
    return _count  # asked at every launch, and numba takes 2 us to say


def _preload_tbb() -> bool:
    """Load the wheel's library by its path (it is on no search path), or the system's; true if that worked."""
    here = Path(sys.prefix) / "lib"
    for candidate in (*sorted(here.glob("libtbb.so.12*")), *sorted(here.glob("libtbb.12*.dylib")), "libtbb.so.12"):
        try:
            ctypes.CDLL(str(candidate), mode=ctypes.RTLD_GLOBAL)
        except OSError:
            continue
        return True
    return False
