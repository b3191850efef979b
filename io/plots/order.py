"""Order: coherence, homeostasis, temperature, and the phases behind them."""

from __future__ import annotations

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
    """Phase against frequency in the last frame; colour tells the energy. Locked oscillators lie on a curve."""
    oscillators = oscillators_of(run)
    if oscillators is None or not len(oscillators["phase"][-1]):
        return False
    phase, frequency, energy = (oscillators[name][-1] for name in ("phase", "frequency", "energy"))
    stride = max(1, len(phase) // MOST_POINTS)
    size = float(np.clip(4000 / (len(phase) // stride), 0.5, 12))
    points = axes.scatter(
        frequency[::stride], np.mod(phase[::stride], 2 * np.pi), c=energy[::stride], s=size, cmap=MAP, linewidths=0,
        rasterized=True,
    )  # fmt: skip
    axes.set_ylim(0, 2 * np.pi)
    axes.set_yticks([0, np.pi, 2 * np.pi], ["0", "π", "2π"])
    axes.set_xlabel(label(run, "frequency", "rad/time"))
    axes.set_ylabel("phase (rad)")
    axes.set_title(f"Phases at t = {run.times[-1]:.4g}")
    axes.figure.colorbar(points, ax=axes, label=label(run, "energy", "energy"), pad=0.02)
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
