"""Particle-mesh gravity: one evaluation of all forces, against numpy + scipy.fft and against pysco-nbody.

Every side deposits clouds, solves Poisson's equation with the same seven-point or true Laplacian by real transforms,
differentiates and gathers. Ours is the system as users run it, ledger energy included. Particles drift by a twentieth
of a cell per call, so that nobody times a frozen state, and lie sorted by cell on all sides.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numba
import numpy as np
import scipy.fft

from benchmarks.harness import RESULTS, Row, interleaved, report, wait_until_idle
from sensorium import Simulation, World
from sensorium.components import Particle
from sensorium.engine.device import Device
from sensorium.engine.grid import Box
from sensorium.engine.kernel_threads import set_threads
from sensorium.systems.gravity import Gravity

SIZES = ((100_000, 64), (1_000_000, 128))
MUST = {
    ("numpy", 64, "single"): (7, 11), ("numpy", 64, "double"): (12, 20),
    ("numpy", 128, "single"): (7, 12), ("numpy", 128, "double"): (9, 15),
    ("pysco", 64, "single"): (2.5, 4), ("pysco", 128, "single"): (4.5, 7),
}  # fmt: skip


def positions(count: int, cells: int) -> np.ndarray:
    """Uniform, sorted by cell."""
    points = np.random.default_rng(0).random((count, 3))
    cell = (points * cells).astype(np.int64)
    return points[np.lexsort((cell[:, 2], cell[:, 1], cell[:, 0]))]


def drift(x: np.ndarray, step: Any, edge: Any) -> None:
    """Move on by a twentieth of a cell, around the box."""
    x += step
    x[x >= edge] -= edge


def ours(count: int, cells: int, precision: Any) -> Callable[[], None]:
    """The force phase of the gravity system."""
    world = World(device=Device("cpu", precision))
    world.insert(Box((1.0, 1.0, 1.0), (cells, cells, cells)))
    particle = world.create("stars", [Particle], count)[Particle]
    particle.position, particle.mass = positions(count, cells), 1 / count
    simulation = Simulation(world, [Gravity()], dt=1.0)
    simulation.prepare()
    world.clock.step = 1
    step = particle.position.dtype.type(0.05 / cells)

    def run() -> None:
        drift(particle.position[:, 0], step, particle.position.dtype.type(1))
        simulation.schedule.evaluate(world, "force")

    return run


def with_numpy(count: int, cells: int, precision: str) -> Callable[[], Any]:
    """The same with whole-array numpy: bincount, scipy.fft, shifted differences, fancy indexing."""
    real = np.float32 if precision == "single" else np.float64
    place = np.ascontiguousarray(positions(count, cells).T.astype(real)) * real(cells)
    waves = (2 * np.pi * np.fft.fftfreq(cells), 2 * np.pi * np.fft.rfftfreq(cells))
    square = waves[0][:, None, None] ** 2 + waves[0][None, :, None] ** 2 + waves[1] ** 2
    square[0, 0, 0] = np.inf
    green = (-4 * math.pi / square).astype(real)
    step = real(0.05)

    def run() -> Any:
        drift(place[0], step, real(cells))
        low = place.astype(np.int32)
        fraction = place - low
        low %= cells
        high = (low + 1) % cells
        rest = 1 - fraction
        corners, weights = [], []
        for x, u in ((low[0], rest[0]), (high[0], fraction[0])):
            for y, v in ((low[1], rest[1]), (high[1], fraction[1])):
                line, weight = (x * cells + y) * cells, u * v
                for z, w in ((low[2], rest[2]), (high[2], fraction[2])):
                    corners.append(line + z)
                    weights.append(weight * w)
        density = np.zeros(cells**3, real)
        for node, weight in zip(corners, weights):
            density += np.bincount(node, weights=weight, minlength=cells**3).astype(real, copy=False)
        spectrum = scipy.fft.rfftn(density.reshape((cells,) * 3), workers=numba.get_num_threads())
        spectrum *= green
        potential = scipy.fft.irfftn(spectrum, s=(cells,) * 3, overwrite_x=True, workers=numba.get_num_threads())
        force = np.empty((3, count), real)
        for axis in range(3):
            slope = np.roll(potential, 1, axis)
            slope -= np.roll(potential, -1, axis)
            slope = slope.reshape(-1)
            total = weights[0] * slope[corners[0]]
            for node, weight in zip(corners[1:], weights[1:]):
                total += weight * slope[node]
            force[axis] = total
        return force

    return run


def with_pysco(count: int, cells: int) -> Callable[[], Any] | None:
    """The same with pysco's own functions (single precision, FFTW, four-point derivative); None if not installed."""
    found = importlib.util.find_spec("pysco")
    if found is None or not found.submodule_search_locations:
        return None
    sys.path.insert(0, str(Path(found.submodule_search_locations[0])))  # its modules import each other by bare names
    try:
        grid, fourier = importlib.import_module("mesh"), importlib.import_module("fourier")
    except ImportError as missing:
        print(f"pysco-nbody is installed but does not import: {missing}")
        return None
    place = positions(count, cells).astype(np.float32)
    step = np.float32(0.05 / cells)

    def run() -> Any:
        drift(place[:, 0], step, np.float32(1))
        density = grid.CIC(place, cells)
        spectrum = fourier.fft_3D_real(density, numba.get_num_threads())
        fourier.inverse_laplacian(spectrum)
        potential = fourier.ifft_3D_real(spectrum, numba.get_num_threads())
        return grid.invCIC_vec(grid.derivative5(potential), place)

    return run


def draw(rows: list[Row]) -> None:
    """The figure: ours beside each peer."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axis = pyplot.subplots(figsize=(7, 3.4), layout="constrained")
    for place, row in enumerate(rows):
        label = {"label": "ours"} if not place else {}
        axis.barh(place - 0.2, row.ours, 0.4, color="C0", **label)
        axis.barh(place + 0.2, row.theirs or 0, 0.4, color="C1" if "numpy" in row.peer else "C2")
        axis.text((row.theirs or 0) + 4, place + 0.2, f"{row.peer}: {row.ratio:.1f}x", va="center", fontsize=8)
    axis.set_yticks(range(len(rows)), [row.part.partition(", ")[2] for row in rows])
    axis.invert_yaxis()
    axis.set(xlabel="ns per particle, one thread", xlim=(0, 1.35 * max(row.theirs or 0 for row in rows)))
    axis.set_title("One evaluation of particle-mesh gravity")
    axis.legend(frameon=False, loc="lower right")
    axis.spines[["top", "right"]].set_visible(False)
    figure.savefig(RESULTS / "mesh.png", dpi=200)


def main() -> None:
    """Print the rows."""
    wait_until_idle()
    rows = []
    for count, cells in SIZES:
        for precision in ("single", "double"):
            set_threads(1)
            sides: dict[str, Callable[[], Any]] = {
                "ours": ours(count, cells, precision),
                "numpy": with_numpy(count, cells, precision),
            }
            if precision == "single" and (peer := with_pysco(count, cells)):
                sides["pysco"] = peer
            # several evaluations in a row, as in a run: the caches are those of the side itself
            timings = interleaved(sides, repeats=9 if count < 500_000 else 5, calls=5 if count < 500_000 else 1)
            for name in list(sides)[1:]:
                must, stretch = MUST[name, cells, precision]
                mine, theirs = (1e9 * timings[side].wall / count for side in ("ours", name))
                peer_name = {"numpy": "numpy + scipy.fft", "pysco": "pysco-nbody 1.0.9"}[name]
                part = f"particle-mesh gravity, {count:.0e} on {cells}^3, {precision}".replace("e+0", "e")
                rows.append(Row(part, peer_name, mine, theirs, "ns/particle", theirs / mine, must, stretch))
    report("mesh", rows)
    draw(rows)


if __name__ == "__main__":
    main()
