"""Tracks: carriers in frequency over time, how strong each is, what state it is in, and how it came and went."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.io.plots.carriers import STATES, carriers_of
from sensorium.io.plots.style import BLACK, BLUE, RED, STATE_COLOURS, frames_shown, label
from sensorium.io.run import PopulationRun, Run

__all__ = ["tracks"]

Array = npt.NDArray[Any]
Told = dict[str, dict[str, Array]]  # events by kind, as columns

MOST_FRAMES = 400
WIDEST, NARROWEST = 0.035, 0.012  # of the strongest ribbon, in spans of the axis: where there is room, and always
IDLE_MODES = ("awake", "consolidation", "disambiguation", "exploration")


@dataclass(frozen=True)
class _Points:
    """What is known of carriers at some times, sorted by carrier and then by time; all ``(n,)``."""

    id: Array
    time: Array
    frequency: Array
    amplitude: Array
    state: Array

    @classmethod
    def of(cls, run: Run, carriers: PopulationRun, told: Told) -> _Points:
        """Frames, and between them births, at rest, and deaths, at the strength last seen."""
        rows: list[tuple[Array, ...]] = []
        for k in frames_shown(run, MOST_FRAMES).tolist():
            ids = carriers["id"][k]
            state = carriers["state"][k] if "state" in carriers else np.zeros(len(ids))
            time = np.full(len(ids), run.times[k])
            rows.append((ids, time, carriers["frequency"][k], np.hypot(*carriers["amplitude"][k].T), state))
        for kind in ("born", "died"):
            ids = told[kind]["id"]
            if len(ids):
                unknown = np.zeros(len(ids)) if kind == "born" else np.full(len(ids), np.nan)
                rows.append((ids, told[kind]["time"], told[kind]["frequency"], unknown, unknown))
        columns = [np.concatenate(column) for column in zip(*rows, strict=True)]
        order = np.lexsort((columns[1], columns[0]))
        ids, time, frequency, amplitude, state = (column[order] for column in columns)
        for column in (amplitude, state):
            last = np.flatnonzero(np.isnan(column))
            last = last[(last > 0) & (ids[last] == ids[last - 1])]
            column[last] = column[last - 1]
        return cls(ids, time, frequency, np.nan_to_num(amplitude), np.nan_to_num(state).astype(int))

    def segments(self) -> tuple[Array, Array]:
        """Rows of the two ends of each line from one time to the next of the same carrier."""
        first = np.flatnonzero(self.id[1:] == self.id[:-1])
        return first, first + 1

    def gap(self) -> float:
        """Least distance of two carriers at one time; infinite for one."""
        order = np.lexsort((self.frequency, self.time))
        together = np.diff(self.time[order]) == 0
        return float(np.min(np.diff(self.frequency[order]), where=together, initial=np.inf))

    def frequency_at(self, carrier: int, time: float) -> float:
        """Frequency of a carrier when last seen before `time`; NaN if never."""
        begin, end = np.searchsorted(self.id, [carrier, carrier + 1])
        at = int(np.searchsorted(self.time[begin:end], time, side="right"))
        return float(self.frequency[begin + max(at - 1, 0)]) if end > begin else float("nan")


def tracks(axes: Any, run: Run) -> bool:
    """A ribbon for each carrier: width tells the amplitude, colour the state; marks tell births, splits and deaths.

    The oscillators that there are to be heard stand beside it; bands show the idle modes of the run.
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.patches import Patch

    carriers = carriers_of(run)
    if carriers is None or not len(run):
        return False
    told = _told(run, carriers)
    points = _Points.of(run, carriers, told)
    a, b = points.segments()
    if not len(a):
        return False
    heard = [p["frequency"][-1] for p in run.populations.values() if "phase" in p and "frequency" in p]
    shown = np.concatenate([points.frequency, *heard])
    low, high = float(shown.min()), float(shown.max())
    span = max(high - low, 1e-3 * max(abs(low), abs(high)), 1e-9)
    largest = float(points.amplitude.max()) or 1.0
    widest = min(max(0.9 * points.gap() / span, NARROWEST), WIDEST)
    half = 0.5 * widest * span * points.amplitude / largest
    corners = ((a, -1), (b, -1), (b, 1), (a, 1))
    ribbons = np.stack(
        [np.column_stack([points.time[k], points.frequency[k] + side * half[k]]) for k, side in corners], axis=1
    )
    state = np.minimum(points.state[b], len(STATES) - 1)
    colours = np.array([STATE_COLOURS[name] for name in STATES])[state]
    # the outline keeps weak carriers visible
    axes.add_collection(PolyCollection(list(ribbons), facecolors=list(colours), edgecolors="face", linewidths=0.7))
    axes.set_xlim(float(run.times[0]), float(run.times[-1]))
    axes.set_ylim(low - 0.06 * span, high + 0.24 * span)  # room for the key
    axes.margins(x=0)
    keys = [Patch(color=STATE_COLOURS[name], label=name) for k, name in enumerate(STATES) if (state == k).any()]
    keys += _events(axes, told, points)
    _idle(axes, run)
    if heard:
        _oscillators(axes, np.concatenate(heard))
    axes.set_xlabel(label(run, "time", "time"))
    axes.set_ylabel(label(run, "frequency", "rad/time"))
    axes.set_title(f"Carriers (widest: $|C|$ = {largest:.3g})")
    axes.legend(handles=keys, loc="upper left", ncols=3, columnspacing=1.2, handlelength=1.4)
    return True


def _told(run: Run, carriers: PopulationRun) -> Told:
    """Births, splits and deaths, without those of carriers of other populations, which are not drawn."""
    others = [p for p in run.populations.values() if "gate_width" in p and p.name != carriers.name]
    frames = frames_shown(run, MOST_FRAMES).tolist()
    strangers = np.concatenate([np.zeros(0, np.int64), *(p["id"][k] for p in others for k in frames)])
    told = {}
    for kind in ("born", "split", "died"):
        events = run.events(kind)
        chosen = ~np.isin(events["id"], strangers) & ("frequency" in events)
        told[kind] = {name: column[chosen] for name, column in events.items()}
    return told


def _events(axes: Any, told: Told, points: _Points) -> list[Any]:
    """Marks of births, splits and deaths, each split tied to its parent; what the key says of them."""
    from matplotlib.lines import Line2D

    born, split, died = told["born"], told["split"], told["died"]
    keys = []
    if len(split["id"]):
        at = zip(split["time"].tolist(), split["parent"].tolist(), split["frequency"].tolist(), strict=True)
        for time, parent, frequency in at:
            axes.plot([time, time], [points.frequency_at(int(parent), time), frequency], ":", color=RED, linewidth=0.9)
    alone = ~np.isin(born["id"], split["id"])
    marks = (("born", "^", BLUE, born, alone), ("split", "D", RED, split, ...), ("died", "x", BLACK, died, ...))
    for kind, marker, colour, events, chosen in marks:
        if not len(events["time"][chosen]):
            continue
        # on the edges, marks are drawn whole
        axes.scatter(
            events["time"][chosen], events["frequency"][chosen], marker=marker, s=18, color=colour, linewidths=1.0,
            zorder=3, clip_on=False,
        )  # fmt: skip
        keys.append(Line2D([], [], color=colour, marker=marker, linestyle="", markersize=4, label=kind))
    return keys


def _oscillators(axes: Any, frequencies: Array) -> None:
    """How the oscillators lie on the same axis, at its right."""
    beside = axes.inset_axes((1.015, 0, 0.09, 1), sharey=axes)
    low, high = axes.get_ylim()
    beside.hist(frequencies, bins=np.linspace(low, high, 90), orientation="horizontal", color="0.6")
    beside.tick_params(left=False, labelleft=False, bottom=False, labelbottom=False)
    beside.spines[:].set_visible(False)
    beside.grid(visible=False)
    beside.set_title("oscillators", fontsize=8, fontweight="normal")


def _idle(axes: Any, run: Run) -> None:
    """Bands and names of the idle modes, where the run has any."""
    if "idle/mode" not in run.series_names:
        return
    series = run.series("idle/mode")
    edges = np.flatnonzero(np.diff(series.values)) + 1
    starts, ends = np.append(0, edges), np.append(edges, len(series.values) - 1)
    for k, (start, end) in enumerate(zip(starts.tolist(), ends.tolist(), strict=True)):
        begin, past = float(series.time[start]), float(series.time[end])
        if k % 2:
            axes.axvspan(begin, past, color="0.94", zorder=0, linewidth=0)
        name = IDLE_MODES[int(series.values[start])]
        axes.text(0.5 * (begin + past), 0.01, name, transform=axes.get_xaxis_transform(), ha="center", fontsize=8)
