"""Carriers: where each one sits in frequency over time, what state it is in, and how strong it is."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.io.plots.style import BLACK, BLUE, RED, STATE_COLOURS, frames_shown, label
from sensorium.io.run import PopulationRun, Run

__all__ = ["carriers_of", "gates", "population", "tracks"]

Array = npt.NDArray[Any]

STATES = tuple(STATE_COLOURS)
MOST_FRAMES = 400
MARKS = (("born", "^", BLUE), ("split", "D", RED), ("died", "x", BLACK))


def carriers_of(run: Run) -> PopulationRun | None:
    """The first population of carriers."""
    return next((p for p in run.populations.values() if "amplitude" in p and "gate_width" in p), None)


def _segments(run: Run, carriers: PopulationRun) -> tuple[Array, Array, Array]:
    """Lines from frame to frame: points ``(lines, 2, 2)`` in time and frequency, amplitudes and states."""
    lines, sizes, states = [], [], []
    before: tuple[Array, Array, float] | None = None
    for k in frames_shown(run, MOST_FRAMES):
        time = float(run.times[k])
        ids, frequency = carriers["id"][int(k)], carriers["frequency"][int(k)]
        amplitude = np.hypot(*carriers["amplitude"][int(k)].T)
        if before is not None:
            old_ids, old_frequency, old_time = before
            _, here, there = np.intersect1d(ids, old_ids, assume_unique=True, return_indices=True)
            start = np.column_stack([np.full(len(there), old_time), old_frequency[there]])
            end = np.column_stack([np.full(len(here), time), frequency[here]])
            lines.append(np.stack([start, end], axis=1))
            sizes.append(amplitude[here])
            states.append(carriers["state"][int(k)][here] if "state" in carriers else np.zeros(len(here), int))
        before = ids, frequency, time
    if not lines:
        return np.zeros((0, 2, 2)), np.zeros(0), np.zeros(0, int)
    return np.concatenate(lines), np.concatenate(sizes), np.concatenate(states)


def tracks(axes: Any, run: Run) -> bool:
    """Frequency over time; colour tells the state, width the amplitude, marks tell births, splits and deaths."""
    from matplotlib.collections import LineCollection
    from matplotlib.lines import Line2D

    carriers = carriers_of(run)
    if carriers is None or not len(run):
        return False
    lines, amplitude, state = _segments(run, carriers)
    if not len(lines):
        return False
    largest = float(np.nanmax(amplitude, initial=0.0)) or 1.0
    width = 0.5 + 3.5 * np.sqrt(np.clip(amplitude / largest, 0, 1))
    colours = np.array([STATE_COLOURS[name] for name in STATES])[np.minimum(state, 2)]
    axes.add_collection(LineCollection(list(lines), linewidths=width, colors=list(colours), capstyle="round"))
    axes.autoscale()
    keys = [
        Line2D([], [], color=STATE_COLOURS[name], linewidth=3, label=name)
        for k, name in enumerate(STATES)
        if (state == k).any()
    ]
    keys += _events(axes, run, carriers)
    axes.set_xlabel(label(run, "time", "time"))
    axes.set_ylabel(label(run, "carrier frequency", "rad/time"))
    axes.set_title(f"Carriers (width: amplitude, largest {largest:.3g})")
    axes.legend(handles=keys, loc="best", ncols=2 if len(keys) > 3 else 1)
    return True


def _events(axes: Any, run: Run, carriers: PopulationRun) -> list[Any]:
    """Marks where carriers were born, split and died: at the first or last frame that knows their frequency."""
    from matplotlib.lines import Line2D

    known: dict[int, float] = {}
    for k in frames_shown(run, MOST_FRAMES):
        known |= dict(zip(carriers["id"][int(k)].tolist(), carriers["frequency"][int(k)].tolist(), strict=True))
    keys = []
    for kind, marker, colour in MARKS:
        events = run.events(kind)
        ids = events.get("id", np.zeros(0, int)).tolist()
        points = [(t, known[i]) for t, i in zip(events["time"].tolist(), ids, strict=False) if i in known]
        if points:
            axes.scatter(*np.array(points).T, marker=marker, s=16, color=colour, linewidths=0.8, zorder=3)
            keys.append(Line2D([], [], color=colour, marker=marker, linestyle="", markersize=4, label=kind))
    return keys


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
