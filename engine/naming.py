"""Names as users meet them: kebab-case of a class, and the nearest valid name for a message."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

__all__ = ["did_you_mean", "kebab"]


def kebab(name: str) -> str:
    """``UniformField`` -> ``uniform-field``; runs of capitals stay together (``XYModel`` -> ``xy-model``)."""
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "-", name).lower()


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """``"; did you mean 'gravity'?"`` for the nearest known name, or the empty string."""
    near = difflib.get_close_matches(name, list(known), 1, 0.55)
    return f"; did you mean '{near[0]}'?" if near else ""
