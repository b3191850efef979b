"""The toy run is a module beside the tests; killed runs import it by path in another process."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

HERE = str(Path(__file__).parent)
sys.path.insert(0, HERE)
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, (HERE, os.environ.get("PYTHONPATH"))))


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch: pytest.MonkeyPatch) -> None:
    """A test cannot see whether a disk kept its word; waiting for it hundreds of times takes minutes."""
    monkeypatch.setattr(os, "fsync", lambda handle: None)
