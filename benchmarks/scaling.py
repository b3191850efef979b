"""Cost against the number of particles, the grid and the threads: mesh and contact, each by itself.

No peer: what is shown is that cost grows with the number of particles and no faster, from what fits a cache to what
does not. ``mesh`` is one evaluation of gravity, with two to five particles per node where N varies, and 1e5 particles
where the grid varies; ``contact`` is a step of motion and collision at phi .3. Single precision, and one thread but for
the last pair of rows.
"""

from __future__ import annotations

import gc
import resource
from collections.abc import Callable
from typing import Any

from benchmarks import contact, mesh
from benchmarks.harness import RESULTS, Row, interleaved, report, wait_until_idle
from sensorium.engine.kernel_threads import set_threads

COUNTS = (1_000, 10_000, 100_000, 1_000_000, 10_000_000)
GRIDS = (32, 64, 128, 256)
CELLS = {1_000: 8, 10_000: 16, 100_000: 32, 1_000_000: 64, 10_000_000: 128}  # 2 to 5 particles per node
FRACTION = 0.30
THREADS = (1, 2)


def touching(count: int) -> Callable[[], None]:
    """Steps of motion and collision; past the start, where no list has been used yet."""
    simulation = contact.ours(contact.start(count, FRACTION), "single", 0.0)
    calls = max(1, min(50, 1_000_000 // count))
    simulation.run(300 if count <= 100_000 else 20 if count <= 1_000_000 else 3)

    def run() -> None:
        simulation.run(calls)

    run.calls = calls  # type: ignore[attr-defined]
    return run


def milliseconds(side: Callable[[], Any], count: int) -> float:
    """Median of one evaluation or step; fewer of them where one takes long."""
    calls = max(1, min(200, 200_000 // count))
    steps = getattr(side, "calls", 1)
    return 1e3 * interleaved({"side": side}, repeats=7 if count < 10**6 else 3, calls=calls)["side"].wall / steps


def against_particles() -> dict[str, dict[int, float]]:
    """Milliseconds for each number of particles; every side is dropped before the next is made."""
    found: dict[str, dict[int, float]] = {"mesh": {}, "contact": {}}
    for count in COUNTS:
        found["mesh"][count] = milliseconds(mesh.ours(count, CELLS[count], "single"), count)
        gc.collect()
        found["contact"][count] = milliseconds(touching(count), count)
        gc.collect()
    return found


def against_grid() -> dict[int, float]:
    """Milliseconds of gravity of 1e5 particles."""
    return {cells: milliseconds(mesh.ours(100_000, cells, "single"), 100_000) for cells in GRIDS}


def against_threads() -> dict[str, dict[int, float]]:
    """Milliseconds on one and two threads: gravity of 1e6 on 128^3, contact of 1e5."""
    sides = {"mesh": (mesh.ours(1_000_000, 128, "single"), 1_000_000), "contact": (touching(100_000), 100_000)}
    found: dict[str, dict[int, float]] = {name: {} for name in sides}
    for threads in THREADS:
        set_threads(threads)
        for name, (side, count) in sides.items():
            for _ in range(20):  # what is seldom launched on this number of threads must be compiled, too
                side()
            found[name][threads] = milliseconds(side, count)
    set_threads(1)
    return found


def draw(particles: dict[str, dict[int, float]], grid: dict[int, float], threads: dict[str, dict[int, float]]) -> None:
    """Three panels: ns per particle against N, milliseconds against the grid, speed-up against threads."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 3, figsize=(10, 3.2), layout="constrained")
    for (name, times), marker in zip(particles.items(), "os"):
        axes[0].plot(list(times), [1e6 * ms / count for count, ms in times.items()], marker + "-", label=name)
        axes[2].plot(list(threads[name]), [threads[name][1] / ms for ms in threads[name].values()], marker + "-")
    axes[0].set(xscale="log", xlabel="particles", ylabel="ns per particle", ylim=(0, None))
    axes[0].legend(frameon=False)
    axes[1].loglog([n**3 for n in grid], list(grid.values()), "o-")
    axes[1].set(xlabel="nodes, for $10^5$ particles", ylabel="ms per evaluation of gravity")
    axes[2].plot(THREADS, THREADS, color="0.7", linestyle="--", label="ideal")
    axes[2].set(xlabel="threads", ylabel="speed-up", xticks=THREADS)
    axes[2].legend(frameon=False)
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(alpha=0.25)
    figure.savefig(RESULTS / "scaling.png", dpi=200)


def main() -> None:
    """Print the rows; there is no peer, so each is a bound."""
    wait_until_idle()
    set_threads(1)
    RESULTS.mkdir(exist_ok=True)
    particles, grid, threads = against_particles(), against_grid(), against_threads()
    draw(particles, grid, threads)
    rows = []
    for name, times in particles.items():
        each = {count: 1e6 * ms / count for count, ms in times.items()}
        print(f"{name}: " + ", ".join(f"{count:.0e}: {ns:.1f} ns" for count, ns in each.items()))
        growth = each[COUNTS[-1]] / each[100_000]
        rows.append(
            Row(
                f"{name}, cost per particle at 1e7 over that at 1e5",
                "-",
                each[COUNTS[-1]],
                None,
                "ns",
                growth,
                2.0,
                1.3,
                True,
            )
        )
    print("gravity of 1e5: " + ", ".join(f"{cells}^3: {ms:.2f} ms" for cells, ms in grid.items()))
    for name, times in threads.items():
        rows.append(Row(f"{name}, 1 thread over 2", "-", times[2], None, "ms", times[1] / times[2], 1.5, 1.8))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    report("scaling", rows, particles_ms=particles, grid_ms=grid, threads_ms=threads, peak_gb=peak)


if __name__ == "__main__":
    main()
