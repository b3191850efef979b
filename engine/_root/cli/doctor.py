"""``senso doctor``: what is installed, what works, and what does not."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Callable
from importlib.metadata import PackageNotFoundError, version

import click

from sensorium.cli.options import json_option

__all__ = ["command"]

PACKAGES = (
    "sensorium-engine", "numba", "llvmlite", "tbb", "numpy", "scipy", "ducc0", "esper", "pydantic", "pyyaml", "h5py",
    "click", "rich", "matplotlib", "numba-cuda", "cupy-cuda13x",
)  # fmt: skip
OPTIONAL = frozenset({"tbb", "numba-cuda", "cupy-cuda13x"})


@click.command("doctor")
@json_option
def command(as_json: bool) -> int:
    """Say what is installed and what works (exit code 1 when a part fails)."""
    findings = [_versions(), *(_tried(name, check) for name, check in CHECKS)]
    if as_json:
        click.echo(json.dumps([{"check": n, "ok": ok, "found": found} for n, ok, found in findings], indent=1))
    else:
        width = max(len(name) for name, _, _ in findings)
        for name, ok, found in findings:
            label = click.style("ok  ", fg="green") if ok else click.style("FAIL", fg="red", bold=True)
            first, *rest = found.splitlines() or [""]
            click.echo(f"{label}  {name:<{width}}  {first}")
            for line in rest:
                click.echo(" " * (width + 8) + line)
    return 0 if all(ok for _, ok, _ in findings) else 1


Finding = tuple[str, bool, str]


def _tried(name: str, check: Callable[[], tuple[bool, str]]) -> Finding:
    try:
        return name, *check()
    except Exception as error:
        return name, False, f"{type(error).__name__}: {error}"


def _versions() -> Finding:
    lines = [f"Python {platform.python_version()} on {platform.platform()}"]
    missing = []
    for package in PACKAGES:
        try:
            lines.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            lines.append(f"{package}: not installed" + (" (optional)" if package in OPTIONAL else ""))
            missing += [] if package in OPTIONAL else [package]
    return "versions", not missing, "\n".join(lines)


def _cores() -> tuple[bool, str]:
    usable = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return True, f"{usable} usable of {os.cpu_count()}"


def _threads() -> tuple[bool, str]:
    from sensorium.engine.kernel_threads import load_threads, threads

    layer = load_threads()
    said = f"{layer}, {threads()} threads"
    return True, said if layer == "tbb" else f"{said}; TBB is faster when other processes are busy (pip install tbb)"


def _kernels() -> tuple[bool, str]:
    from sensorium.engine.kernel_cache import cache_directory

    folder = cache_directory()
    if folder is None:
        return False, "no folder is writable: kernels compile anew in every process (set SENSORIUM_CACHE)"
    return True, f"compiled kernels are kept in {folder}"


def _graphics() -> tuple[bool, str]:
    from sensorium.engine.device_cuda import gpu_problem

    problem = gpu_problem()
    return True, "usable" if problem is None else f"none: {problem}; runs use the CPU"


def _plugins() -> tuple[bool, str]:
    from sensorium.engine.plugins import GROUPS, entry_points_of
    from sensorium.scenarios.scenario import registry_of

    registry = registry_of()
    lines = [f"{len(registry.systems)} systems, {len(registry.components)} components"]
    for group in GROUPS:
        for entry in entry_points_of(group):
            lines.append(f"{entry.name} = {entry.value} ({group})")
    lines += [f"not loaded: {sentence}" for sentence in registry.broken]
    return not registry.broken, "\n".join(lines)


def _folder() -> tuple[bool, str]:
    here = os.getcwd()
    return os.access(here, os.W_OK), f"{here} is {'' if os.access(here, os.W_OK) else 'not '}writable"


def _shadowing() -> tuple[bool, str]:
    import io

    ok = hasattr(io, "BytesIO")
    return (
        ok,
        "the standard library is not shadowed" if ok else f"module io is {io.__file__}: it shadows Python's",
    )


CHECKS: tuple[tuple[str, Callable[[], tuple[bool, str]]], ...] = (
    ("cores", _cores), ("threading", _threads), ("kernel cache", _kernels), ("GPU", _graphics), ("plugins", _plugins),
    ("current folder", _folder), ("modules", _shadowing),
)  # fmt: skip
