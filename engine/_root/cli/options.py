"""Options that several commands share, and the environment that must be set before numba is imported."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from typing import Any, TypeVar

import click

__all__ = ["environment", "json_option", "plugin_option", "scenario_argument", "set_option"]

F = TypeVar("F", bound=Callable[..., Any])

scenario_argument = click.argument("scenario", metavar="SCENARIO")
run_argument = click.argument("run", metavar="RUN")
json_option = click.option("--json", "as_json", is_flag=True, help="Print one JSON document instead of text.")
set_option = click.option(
    "--set", "assignments", metavar="PATH=VALUE", multiple=True,
    help="Change a value of the scenario: --set systems.gravity.G=2 --set populations.gas.count=1000.",
)  # fmt: skip
plugin_option = click.option(
    "--plugin", "plugins", metavar="FILE", multiple=True, help="A Python file with systems and components of your own."
)
device_option = click.option(
    "--device", type=click.Choice(["auto", "cpu", "cuda", "cudasim"]), default="auto", show_default=True,
    help="Where to compute; cudasim is numba's CUDA simulator, for tests.",
)  # fmt: skip
threads_option = click.option("--threads", type=click.IntRange(1, 4096), help="CPU threads; default all cores.")
debug_option = click.option("--debug", is_flag=True, help="Enforce declared access; show tracebacks.")
quiet_option = click.option("-q", "--quiet", is_flag=True, help="Print nothing but errors.")


def environment(device: str, threads: int | None) -> None:
    """Settings that numba reads once, when it is imported."""
    fresh = "numba" not in sys.modules
    if device == "cudasim" and fresh:
        os.environ["NUMBA_ENABLE_CUDASIM"] = "1"
    if threads is None:
        return
    if fresh:
        os.environ["NUMBA_NUM_THREADS"] = str(threads)
    else:
        from sensorium.engine.kernel_threads import set_threads

        set_threads(threads)
