"""The ``sweep`` section: values for paths, and the runs that they make together."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from pydantic import Field as Bound

from sensorium.scenarios.explain import check
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.schema import Section
from sensorium.scenarios.tree import Entry, Node, Path, plain

__all__ = ["MAX_MEMBERS", "read_sweep"]

MAX_MEMBERS = 100_000
LARGEST = 2**62


class _Range(Section):
    start: int = Bound(default=0, ge=-LARGEST, le=LARGEST)
    stop: int = Bound(ge=-LARGEST, le=LARGEST)
    step: int = Bound(default=1, ge=-LARGEST, le=LARGEST)


class _Spaced(Section):
    low: float
    high: float
    count: int = Bound(ge=1, le=MAX_MEMBERS)


SPACINGS = ("range", "linspace", "logspace")


def read_sweep(node: Node, problems: Problems) -> list[dict[str, Any]]:
    """Every member of the sweep, as overrides: the product of the values of all paths, the last one fastest.

    Values are a list, ``{range: stop}``, ``{range: [start, stop, step]}``, ``{linspace: [low, high, count]}`` or
    ``{logspace: [low, high, count]}`` (both ends included).
    """
    axes: dict[str, list[Any]] = {}
    for path, (mark, given) in node.entries.items():
        where: Path = ("sweep", path)
        found = _values(given, where, problems)
        if found is not None and not found:
            problems.add(mark, where, "has no values")
        axes[path] = found or []
    members = 1
    for values in axes.values():
        members *= len(values)
    if members > MAX_MEMBERS:
        problems.add(node.mark, ("sweep",), f"has {members} members; the limit is {MAX_MEMBERS}")
        return []
    return [dict(zip(axes, chosen, strict=True)) for chosen in itertools.product(*axes.values())] if axes else []


def _values(node: Node, path: Path, problems: Problems) -> list[Any] | None:
    if isinstance(node.value, list):
        return [plain(item) for item in node.items]
    form = next(iter(node.entries), "")
    if len(node.entries) != 1 or form not in SPACINGS:
        problems.add(node.mark, path, f"must be a list of values, or one of {', '.join(SPACINGS)}")
        return None
    given, path = node.entries[form].node, (*path, form)
    if form == "range":
        return _range(given, path, problems)
    spaced = check(_Spaced, _by_name(given, ("low", "high", "count")), path, problems)
    if spaced is None:
        return None
    if form == "linspace":
        return [float(x) for x in np.linspace(spaced.low, spaced.high, spaced.count)]
    if spaced.low <= 0 or spaced.high <= 0:
        problems.add(given.mark, path, "low and high must be > 0")
        return None
    return [float(x) for x in np.geomspace(spaced.low, spaced.high, spaced.count)]


def _range(given: Node, path: Path, problems: Problems) -> list[Any] | None:
    if not isinstance(given.value, list | dict):
        given = Node([given], given.mark)
    order = ("stop",) if len(given.items) == 1 else ("start", "stop", "step")
    chosen = check(_Range, _by_name(given, order), path, problems)
    if chosen is None:
        return None
    if chosen.step == 0:
        problems.add(given.mark, path, "step must not be 0")
        return None
    whole = range(chosen.start, chosen.stop, chosen.step)
    if len(whole) > MAX_MEMBERS:
        problems.add(given.mark, path, f"has {len(whole)} values; the limit is {MAX_MEMBERS}")
        return None
    return list(whole)


def _by_name(node: Node, order: tuple[str, ...]) -> Node:
    """A list as a mapping with the names of `order`."""
    if not isinstance(node.value, list):
        return node
    return Node({key: Entry(item.mark, item) for key, item in zip(order, node.items)}, node.mark)
