"""Regulation: the homeostatic state of a world, one resource for all systems that damp."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

__all__ = ["Regulation"]


@dataclass
class Regulation:
    """Homeostatic ratio and its baseline (paper, equations 5 and 6).

    Attributes
    ----------
    ratio
        Above 1 the world is hotter than it used to be and damps more; below 1 it damps less.
    baseline
        Moving average of the total energy; negative until the first step has set it.
    """

    ratio: float = 1.0
    baseline: float = -1.0

    def state(self) -> dict[str, Any]:
        """Both numbers."""
        return {"ratio": self.ratio, "baseline": self.baseline}

    def restore(self, state: Mapping[str, Any]) -> None:
        """Take over :meth:`state`."""
        self.ratio, self.baseline = float(state["ratio"]), float(state["baseline"])
