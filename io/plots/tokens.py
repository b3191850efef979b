"""Tokens: where equal ones gather, what energy they hold, and the tree of their likeness (paper, Figures 6 and 7)."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.io.plots.style import BLUE, COLOURS, RED, label
from sensorium.io.run import PopulationRun, Run

__all__ = ["clusters", "collisions", "trie"]

Array = npt.NDArray[Any]

LEAVES = 24


def _text(run: Run) -> tuple[PopulationRun, Array, Array, Array] | None:
    """A population of a text with, for its last frame, the tokens and for each row which one it is, and how often each
    occurs, the most frequent first.

    The identity of a token is its frequency: the hash of byte and index that the tokenizer gave it.
    """
    for population in run.populations.values():
        if {"byte", "index", "frequency"} <= set(population.columns) and len(population) and population.counts[-1]:
            first = population["frequency"][0]
            tokens, which, counts = np.unique(first, return_inverse=True, return_counts=True)
            order = np.argsort(-counts, kind="stable")
            rank = np.empty_like(order)
            rank[order] = np.arange(len(order))
            return population, tokens[order], rank[which], counts[order]
    return None


def collisions(axes: Any, run: Run) -> bool:
    """Energy of the particles of a token against how many share it, and how far sharing compresses the text."""
    found = _text(run)
    if found is None:
        return False
    population, tokens, which, counts = found
    held = np.asarray(population["energy"][-1], float)
    if "heat" in population:
        held = held + population["heat"][-1]
    total = np.bincount(which, held, len(tokens))
    axes.scatter(counts, total, s=9, color=BLUE, linewidths=0, alpha=0.6, label="one token", rasterized=True)
    reach = np.array([counts.min(), counts.max()])
    axes.plot(
        reach, reach * held.mean(), color=RED, linestyle="--", label="their number, times the mean energy of a particle"
    )
    axes.set_xscale("log")
    axes.set_yscale("log")
    axes.set_xlabel("particles that share a token")
    axes.set_ylabel(label(run, "energy that they hold", "energy"))
    share = counts / counts.sum()
    entropy = -float((share * np.log2(share)).sum())
    pairs = len(np.unique(population["byte"][0].astype(np.int64) << 40 | population["index"][0]))
    axes.set_title(f"{pairs:,} bytes at their places in {len(tokens):,} tokens, {entropy:.2f} bits per token")
    axes.legend(loc="upper left")
    return True


def clusters(axes: Any, run: Run) -> bool:
    """Where the particles of the most frequent tokens are in the last frame, each set in its convex hull."""
    from scipy.spatial import ConvexHull, QhullError

    found = _text(run)
    if found is None or "position" not in found[0]:
        return False
    population, tokens, which, counts = found
    place = np.asarray(population["position"][-1], float)[:, :2]
    axes.scatter(*place[:: max(1, len(place) // 5000)].T, s=2, color="0.8", linewidths=0, rasterized=True)
    for rank, colour in zip(range(min(len(tokens), len(COLOURS))), COLOURS):
        own = place[which == rank]
        axes.scatter(*own.T, s=12, color=colour, linewidths=0, label=f"{tokens[rank]:.3f} ({counts[rank]})")
        try:
            corners = own[ConvexHull(own).vertices] if len(own) > 2 else own
        except QhullError:  # on one line
            continue
        axes.fill(*corners.T, facecolor=colour, edgecolor=colour, alpha=0.08)
    edges = np.asarray(run.edges[-1])
    axes.set(xlim=(0, edges[0]), ylim=(0, edges[1]), aspect="equal")
    axes.set_xlabel(label(run, "x", "length"))
    axes.set_ylabel(label(run, "y", "length"))
    axes.set_title(f"The most frequent tokens at t = {run.times[-1]:.4g}")
    title = label(run, "frequency", "rad/time") + ", times"
    axes.legend(title=title, loc="upper left", bbox_to_anchor=(1.01, 1), borderaxespad=0)
    return True


def trie(axes: Any, run: Run) -> bool:
    """Tree of the most frequent tokens: near are those whose particles hold like energy and turn at like phases."""
    from scipy.cluster.hierarchy import dendrogram, linkage

    found = _text(run)
    if found is None or len(found[1]) < 3:
        return False
    population, tokens, which, counts = found
    leaves = min(LEAVES, len(tokens))
    phase = np.exp(1j * np.asarray(population["phase"][-1], float))
    energy = np.asarray(population["energy"][-1], float)
    mean = [
        np.bincount(which, values, len(tokens))[:leaves] / counts[:leaves]
        for values in (energy, phase.real, phase.imag)
    ]
    mean[0] = mean[0] / (np.abs(mean[0]).max() or 1.0)
    tree = linkage(np.stack(mean, axis=1), "average")
    names = [f"{tokens[k]:.3f} ({counts[k]})" for k in range(leaves)]
    dendrogram(tree, ax=axes, labels=names, leaf_rotation=90, color_threshold=0, above_threshold_color=BLUE)
    axes.grid(visible=False, axis="x")
    axes.tick_params(axis="x", labelsize=7)
    axes.set_xlabel(label(run, "frequency of the token", "rad/time") + ", times that it occurs")
    axes.set_ylabel("distance in energy and phase")
    axes.set_title(f"Tree of the {leaves} most frequent tokens at t = {run.times[-1]:.4g}")
    return True
