"""How every picture looks: colours for all eyes and for print, and axes that say their unit."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.io.run import Run

__all__ = [
    "BLACK", "BLUE", "COLOURS", "MAP", "RED", "STATE_COLOURS", "STORE_COLOURS", "frames_shown", "label", "styled",
    "thinned", "unit_label", "widened",
]  # fmt: skip

Array = npt.NDArray[Any]

# Okabe and Ito's palette: told apart by all kinds of colour vision, and in grey
BLACK = "#000000"
ORANGE, SKY, GREEN, YELLOW, BLUE, RED, PURPLE = (
    "#E69F00", "#56B4E9", "#009E73", "#F0E442", "#0072B2", "#D55E00", "#CC79A7",
)  # fmt: skip
COLOURS = (BLUE, RED, GREEN, ORANGE, PURPLE, SKY, BLACK)
STATE_COLOURS = {"volatile": SKY, "stable": ORANGE, "crystallized": BLACK}
STORE_COLOURS = {
    "kinetic": BLUE, "heat": RED, "oscillator": GREEN, "carrier": PURPLE, "gravitational": ORANGE, "contact": SKY,
}  # fmt: skip
MAP = "viridis"

_SI = {
    "time": "s", "length": "m", "mass": "kg", "energy": "J", "temperature": "K", "length/time": "m/s",
    "rad/time": "rad/s", "1": "", "rad": "rad", "mass length/time": "kg m/s", "energy^(1/2)": "J$^{1/2}$",
    "mass/length^3": "kg/m$^3$",
}  # fmt: skip
_NATURAL = {"1": "", "rad": "rad"}

_RC: Any = {
    "font.size": 9, "axes.titlesize": 10, "axes.labelsize": 9, "legend.fontsize": 8, "xtick.labelsize": 8,
    "ytick.labelsize": 8, "axes.titleweight": "bold", "axes.titlelocation": "left", "axes.spines.top": False,
    "axes.spines.right": False, "axes.grid": True, "grid.alpha": 0.25, "grid.linewidth": 0.5, "lines.linewidth": 1.4,
    "legend.frameon": True, "legend.framealpha": 0.85, "legend.edgecolor": "none", "figure.dpi": 110,
    "savefig.dpi": 150, "axes.formatter.limits": (-3, 4), "axes.formatter.use_mathtext": True,
    "svg.fonttype": "none", "svg.hashsalt": "sensorium",
}  # fmt: skip


@contextmanager
def styled() -> Iterator[None]:
    """Draw without a display, in the style of all pictures."""
    import matplotlib

    with matplotlib.rc_context(_RC):
        yield


def label(run: Run, quantity: str, dimension: str = "1") -> str:
    """Axis label: the quantity, and its unit in the units of the run."""
    return unit_label(quantity, dimension, si=run.scenario.get("units") == "si")


def unit_label(quantity: str, dimension: str, *, si: bool) -> str:
    """The quantity, and its unit: in SI, or the word for natural ones."""
    unit = _SI.get(dimension, dimension) if si else _NATURAL.get(dimension, "natural units")
    return f"{quantity} ({unit})" if unit else quantity


def thinned(x: Array, *columns: Array, most: int = 4000) -> list[Array]:
    """`x` and `columns`, with at most about `most` points."""
    stride = max(1, len(x) // most)
    return [np.asarray(values)[::stride] for values in (x, *columns)]


def widened(axes: Any, values: Array, least: float = 0.05) -> None:
    """Keep the y axis from magnifying noise: it spans at least `least` of the values' size."""
    values = values[np.isfinite(values)]
    if not len(values):
        return
    low, high = float(values.min()), float(values.max())
    span = max(high - low, least * max(abs(low), abs(high)), 1e-12)
    middle = 0.5 * (low + high)
    axes.set_ylim(middle - 0.55 * span, middle + 0.55 * span)


def frames_shown(run: Run, most: int) -> Array:
    """Indices of at most `most` frames, the first and the last among them."""
    return np.unique(np.linspace(0, len(run) - 1, min(most, len(run))).round().astype(int))
