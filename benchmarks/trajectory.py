"""Writing a trajectory: frames against h5py's guessed chunks and GSD, and what output costs a run."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from benchmarks.harness import Row, interleaved, report, wait_until_idle
from sensorium.components import Oscillator, Particle
from sensorium.engine.device import Device
from sensorium.engine.grid import Box
from sensorium.engine.simulation import Simulation
from sensorium.engine.world import World
from sensorium.io.commits import commit, extend
from sensorium.io.frames import FrameOptions
from sensorium.io.h5md import TrajectoryWriter
from sensorium.io.layout import column_spec, edges_spec
from sensorium.io.segment import Segment
from sensorium.io.spec import TABLES, Plan, Spec
from sensorium.scenarios.loader import load
from sensorium.systems.drag import Drag
from sensorium.systems.motion import Motion
from sensorium.systems.planck_exchange import PlanckExchange

N, FRAMES = 100_000, 50
COLLAPSE_STEPS, CHEAP_STEPS = 150, 2000  # opening and publishing take a tenth of a second, as in a run of any length
MEGABYTES = N * 12 / 1e6
HEADER = {"author": "", "version": "", "commit": "", "parameters": {}, "boundary": ["periodic"] * 3}
NOTHING: Any = (np.zeros(0, np.int64), np.zeros(0), {})


def ours(path: Path, frame: np.ndarray[Any, Any]) -> None:
    """A segment with box and clock, flushed twice for each frame."""
    path.unlink(missing_ok=True)
    plan = Plan(header=dict(HEADER))
    segment = Segment(path, plan, dict.fromkeys(TABLES, 0))
    extend(plan, segment, [edges_spec(), column_spec("gas", "position", frame.dtype, N, (3,), grows=False)])

    def put(spec: Spec) -> None:
        if spec.bulk:
            segment.put_row(spec, [((0, 0), frame)])
        else:
            segment.put_block(spec, np.ones((1, 3)))

    for k in range(FRAMES):
        commit(plan, segment, put, (k, float(k)), NOTHING, NOTHING)
    segment.discard()


def guessed(path: Path, frame: np.ndarray[Any, Any]) -> None:
    """What one writes by hand."""
    with h5py.File(path, "w") as file:
        dataset = file.create_dataset("position", (0, N, 3), "f4", maxshape=(None, N, 3), chunks=True)
        for k in range(FRAMES):
            dataset.resize(k + 1, 0)
            dataset[k] = frame


def gsd(path: Path, frame: np.ndarray[Any, Any]) -> None:
    """GSD's own writer."""
    import gsd.hoomd

    with gsd.hoomd.open(str(path), "w") as file:
        for k in range(FRAMES):
            one = gsd.hoomd.Frame()
            one.particles.N, one.particles.position, one.configuration.step = N, frame, k
            file.append(one)


def cheapest() -> Simulation:
    """1e5 particles in single precision, with three systems that read and write each row once: a step takes no longer
    than a frame, which is the hardest case for output."""
    world = World(1, device=Device("cpu", "single"))
    world.insert(Box((1.0, 1.0, 1.0), (32, 32, 32)))
    gas = world.create("gas", (Particle, Oscillator), N)
    rng = np.random.default_rng(0)
    gas[Particle].position = rng.random((N, 3))
    gas[Particle].velocity = rng.normal(size=(N, 3))
    gas[Particle].radius, gas[Particle].heat = 1e-3, 1.0
    return Simulation(world, [Motion(), Drag(), PlanckExchange()], dt=1e-3)


def running(folder: Path, every: int | None, columns: list[str] | None, *, cheap: bool) -> Callable[[], None]:
    """Many steps, with frames of `columns` every so many; opening and publishing the file is part of it."""

    def run() -> None:
        sim = cheapest() if cheap else load("collapse", device="cpu")
        if every is not None:
            frame = FrameOptions(columns=columns)
            sim.add_writer(TrajectoryWriter(folder / "run.h5", every, series=10, frame=frame, overwrite=True))
        sim.run(CHEAP_STEPS if cheap else COLLAPSE_STEPS)

    return run


def main() -> None:
    """Print the rows."""
    wait_until_idle()
    frame = np.random.default_rng(0).random((N, 3)).astype("f4")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        sides: dict[str, Callable[[], Any]] = {
            "ours": lambda: ours(folder / "ours.h5", frame),
            "guessed": lambda: guessed(folder / "guessed.h5", frame),
            "gsd": lambda: gsd(folder / "run.gsd", frame),
        }
        times = interleaved(sides, repeats=5)
        speed = {side: MEGABYTES * FRAMES / time.wall for side, time in times.items()}
        rows = [
            Row("trajectory write, 1e5 x 3 f4", "h5py, guessed chunks", speed["ours"], speed["guessed"], "MB/s",
                speed["ours"] / speed["guessed"], 8, 13),
            Row("trajectory write, 1e5 x 3 f4", "GSD", speed["ours"], speed["gsd"], "MB/s",
                speed["ours"] / speed["gsd"], 0.8, 0.95),
        ]  # fmt: skip
        for cheap, every, columns, must, stretch in (
            (False, 1, ["position"], 1.10, 1.05),
            (False, 10, ["position"], 1.02, 1.01),
            (False, 10, None, 1.05, 1.02),
            (True, 10, None, 1.05, 1.02),
        ):
            both = {
                "with": running(folder, every, columns, cheap=cheap),
                "without": running(folder, None, None, cheap=cheap),
            }
            runs = interleaved(both, repeats=3)
            what = "positions" if columns else "all columns"
            which = "three cheap systems" if cheap else "collapse"
            with_output, bare = runs["with"].wall, runs["without"].wall
            rows.append(
                Row(f"{which}, 1e5, {what} every {every} steps", "the same run without output", 1e3 * with_output,
                    1e3 * bare, "ms", with_output / bare, must, stretch, lower_is_better=True)
            )  # fmt: skip
    report("trajectory", rows)


if __name__ == "__main__":
    main()
