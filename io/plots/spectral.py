"""Spectral pictures: the coupling matrix, how carriers settle, and the spectrum of the mean field over time."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.io.plots.carriers import STATES, carriers_of
from sensorium.io.plots.order import oscillators_of
from sensorium.io.plots.style import MAP, STATE_COLOURS, frames_shown, label
from sensorium.io.run import Run

__all__ = ["coupling", "settling", "spectrogram"]

Array = npt.NDArray[Any]

COLUMNS = 400  # of the coupling matrix: oscillators in order of frequency, thinned
MOST_FRAMES = 400
FEWEST_FRAMES = 64  # for a spectrogram


def coupling(axes: Any, run: Run) -> bool:
    """Tuning T_ik of every carrier (rows) to oscillators in order of frequency (columns), in the last frame."""
    carriers, oscillators = carriers_of(run), oscillators_of(run)
    if carriers is None or oscillators is None or not len(carriers["id"][-1]):
        return False
    centre, width = carriers["frequency"][-1], carriers["gate_width"][-1]
    order = np.argsort(centre)
    omega = np.sort(oscillators["frequency"][-1])
    omega = omega[np.unique(np.linspace(0, len(omega) - 1, min(COLUMNS, len(omega))).round().astype(int))]
    tuning = np.exp(-(((omega[None, :] - centre[order, None]) / width[order, None]) ** 2))
    image = axes.imshow(tuning, aspect="auto", origin="lower", cmap=MAP, vmin=0, vmax=1, interpolation="nearest")
    axes.grid(visible=False)
    ticks = np.unique(np.linspace(0, len(omega) - 1, 6).astype(int))
    axes.set_xticks(ticks, [f"{omega[k]:.3g}" for k in ticks])
    rows = np.unique(np.linspace(0, len(order) - 1, min(10, len(order))).astype(int))
    axes.set_yticks(rows, [f"{centre[order[k]]:.3g}" for k in rows])
    axes.set_xlabel(label(run, "oscillators, in order of frequency", "rad/time"))
    axes.set_ylabel(label(run, "carriers, in order of frequency", "rad/time"))
    axes.set_title("Coupling matrix, last frame")
    axes.figure.colorbar(image, ax=axes, label="tuning $T_{ik}$", pad=0.02)
    return True


def settling(axes: Any, run: Run) -> bool:
    """Amplitude of every carrier over time, coloured by its last state."""
    carriers = carriers_of(run)
    if carriers is None or not len(run):
        return False
    histories: dict[int, list[tuple[float, float]]] = {}
    state: dict[int, int] = {}
    for k in frames_shown(run, MOST_FRAMES):
        time, ids = float(run.times[int(k)]), carriers["id"][int(k)].tolist()
        amplitude = np.hypot(*carriers["amplitude"][int(k)].T).tolist()
        states = carriers["state"][int(k)].tolist() if "state" in carriers else [0] * len(ids)
        for i, size, now in zip(ids, amplitude, states, strict=True):
            histories.setdefault(i, []).append((time, size))
            state[i] = now
    if not histories:
        return False
    named = set()
    for i, history in histories.items():
        name = STATES[min(state[i], 2)]
        axes.plot(
            *np.array(history).T, color=STATE_COLOURS[name], linewidth=0.9, alpha=0.8,
            label=None if name in named else name,
        )  # fmt: skip
        named.add(name)
    if max(len(history) for history in histories.values()) == 1:
        axes.text(0.5, 0.5, "no carrier lives in two frames", transform=axes.transAxes, ha="center", color="0.4")
    axes.set_ylim(bottom=0)
    axes.set_xlabel(label(run, "time", "time"))
    axes.set_ylabel(label(run, "carrier amplitude $|C|$", "energy^(1/2)"))
    axes.set_title("How the carriers settle")
    axes.legend(loc="best", title="last state")
    return True


def spectrogram(axes: Any, run: Run) -> bool:
    """Power of the mean field Z = mean(sqrt(E) exp(i phase)) against frequency and time, from the frames."""
    oscillators = oscillators_of(run)
    if oscillators is None or len(run) < FEWEST_FRAMES:
        return False
    field = np.array(
        [
            np.mean(np.sqrt(np.maximum(oscillators["energy"][k], 0)) * np.exp(1j * oscillators["phase"][k]))
            for k in range(len(run))
        ]
    )
    step = float(np.median(np.diff(run.times)))
    window = min(256, len(field) // 4)
    _, _, _, image = axes.specgram(
        field, NFFT=window, noverlap=window * 3 // 4, Fs=2 * np.pi / step, cmap=MAP, scale="dB", mode="psd",
        xextent=(float(run.times[0]), float(run.times[-1])),
    )  # fmt: skip
    fastest = 2.0 * float(np.abs(oscillators["frequency"][-1]).max(initial=0.0))
    if 0 < fastest < np.pi / step:
        axes.set_ylim(-fastest, fastest)
    axes.grid(visible=False)
    axes.set_xlabel(label(run, "time", "time"))
    axes.set_ylabel(label(run, "frequency", "rad/time"))
    axes.set_title("Spectrogram of the mean field")
    axes.figure.colorbar(image, ax=axes, label="power density (dB)", pad=0.02)
    return True
