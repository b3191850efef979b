"""Energy: what each store holds, what came in from outside, and how well the first law closes."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.io.plots.style import BLACK, COLOURS, STORE_COLOURS, label, thinned
from sensorium.io.run import Run

__all__ = ["booked", "residual", "stores"]

NOT_STORES = frozenset({"total", "residual"})


def _names(run: Run, prefix: str, depth: int) -> list[str]:
    return [n for n in run.series_names if n.startswith(prefix) and n.count("/") == depth]


def stores(axes: Any, run: Run) -> bool:
    """Every store and their sum, over time."""
    names = [n for n in _names(run, "energy/", 1) if n.partition("/")[2] not in NOT_STORES]
    shown = 0
    extra = iter(COLOURS)
    for name in names:
        series = run.series(name)
        values = series.values
        if not np.any(np.nan_to_num(values)):
            continue
        store = name.partition("/")[2]
        time, energy = thinned(series.time, values)
        axes.plot(time, energy, label=store, color=STORE_COLOURS.get(store) or next(extra))
        shown += 1
    if "energy/total" in run.series_names and shown:
        total = run.series("energy/total")
        time, energy = thinned(total.time, total.values)
        axes.plot(time, energy, label="total", color=BLACK, linewidth=1.0, linestyle=(0, (4, 2)))
    _finish(axes, run, "Energy stores", shown)
    return shown > 0


def booked(axes: Any, run: Run) -> bool:
    """Energy that came in (+) or went out (-) through each booked channel."""
    shown = 0
    for name, colour in zip(_names(run, "energy/booked/", 2), COLOURS * 3):
        series = run.series(name)
        if not np.any(np.nan_to_num(series.values)):
            continue
        time, energy = thinned(series.time, series.values)
        axes.plot(time, energy, label=name.rpartition("/")[2], color=colour)
        shown += 1
    _finish(axes, run, "Energy from outside, booked", shown)
    return shown > 0


def residual(axes: Any, run: Run) -> bool:
    """What the ledger cannot account for, relative to the largest energy held."""
    if "energy/residual" not in run.series_names:
        return False
    series = run.series("energy/residual")
    time, missing = thinned(series.time, np.abs(series.values))
    floor = np.finfo(float).eps / 8  # exact zeros lie on the lower edge of the picture
    axes.semilogy(time, np.maximum(missing, floor), color=BLACK, linewidth=0.8)
    axes.axhline(1e-10, color=COLOURS[1], linewidth=0.9, linestyle="--")
    axes.text(0.99, 1e-10, " must stay below", transform=axes.get_yaxis_transform(), ha="right", va="bottom",
              fontsize=7, color=COLOURS[1])  # fmt: skip
    axes.set_ylim(floor, max(1e-8, 10 * float(np.nanmax(missing, initial=0.0))))
    axes.set_xlabel(label(run, "time", "time"))
    axes.set_ylabel("|residual| / largest energy")
    axes.set_title("First law: what is left over")
    return True


def _finish(axes: Any, run: Run, title: str, shown: int) -> None:
    lines = [np.asarray(line.get_ydata(), float) for line in axes.get_lines()]
    largest = max((float(np.nanmax(np.abs(y))) for y in lines if len(y)), default=0.0)
    smallest = min((float(np.nanmax(np.abs(y))) for y in lines if len(y)), default=0.0)
    if 0 < 300 * smallest < largest:  # stores of very different size: a logarithm shows them all
        negative = any(np.nanmin(y) < 0 for y in lines)
        bottom = max(smallest * 1e-2, largest * 1e-8)
        if negative:
            axes.set_yscale("symlog", linthresh=max(smallest, largest * 1e-4))
        else:
            axes.set_yscale("log")
            axes.set_ylim(bottom, 3 * largest)
    axes.set_xlabel(label(run, "time", "time"))
    axes.set_ylabel(label(run, "energy", "energy"))
    axes.set_title(title)
    if shown:
        axes.legend(loc="best", ncols=2 if shown > 4 else 1)
