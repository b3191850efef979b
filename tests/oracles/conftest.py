"""Small worlds that several oracles share are modules beside them."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from sensorium.engine.kernel_threads import set_threads, threads

sys.path.insert(0, str(Path(__file__).parent))


@pytest.fixture(autouse=True)
def threads_as_before() -> Iterator[None]:
    """Tests that compare thread counts leave the number as they found it."""
    before = threads()
    yield
    set_threads(before)
