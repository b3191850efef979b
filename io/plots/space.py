"""Space: the particles in their box, and slices through grid fields."""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.io.plots.style import MAP, label
from sensorium.io.run import PopulationRun, Run

__all__ = ["particles", "particles_of", "slices"]

Array = npt.NDArray[Any]

MOST_POINTS = 30_000


def particles_of(run: Run) -> PopulationRun | None:
    """The largest population with positions."""
    found = [p for p in run.populations.values() if "position" in p and len(p)]
    return max(found, key=lambda p: p["position"].shape[1], default=None)


def _colour(run: Run, population: PopulationRun) -> tuple[Array | None, str]:
    """Temperature U / (m c_v) where there is energy, else the speed."""
    heat = np.asarray(population["heat"][-1], float) if "heat" in population else 0.0
    energy = np.asarray(population["energy"][-1], float) if "energy" in population else 0.0
    held = heat + energy
    if "mass" in population and np.any(held):
        constants = run.scenario.get("constants", {})
        capacity = float(constants.get("specific_heat") or 1.0) if isinstance(constants, dict) else 1.0
        return held / (population["mass"][-1] * capacity), label(run, "temperature", "temperature")
    if "velocity" in population:
        return np.linalg.norm(population["velocity"][-1], axis=1), label(run, "speed", "length/time")
    return None, ""


def particles(axes: Any, run: Run) -> bool:
    """Positions in the last frame, in three dimensions; colour tells the temperature."""
    population = particles_of(run)
    if population is None or not len(population["position"][-1]):
        return False
    position = population["position"][-1]
    colour, name = _colour(run, population)
    stride = max(1, len(position) // MOST_POINTS)
    position = position[::stride]
    size = float(np.clip(6000 / len(position), 0.3, 20))
    style: dict[str, Any] = {"color": "0.2"}
    if colour is not None:
        low, high = np.nanpercentile(colour, (1, 99))
        margin = 0.0 if high - low > 1e-6 * abs(high) else 0.05 * abs(high) or 1.0
        style = {"c": colour[::stride], "cmap": MAP, "vmin": low - margin, "vmax": high + margin}
    points = axes.scatter(*position.T, s=size, linewidths=0, alpha=0.8, depthshade=False, rasterized=True, **style)
    edges = np.asarray(run.edges[-1])
    axes.set_xlim(0, edges[0])
    axes.set_ylim(0, edges[1])
    axes.set_zlim(0, edges[2])
    axes.set_box_aspect(edges / edges.max())
    for axis in "xyz":
        getattr(axes, f"set_{axis}label")(label(run, axis, "length"), labelpad=-3, fontsize=8)
        axes.tick_params(axis=axis, pad=-2, labelsize=7)
        getattr(axes, f"{axis}axis").pane.set_facecolor("white")
    axes.view_init(elev=22, azim=-60)
    axes.set_title(f"{population.name} at t = {run.times[-1]:.4g}", loc="left")
    if colour is not None:
        axes.figure.colorbar(points, ax=axes, label=name, pad=0.08, shrink=0.7)
    return True


def slices(axes: Any, run: Run, field: str | None = None) -> bool:
    """A slice through the middle of the box of a grid field, in the last frame."""
    fields = run.fields
    name = field or ("density" if "density" in fields else next(iter(fields), None))
    if name is None or name not in fields or not len(run):
        return False
    values = fields[name][-1]
    edges = np.asarray(run.edges[-1])
    image = axes.imshow(
        values[:, :, values.shape[2] // 2].T, origin="lower", extent=(0, edges[0], 0, edges[1]), cmap=MAP,
        interpolation="nearest", aspect="equal",
    )  # fmt: skip
    axes.grid(visible=False)
    axes.set_xlabel(label(run, "x", "length"))
    axes.set_ylabel(label(run, "y", "length"))
    axes.set_title(f"{name}, slice at z = {edges[2] / 2:.3g}, t = {run.times[-1]:.4g}")
    axes.figure.colorbar(image, ax=axes, label=label(run, name, fields[name].unit), pad=0.02)
    return True
