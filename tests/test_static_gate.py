"""Every kernel of the package compiles for a GPU, without one: see ``sensorium.engine.ptx``."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sensorium.engine.ptx import missing_toolchain

pytestmark = [
    pytest.mark.ptx,
    pytest.mark.skipif(missing_toolchain() is not None, reason=f"no CUDA toolchain: {missing_toolchain()}"),
]

# a process of its own: the kernels of other tests, broken on purpose among them, are not part of the package
SINGLE = """
from sensorium.engine.kernel import KERNELS
from sensorium.engine.ptx import examine, never_launched
from sensorium.scenarios.trial import trial

trial("single")
found = [(r.kernel.title, r.problems) for r in examine(KERNELS, ("single",), ((9, 0),))]
print(len(found), "compiled")
assert len(found) > 100
assert not [line for line in found if line[1]], [line for line in found if line[1]]
assert not never_launched(KERNELS), never_launched(KERNELS)
"""


def run(*command: str, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *command], env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )


def test_single_precision_passes_for_sm_90() -> None:
    """No float64, no spills, no stack, registers in budget."""
    done = run("-c", SINGLE)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.slow
def test_both_precisions_pass_for_both_capabilities(tmp_path: Path) -> None:
    """What `make ptx` runs."""
    done = run("-m", "sensorium.engine.ptx", PTX_DIR=str(tmp_path))
    assert done.returncode == 0, done.stdout[-3000:]
    assert list(tmp_path.glob("*single*.ptx"))
