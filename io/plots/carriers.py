"""Carriers: how many live in which state, and what they listen to."""

from __future__ import annotations

from typing import Any

import numpy as np

from sensorium.io.plots.style import BLUE, STATE_COLOURS, label
from sensorium.io.run import PopulationRun, Run

__all__ = ["STATES", "carriers_of", "gates", "population"]

STATES = tuple(STATE_COLOURS)


def carriers_of(run: Run) -> PopulationRun | None:
    """The first population of carriers."""
    return next((p for p in run.populations.values() if "amplitude" in p and "gate_width" in p), None)


def population(axes: Any, run: Run) -> bool:
    """How many carriers live, by state."""
    names = [f"carriers/{name}" for name in STATES]
    if not all(name in run.series_names for name in names):
        return False
    time = run.series(names[0]).time
    counts = [run.series(name).values for name in names]
    axes.stackplot(time, counts, labels=STATES, colors=[STATE_COLOURS[name] for name in STATES], alpha=0.9)
    axes.set_xlabel(label(run, "time", "time"))
    axes.set_ylabel("number of carriers")
    axes.set_title("Carriers by state")
    axes.legend(loc="best")
    return True


def gates(axes: Any, run: Run) -> bool:
    """The tuning curves of the carriers of the last frame, over the oscillators that they listen to."""
    carriers = carriers_of(run)
    if carriers is None or not len(run) or not len(carriers["id"][-1]):
        return False
    frequency, width = carriers["frequency"][-1], carriers["gate_width"][-1]
    strength = np.hypot(*carriers["amplitude"][-1].T)
    heard = [p["frequency"][-1] for p in run.populations.values() if "phase" in p and "frequency" in p]
    low, high = np.min(frequency - 3 * width), np.max(frequency + 3 * width)
    if heard:
        oscillators = np.concatenate(heard)
        low, high = min(low, oscillators.min()), max(high, oscillators.max())
        density = axes.twinx()
        density.hist(oscillators, bins=80, range=(low, high), color="0.8", zorder=0)
        density.set_ylabel("oscillators per bin", color="0.4")
        density.grid(visible=False)
        axes.set_zorder(density.get_zorder() + 1)
        axes.patch.set_visible(False)
    omega = np.linspace(low, high, 600)
    lines = 0.5 + 2.0 * strength / (strength.max() or 1.0)
    for centre, sigma, line in zip(frequency, width, lines, strict=True):
        axes.plot(omega, np.exp(-(((omega - centre) / sigma) ** 2)), color=BLUE, linewidth=line)
    axes.set_ylim(0, 1.05)
    axes.set_xlabel(label(run, "frequency", "rad/time"))
    axes.set_ylabel("tuning $T$")
    axes.set_title("Gates of the carriers, last frame (width: amplitude)")
    return True
