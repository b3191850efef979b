"""Sums, minima and maxima over rows, with the same bits whatever the threads, the device, and the number of launches.

>>> @device
... def kinetic(i, mass, velocity):
...     vx, vy, vz = velocity[i, 0], velocity[i, 1], velocity[i, 2]
...     return 0.5 * mass[i] * (vx * vx + vy * vy + vz * vz)
>>> kinetic_energy = Sum(kinetic)
>>> kinetic_energy(population, particle.mass, particle.velocity)

Row i belongs to lane i mod 4096; each lane adds its rows in order, and the lanes are folded in halves. Sums carry their
rounding errors along (two-sum: Knuth, The Art of Computer Programming 2, 4.2.2), so a sum in single precision is good
to the last bits without float64 arithmetic.
"""

from __future__ import annotations

import itertools
import linecache
from collections.abc import Mapping
from typing import Any

from sensorium.engine.device import Rows
from sensorium.engine.kernel import DeviceFunction, Kernel, KernelError, Launchable, device, kernel
from sensorium.engine.primitives import for_each, nonnegative

__all__ = ["LANES", "Maximum", "Minimum", "Sum", "sum_rows"]

LANES = 4096
WIDTH = 256  # lanes of one task on the CPU: contiguous rows, so that the inner loop vectorizes

LANE_TEXT = """
@device
def start(row, value, lost, {names}):
    value[row], lost[row] = term(row, {names}), 0.0

@device
def proceed(lane, base, value, lost, {names}):
    value[lane], lost[lane] = join(value[lane], lost[lane], term(nonnegative(base + lane), {names}), 0.0)

@kernel(tasks=True)
def {name}(task, value, lost, n, lanes, width, {names}):
    first = task * width
    last = min(first + width, lanes)
    for_each(start, first, last, (value, lost, {names}))
    for base in range(lanes, n, lanes):
        for_each(proceed, first, min(last, n - base), (base, value, lost, {names}))
"""
FOLD_TEXT = """
@device
def halve(lane, value, lost, half):
    other = nonnegative(lane + half)
    value[lane], lost[lane] = join(value[lane], lost[lane], value[other], lost[other])

@kernel(tasks=True)
def {name}(task, value, lost, half, lanes):
    while half > 0:
        for_each(halve, 0, min(half, lanes - half), (value, lost, half))
        lanes, half = half, half // 2
"""
HALVE_TEXT = """
@kernel
def {name}(lane, value, lost, half):
    other = nonnegative(lane + half)
    value[lane], lost[lane] = join(value[lane], lost[lane], value[other], lost[other])
"""

_numbers = itertools.count()


def _generated(text: str, what: str, namespace: Mapping[str, Any], *, names: str = "") -> Kernel:
    """The kernel of a source text; the text is kept where tracebacks, and the kernel itself, look for lines."""
    name = f"{what}_{namespace['join'].__name__.strip('_')}"
    text = text.format(name=name, names=names)
    file = f"<reduction {next(_numbers)}: {name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    scope: dict[str, Any] = {
        "__name__": __name__,
        "device": device,
        "kernel": kernel,
        "for_each": for_each,
        "nonnegative": nonnegative,
        **namespace,
    }
    exec(compile(text, file, "exec"), scope)
    made: Kernel = scope[name]
    return made


class _Reduction:
    """One rule applied to one term of every row.

    Parameters
    ----------
    term
        ``term(i, *columns)``: a ``@device`` function that returns the row's float.
    cost
        Estimated time of one row in ns; decides between one thread and all, never the result.
    """

    empty: float
    join: DeviceFunction
    fold: Kernel  # all halvings in one task: least launches, for the CPU
    halve: Kernel  # one halving, a row per lane: for a GPU

    def __init__(self, term: DeviceFunction, *, cost: float = 1.0) -> None:
        if not isinstance(term, DeviceFunction):
            raise KernelError(f"{type(self).__name__} takes a @device function of one row, not {term!r}")
        self.term, self.cost = term, cost
        names = ", ".join(f"column_{k}" for k in range(len(term.parameters) - 1))
        self._lanes = _generated(LANE_TEXT, term.__name__, {"term": term, "join": self.join}, names=names)
        self._scratch: dict[str, tuple[Any, Any]] = {}

    def __call__(self, rows: Launchable, *arguments: Any) -> float:
        """The reduction over the rows of a population, as a Python float.

        Parameters
        ----------
        rows
            A population, or ``Rows(n, device)``.
        *arguments
            What the term takes after the row index.
        """
        n = rows.n
        if n == 0:
            return self.empty
        on = rows.device
        try:
            value, lost = self._scratch[on.target]
        except KeyError:
            value, lost = self._scratch[on.target] = on.zeros(LANES), on.zeros(LANES)
        lanes = min(n, LANES)
        width = WIDTH if on.kind == "cpu" else 1
        tasks = Rows((lanes + width - 1) // width, on, work=n * self.cost)
        column = rows.storage.get
        self._lanes(tasks, value, lost, n, lanes, width, *[column(id(a), a) for a in arguments])
        half = (1 << (lanes - 1).bit_length()) >> 1
        if on.kind == "cpu":
            self.fold(Rows(1, on), value, lost, half, lanes)
        else:
            while half:
                self.halve(Rows(min(half, lanes - half), on), value, lost, half)
                lanes, half = half, half >> 1
        return float(value[0]) + float(lost[0])


def _rule(join: DeviceFunction) -> dict[str, Any]:
    """The kernels that fold lanes by one rule."""
    names = {"join": join}
    return {
        "join": join,
        "fold": _generated(FOLD_TEXT, "fold", names),
        "halve": _generated(HALVE_TEXT, "halve_once", names),
    }


@device
def _add(a, a_lost, b, b_lost):
    """a + b with the rounding error kept."""
    total = a + b
    back = total - a
    return total, (a_lost + b_lost) + ((a - (total - back)) + (b - back))


@device
def _least(a, a_lost, b, b_lost):
    """The lesser of two; a nan stays where it is first."""
    return (b if b < a else a), a_lost


@device
def _greatest(a, a_lost, b, b_lost):
    """The greater of two; a nan stays where it is first."""
    return (b if b > a else a), a_lost


class Sum(_Reduction):
    """Sum of a term over all rows; 0 over none."""

    empty = 0.0
    join, fold, halve = _rule(_add).values()


class Minimum(_Reduction):
    """Least value of a term over all rows; inf over none."""

    empty = float("inf")
    join, fold, halve = _rule(_least).values()


class Maximum(_Reduction):
    """Greatest value of a term over all rows; -inf over none."""

    empty = float("-inf")
    join, fold, halve = _rule(_greatest).values()


@device
def _value(i, column):
    return column[i]


sum_rows = Sum(_value)
"""``sum_rows(population, column)``: the sum of one scalar column."""
