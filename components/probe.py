"""Probe: what an observer brings into the world to ask it something (paper, Definition 6)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from sensorium.engine.component import Component, Field

__all__ = ["DARK", "FULL_WRITE", "NO_WRITE", "POLICIES", "Probe"]

NO_WRITE, DARK, FULL_WRITE = 0, 1, 2
POLICIES = ("no_write", "dark", "full_write")


class Probe(Component):
    """Marks oscillators that drive carriers and are pulled by them, but are not to be remembered.

    ``dark`` probes count in the conflict of carriers, so they may bring about a split, but they are never anchors,
    never seed a split, and no carrier is born for them. ``no_write`` probes do not count in conflict either.
    ``full_write`` probes are treated like any oscillator.
    """

    hidden = True
    labels: ClassVar[Mapping[str, Sequence[str]]] = {"policy": POLICIES}

    policy = Field("u1", default=DARK, doc="0 no_write, 1 dark, 2 full_write")
