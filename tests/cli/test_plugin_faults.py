"""Plugins that fail while they run: the message names their file and line, whatever part of the engine noticed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

HEAD = '''\
from sensorium import System
from sensorium.components import Particle


class Bad(System):
    """Fails."""
    phase = "end"

    def step(self, dt):
'''


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("raise ValueError('boom')", "ValueError: boom"),
        ("raise SystemExit(7)", "SystemExit: 7"),
        ("self.world.commands.despawn(self.world.population('gas'), [10**9])", "has no entity"),
        ("self.world.events.emit('x', a=[1, 2], b=[1, 2, 3])", "values have different lengths: [2, 3]"),
    ],
)
def test_the_line_is_named(senso: Any, line: str, said: str) -> None:
    Path("bad.py").write_text(f"{HEAD}        {line}\n")
    answer = senso("run", "tiny.yaml", "--plugin", "bad.py", "--set", "systems=[motion, bad]")
    assert answer.code == 1
    assert answer.err.startswith("error: plugin bad.py:10: ")
    assert said in answer.err


@pytest.mark.parametrize("name", ["", "a//b", "energy/value", "../x"])
def test_names_of_series_stay_inside_their_group(senso: Any, name: str) -> None:
    observe = f"    def observe(self):\n        return {{{name!r}: 1.0}}\n"
    Path("bad.py").write_text(f"{HEAD}        pass\n\n{observe}")
    answer = senso("run", "tiny.yaml", "--plugin", "bad.py", "--set", "systems=[motion, bad]")
    assert (answer.code, answer.err) == (5, f"error: a series cannot be named '{name}'\n")
