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
from sensorium.engine.kernel import PARALLEL_FROM, DeviceFunction, Kernel, KernelError, Launchable, device, kernel
from sensorium.engine.kernel_threads import threads
from sensorium.engine.primitives import for_each, nonnegative

__all__ = ["LANES", "Maximum", "Minimum", "Sum", "sum_rows"]

LANES = 4096
WIDTH = 512  # lanes of one task on the CPU, where contiguous rows vectorize
STRIDE = 64  # threads that fold on a GPU

# Bodies of kernels that are made for each term and each rule: they call `term`, and `join` of two lanes.
LANE_TEXT = """
@device
def start(row, value, lost, {names}):
    value[row], lost[row] = term(row, {names}), 0.0

@device
def proceed(lane, base, value, lost, {names}):
    value[lane], lost[lane] = join(value[lane], lost[lane], term(nonnegative(base + lane), {names}), 0.0)

@kernel(tasks=True, signature=signature)
def {name}(task, value, lost, n, lanes, width, {names}):
    first = task * width
    last = min(first + width, lanes)
    for_each(start, first, last, (value, lost, {names}))
    for base in range(lanes, n, lanes):
        for_each(proceed, first, min(last, n - base), (base, value, lost, {names}))
    if width >= lanes:
        fold(value, lost, lanes)
"""
FOLD_TEXT = """
@device
def halve(lane, value, lost, half):
    other = nonnegative(lane + half)
    value[lane], lost[lane] = join(value[lane], lost[lane], value[other], lost[other])

@device
def fold(value, lost, lanes):
    half = LANES // 2
    while half > 0:
        if half < lanes:
            for_each(halve, 0, lanes - half, (value, lost, half))
            lanes = half
        half = half // 2

@kernel(tasks=True, signature="real[:], real[:], int")
def {name}(task, value, lost, lanes):
    fold(value, lost, lanes)

@kernel(tasks=True, signature="real[:], real[:], int, int, int")
def {name}_strided(task, value, lost, lanes, half, least):
    while half >= least:
        for lane in range(task, lanes - half, least):
            halve(lane, value, lost, half)
        lanes, half = min(lanes, half), half // 2
"""

_numbers = itertools.count()


def _generated(text: str, name: str, names: str = "", **scope: Any) -> Mapping[str, Any]:
    """What a source text defines; the text stays where tracebacks, and kernels themselves, look for source lines."""
    text = text.format(name=name, names=names)
    file = f"<reduction {next(_numbers)}: {name}>"
    linecache.cache[file] = (len(text), None, text.splitlines(keepends=True), file)
    own = {"device": device, "kernel": kernel, "for_each": for_each, "nonnegative": nonnegative, "LANES": LANES}
    scope |= own | {"__name__": __name__}
    exec(compile(text, file, "exec"), scope)
    return scope


class _Rule:
    """How two lanes join, how all of them fold, and what no lanes at all give."""

    def __init__(self, join: DeviceFunction, empty: float) -> None:
        name = f"fold{join.__name__}"
        made = _generated(FOLD_TEXT, name, join=join)
        self.join, self.empty = join, empty
        self.fold: DeviceFunction = made["fold"]
        self.folding: Kernel = made[name]
        self.folding_strided: Kernel = made[f"{name}_strided"]


class _Reduction:
    """One rule applied to one term of every row.

    Parameters
    ----------
    term
        ``term(i, *columns)``: a ``@device`` function that returns the row's float.
    cost
        Estimated time of one row in ns; decides between one thread and all, never the result.
    signature
        Types of the columns, for the static gate, as in :func:`~sensorium.engine.kernel.kernel`.
    """

    rule: _Rule

    def __init__(self, term: DeviceFunction, *, cost: float = 1.0, signature: str | None = None) -> None:
        if not isinstance(term, DeviceFunction):
            raise KernelError(f"{type(self).__name__} takes a @device function of one row, not {term!r}")
        self.term, self.cost = term, cost
        names = ", ".join(f"column_{k}" for k in range(len(term.parameters) - 1))
        name = f"{type(self).__name__.lower()}_of_{term.__name__}"
        types = signature and f"real[:], real[:], int, int, int, {signature}"
        functions = {"term": term, "join": self.rule.join, "fold": self.rule.fold}
        made = _generated(LANE_TEXT, name, names, signature=types, **functions)
        self._lanes: Kernel = made[name]
        self._scratch: dict[str, tuple[Any, Any]] = {}

    def __call__(self, rows: Launchable, *arguments: Any) -> float:
        """The reduction over the rows of a population, as a Python float.

        Parameters
        ----------
        rows
            A population, or ``Rows(n, device)``.
        *arguments
            What the term takes after the row index.

        Raises
        ------
        KernelError
            If the number of arguments is wrong, or the term cannot be compiled for their types.
        """
        if len(arguments) != len(self.term.parameters) - 1:
            wanted = ", ".join(("rows", *self.term.parameters[1:]))
            raise KernelError(f"{type(self).__name__} of {self.term.title} is taken over ({wanted})")
        n = rows.n
        if n == 0:
            return self.rule.empty
        on = rows.device
        try:
            value, lost = self._scratch[on.target]
        except KeyError:
            value, lost = self._scratch[on.target] = on.zeros(LANES), on.zeros(LANES)
        lanes = min(n, LANES)
        if on.kind != "cpu":
            width = 1
        elif n * self.cost < PARALLEL_FROM or threads() == 1:
            width = LANES  # a single task, which folds as well
        else:
            width = WIDTH
        column = rows.storage.get
        tasks = Rows((lanes + width - 1) // width, on)
        self._lanes(tasks, value, lost, n, lanes, width, *[column(id(a), a) for a in arguments])
        if width == WIDTH:
            self.rule.folding(Rows(1, on), value, lost, lanes)
        elif width == 1:
            self.rule.folding_strided(Rows(STRIDE, on), value, lost, lanes, LANES // 2, STRIDE)
            self.rule.folding_strided(Rows(1, on), value, lost, min(lanes, STRIDE), STRIDE // 2, 1)
        return float(value[0]) + float(lost[0])


@device
def _add(a, a_lost, b, b_lost):
    """a + b with the rounding error kept."""
    total = a + b
    back = total - a
    return total, (a_lost + b_lost) + ((a - (total - back)) + (b - back))


@device
def _least(a, a_lost, b, b_lost):
    """The lesser of two."""
    return (b if b < a else a), a_lost


@device
def _greatest(a, a_lost, b, b_lost):
    """The greater of two."""
    return (b if b > a else a), a_lost


class Sum(_Reduction):
    """Sum of a term over all rows; 0 over none."""

    rule = _Rule(_add, 0.0)


class Minimum(_Reduction):
    """Least value of a term over all rows, which must not be nan; inf over none."""

    rule = _Rule(_least, float("inf"))


class Maximum(_Reduction):
    """Greatest value of a term over all rows, which must not be nan; -inf over none."""

    rule = _Rule(_greatest, float("-inf"))


@device
def _value(i, column):
    return column[i]


sum_rows = Sum(_value, signature="real[:]")
"""``sum_rows(population, column)``: the sum of one scalar column."""
