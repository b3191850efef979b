"""Analysis that people expect of a trajectory: structure, motion, order, spectra, energy, lives of carriers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.errors import OutputError
from sensorium.io.run import PopulationRun, Run

__all__ = [
    "Curve", "EnergyBudget", "Lifetimes", "energy_budget", "lifetimes", "mean_squared_displacement",
    "order_parameter", "radial_distribution", "spectrum", "structure_factor",
]  # fmt: skip

Array = npt.NDArray[Any]

MOST_FRAMES = 100


@dataclass(frozen=True)
class Curve:
    """A function on a grid: ``x`` and ``y``, and how many frames it is the mean of."""

    x: Array
    y: Array
    frames: int = 1


def _spatial(run: Run, population: str | None) -> PopulationRun:
    found = [p for p in run.populations.values() if "position" in p]
    if population is not None:
        found = [p for p in found if p.name == population]
    if not found:
        raise OutputError(f"{run.path}: no population {population or ''} with positions".replace("  ", " "))
    return found[0]


def _frames(run: Run, most: int) -> Array:
    if not len(run):
        raise OutputError(f"{run.path} has no frames")
    return np.unique(np.linspace(0, len(run) - 1, min(most, len(run))).round().astype(int))


def radial_distribution(
    run: Run, population: str | None = None, *, bins: int = 100, cutoff: float | None = None, frames: int = 20
) -> Curve:
    """Radial distribution g(r) of a population in its periodic box.

    Parameters
    ----------
    run, population
        The run; its first population with positions unless named.
    bins
        Number of shells.
    cutoff
        Largest distance [length]; half the shortest edge unless given, and never more.
    frames
        At most so many frames, spread over the run, are averaged.

    Returns
    -------
    Curve
        Distances at the middle of the shells, ``(bins,)``, and g, 1 for a gas without structure.
    """
    gas = _spatial(run, population)
    chosen = _frames(run, frames)
    half = 0.5 * min(float(np.min(run.edges[int(k)])) for k in chosen)
    reach = half if cutoff is None else min(float(cutoff), half)
    rims = np.linspace(0.0, reach, bins + 1)
    shells = 4.0 / 3.0 * np.pi * np.diff(rims**3)
    total = np.zeros(bins)
    for k in chosen:
        edges, position = np.asarray(run.edges[int(k)], float), np.asarray(gas["position"][int(k)], float)
        n = len(position)
        if n < 2:
            continue
        pairs = _pair_counts(position, edges, rims)
        total += pairs / (0.5 * n * (n - 1) * shells / np.prod(edges))
    return Curve(0.5 * (rims[1:] + rims[:-1]), total / len(chosen), len(chosen))


def _pair_counts(position: Array, edges: Array, rims: Array) -> Array:
    """Pairs in each shell, by a periodic k-d tree: its counts are cumulative and count each pair twice, and itself."""
    from scipy.spatial import cKDTree

    wrapped = np.mod(position, edges)
    wrapped[wrapped >= edges] = 0.0  # mod of a tiny negative number rounds to the edge
    tree = cKDTree(wrapped, boxsize=edges)
    within = np.asarray(tree.count_neighbors(tree, rims), float)
    return np.diff((within - len(position)) / 2)


def structure_factor(run: Run, population: str | None = None, *, largest: int = 16, frames: int = 20) -> Curve:
    """Structure factor S(k) = |sum exp(-i k x)|^2 / n on the wave vectors of the box, averaged over directions.

    Parameters
    ----------
    run, population
        The run; its first population with positions unless named.
    largest
        Largest mode number along the axes.
    frames
        At most so many frames are averaged.

    Returns
    -------
    Curve
        Wave numbers [1/length], one for each mode number, and S; 1 for a gas without structure.
    """
    gas = _spatial(run, population)
    chosen = _frames(run, frames)
    numbers = np.arange(1, largest + 1)
    step = 2 * np.pi / float(np.max(run.edges[int(chosen[0])]))
    values = np.zeros(largest)
    for k in chosen:
        edges, position = np.asarray(run.edges[int(k)], float), np.asarray(gas["position"][int(k)], float)
        if not len(position):
            continue
        sums, counts = np.zeros(largest), np.zeros(largest)
        for axis in range(3):
            modes = np.arange(1, int(largest * step * edges[axis] / (2 * np.pi)) + 1)
            waves = 2 * np.pi * modes / edges[axis]
            amplitude = np.array([np.exp(-1j * wave * position[:, axis]).sum() for wave in waves])
            shell = np.rint(waves / step).astype(int) - 1
            inside = (shell >= 0) & (shell < largest)
            np.add.at(sums, shell[inside], np.abs(amplitude[inside]) ** 2 / len(position))
            np.add.at(counts, shell[inside], 1)
        values += np.divide(sums, counts, out=np.full(largest, np.nan), where=counts > 0)
    return Curve(step * numbers, values / len(chosen), len(chosen))


def mean_squared_displacement(run: Run, population: str | None = None) -> Curve:
    """Mean squared displacement against lag time, over all rows and all starting frames.

    Positions are unfolded by the column ``image``; without it, by the shortest way from frame to frame. The frames
    must be equally spaced; the lags come from one Fourier transform (Calandrini et al. 2011), O(T log T).
    """
    gas = _spatial(run, population)
    counts = gas.counts
    if not len(counts) or counts.min() != counts.max():
        raise OutputError(f"{run.path}: the rows of '{gas.name}' change, so they have no common displacement")
    gaps = np.diff(run.times)
    if len(gaps) and not np.allclose(gaps, gaps[0]):
        raise OutputError(f"{run.path}: mean squared displacement needs frames at equal intervals")
    frames, n = len(run), int(counts[0])
    path = np.asarray(gas["position"][:, :n], float)
    edges = np.asarray(run.edges, float)[:, None, :]
    if "image" in gas and np.any(gas["image"][-1]):
        path = path + np.asarray(gas["image"][:, :n]) * edges
    else:
        jumps = np.diff(path, axis=0)
        jumps -= edges[1:] * np.rint(jumps / edges[1:])
        path = np.concatenate([path[:1], path[:1] + np.cumsum(jumps, axis=0)])
    lags = np.arange(frames)
    squares = np.square(path).sum(axis=2)
    power = np.abs(np.fft.rfft(path, 2 * frames, axis=0)) ** 2
    products = np.fft.irfft(power.sum(axis=2), 2 * frames, axis=0)[:frames].mean(axis=1)
    before = np.concatenate([[0.0], np.cumsum(squares.mean(axis=1))])
    norms = before[frames - lags] + (before[-1] - before[lags])
    msd = (norms - 2 * products) / (frames - lags)
    time = run.times - run.times[0]
    return Curve(time, np.maximum(msd, 0.0), frames)


def order_parameter(run: Run, population: str | None = None) -> Curve:
    """Kuramoto's order parameter r = |mean exp(i phase)| of every frame, over time."""
    found = [p for p in run.populations.values() if "phase" in p and population in (None, p.name)]
    if not found:
        raise OutputError(f"{run.path}: no population has phases")
    phases = found[0]["phase"]
    values = [abs(np.exp(1j * phases[k]).mean()) if len(phases[k]) else np.nan for k in range(len(run))]
    return Curve(run.times, np.array(values), len(run))


def spectrum(run: Run, series: str) -> Curve:
    """One-sided power spectrum of a series, mean removed, Hann window: angular frequency and power density."""
    signal = run.series(series)
    values, time = np.asarray(signal, float), signal.time
    good = np.isfinite(values)
    values, time = values[good], time[good]
    if len(values) < 4:
        raise OutputError(f"{run.path}: the series '{series}' is too short for a spectrum")
    step = (time[-1] - time[0]) / (len(time) - 1)
    window = np.hanning(len(values))
    transform = np.fft.rfft((values - values.mean()) * window)
    density = 2 * step * np.abs(transform) ** 2 / (2 * np.pi * np.square(window).sum())
    return Curve(2 * np.pi * np.fft.rfftfreq(len(values), step), density, 1)


@dataclass(frozen=True)
class EnergyBudget:
    """First and last energies of every store, what came in by every channel, and what the ledger cannot explain."""

    stores: dict[str, tuple[float, float]]
    booked: dict[str, float]
    residual: float

    @property
    def change(self) -> float:
        """Change of all stores together."""
        return sum(last - first for first, last in self.stores.values())


def energy_budget(run: Run) -> EnergyBudget:
    """Where the energy of a run came from and went, from the ledger's series."""
    stores, booked, residual = {}, {}, float("nan")
    for name in run.series_names:
        group, _, rest = name.partition("/")
        if group != "energy":
            continue
        values = run.series(name)
        if not len(values):
            continue
        first, last = float(np.nan_to_num(values[0])), float(values[-1])
        if rest.startswith("booked/"):
            booked[rest.removeprefix("booked/")] = last
        elif rest == "residual":
            residual = float(np.nanmax(np.abs(values)))
        elif rest != "total":
            stores[rest] = (first, last)
    return EnergyBudget(stores, booked, residual)


@dataclass(frozen=True)
class Lifetimes:
    """Lives of carriers: ids, step of birth and of death (-1 while they live), and time lived so far."""

    ids: Array
    born: Array
    died: Array
    lived: Array

    @property
    def complete(self) -> Array:
        """Lifetimes of those that died."""
        return self.lived[self.died >= 0]


def lifetimes(run: Run) -> Lifetimes:
    """Births and deaths from the event log (events ``born`` and ``died``)."""
    log = run.events()
    kind, ids, step, time = log["kind"], log["id"], log["step"], log["time"]
    happenings = list(zip(kind.tolist(), ids.tolist(), step.tolist(), time.tolist(), strict=True))
    end = float(run.times[-1]) if len(run) else 0.0
    deaths = {i: (s, t) for what, i, s, t in happenings if what == "died"}
    births = [(i, s, t) for what, i, s, t in happenings if what == "born"]
    return Lifetimes(
        np.array([i for i, _, _ in births], np.int64),
        np.array([s for _, s, _ in births], np.int64),
        np.array([deaths.get(i, (-1, end))[0] for i, _, _ in births], np.int64),
        np.array([deaths.get(i, (-1, end))[1] - t for i, _, t in births]),
    )
