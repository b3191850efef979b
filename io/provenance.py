"""Provenance: what a trajectory says of where it comes from. Nothing here changes between two identical runs."""

from __future__ import annotations

import json
import os
import platform
import subprocess
import sys
from collections.abc import Mapping
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from sensorium.engine.world import World

__all__ = ["commit_of", "parameters"]

PACKAGES = ("sensorium-engine", "numpy", "numba", "scipy", "h5py", "esper", "ducc0", "tbb")


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "absent"


@cache
def commit_of(folder: Path) -> str:
    """The git commit of the sources, with ``-dirty`` where they differ from it; empty for an installed package."""
    try:
        answer = subprocess.run(
            ["git", "-C", str(folder), "describe", "--always", "--dirty", "--abbrev=40", "--exclude=*"],
            capture_output=True, text=True, timeout=5, check=True,
        )  # fmt: skip
    except (OSError, subprocess.SubprocessError):
        return ""
    return answer.stdout.strip()


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor()
    return next((line.partition(":")[2].strip() for line in lines if line.startswith("model name")), platform.machine())


def parameters(world: World, given: Mapping[str, str]) -> dict[str, str]:
    """The texts of ``/parameters``: what the loader gives (scenario, resolved) and what the machine tells."""
    versions = {package: _version(package) for package in PACKAGES}
    versions |= {"python": platform.python_version(), "hdf5": h5py.version.hdf5_version, "numpy": np.__version__}
    hardware: dict[str, Any] = {
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.release()}",
        "device": world.device.kind,
        "precision": world.precision,
    }
    told = {
        "scenario": "",
        "resolved": "{}",
        "seed": str(world.seed),
        "versions": json.dumps(versions, sort_keys=True),
        "hardware": json.dumps(hardware, sort_keys=True),
        "git": commit_of(Path(__file__).resolve().parent.parent),
        "argv": json.dumps(sys.argv),
    }
    return {**told, **given}
