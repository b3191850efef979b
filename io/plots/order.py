"""Order: coherence, homeostasis, temperature, and the phases behind them."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from sensorium.io.plots.style import BLUE, COLOURS, MAP, RED, label, thinned, widened
from sensorium.io.run import PopulationRun, Run

__all__ = ["coherence", "oscillators_of", "phases", "temperature"]

MOST_POINTS = 20_000


def oscillators_of(run: Run) -> PopulationRun | None:
    """The largest population of oscillators."""
    found = [p for p in run.populations.values() if "phase" in p and "energy" in p and len(p)]
    return max(found, key=lambda p: p["phase"].shape[1], default=None)


def coherence(axes: Any, run: Run) -> bool:
    """Order parameter, and the homeostatic ratio where there is one."""
    shown = False
    if "order/r" in run.series_names:
        series = run.series("order/r")
        time, values = thinned(series.time, series.values)
        axes.plot(time, values, color=BLUE, label="order parameter $r$")
        axes.set_ylim(0, 1.02)
        axes.set_ylabel("order parameter $r$", color=BLUE)
        shown = True
    if "homeostasis/ratio" in run.series_names:
        series = run.series("homeostasis/ratio")
        time, values = thinned(series.time, series.values)
        other = axes.twinx() if shown else axes
        other.plot(time, values, color=RED, linestyle="--", label="homeostatic ratio")
        other.set_ylabel("homeostatic ratio", color=RED)
        widened(other, values)
        if shown:
            other.grid(visible=False)
            other.spines["right"].set_visible(True)
        shown = True
    axes.set_xlabel(label(run, "time", "time"))
    axes.set_title("Order and homeostasis")
    return shown


def phases(axes: Any, run: Run) -> bool:
    """Phase against frequency in the last frame: locked oscillators lie on a curve.

    Colour tells the population, or the energy where there is one population alone and energies differ.
    """
    found = [p for p in run.populations.values() if "phase" in p and "energy" in p and len(p) and len(p["phase"][-1])]
    if not found:
        return False
    stride = max(1, sum(len(p["phase"][-1]) for p in found) // MOST_POINTS)
    size = float(np.clip(4000 * stride / sum(len(p["phase"][-1]) for p in found), 0.5, 12))
    dots: Any = {"s": size, "linewidths": 0, "rasterized": True}
    for population, colour in zip(found, itertools.cycle(COLOURS)):
        phase, frequency, energy = (population[name][-1][::stride] for name in ("phase", "frequency", "energy"))
        if len(found) == 1 and np.ptp(energy) > 0:
            points = axes.scatter(frequency, np.mod(phase, 2 * np.pi), c=energy, cmap=MAP, **dots)
            axes.figure.colorbar(points, ax=axes, label=label(run, "energy", "energy"), pad=0.02)
        else:
            axes.scatter(frequency, np.mod(phase, 2 * np.pi), color=colour, label=population.name, **dots)
    if len(found) > 1:
        axes.legend(loc="best", markerscale=max(1.0, 4 / np.sqrt(size)))
    axes.set_ylim(0, 2 * np.pi)
    axes.set_yticks([0, np.pi, 2 * np.pi], ["0", "π", "2π"])
    axes.set_xlabel(label(run, "frequency", "rad/time"))
    axes.set_ylabel("phase (rad)")
    axes.set_title(f"Phases at t = {run.times[-1]:.4g}")
    return True


def temperature(axes: Any, run: Run) -> bool:
    """Mean temperature over time."""
    names = [name for name in run.series_names if name.startswith("temperature/")]
    for name, colour in zip(names, COLOURS):
        series = run.series(name)
        time, values = thinned(series.time, series.values)
        axes.plot(time, values, color=colour, label=name.partition("/")[2])
    axes.set_xlabel(label(run, "time", "time"))
    axes.set_ylabel(label(run, "temperature", "temperature"))
    axes.set_title("Temperature")
    if len(names) > 1:
        axes.legend(loc="best")
    return bool(names)
