"""Compile ahead of time: both twins of every kernel, for all argument types that this process has launched."""

from __future__ import annotations

import time
from collections.abc import Iterable

from sensorium.engine.kernel import KERNELS, Kernel

__all__ = ["warmup"]


def warmup(kernels: Iterable[Kernel] | None = None) -> dict[str, float]:
    """Compile for the CPU what later launches with the same types of arguments may need, into the cache.

    A short run of a scenario launches its kernels, mostly on one thread; a long one, or a growing population, needs
    their parallel twins too. What is in the cache already is loaded, which takes milliseconds.

    Parameters
    ----------
    kernels
        Which; every kernel of the process unless given. Those that were never launched are passed over.

    Returns
    -------
    dict
        Seconds for each kernel, by its name.
    """
    seconds: dict[str, float] = {}
    for kernel in KERNELS if kernels is None else kernels:
        for twins in kernel.launched():
            start = time.perf_counter()
            twins.warm_up()
            seconds[kernel.__name__] = seconds.get(kernel.__name__, 0.0) + time.perf_counter() - start
    return seconds
