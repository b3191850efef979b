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
COLLAPSE_STEPS, CHEAP_STEPS = 20, 200  # of a piece; whole frames at every cadence
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


class Running:
    """A run that goes on in pieces of a fixed number of steps, with frames of `columns` every so many of them.

    The file is opened before the first piece and published after the last: a tenth of a second, once in a run of any
    length, which is not counted.
    """

    def __init__(self, sim: Simulation, steps: int, output: tuple[Path, int, list[str] | None] | None = None) -> None:
        self.sim, self.steps = sim, steps
        self.writer: TrajectoryWriter | None = None
        sim.prepare()
        if output is not None:
            path, every, columns = output
            self.writer = TrajectoryWriter(path, every, series=10, frame=FrameOptions(columns=columns), overwrite=True)
            sim.add_writer(self.writer)
            self.writer.open(sim)

    def __call__(self) -> None:
        for _ in range(self.steps):
            self.sim.step()
            if self.writer is not None:
                self.writer.write(self.sim)

    def close(self) -> None:
        """Publish the file."""
        if self.writer is not None:
            self.writer.close(self.sim)


def costs(folder: Path) -> list[Row]:
    """Runs with output beside twins without, piece by piece; the cheap one is the hardest case there is."""
    rows = []
    for name, every, columns, must, stretch in (
        ("collapse", 1, ["position"], 1.10, 1.05),
        ("collapse", 10, ["position"], 1.02, 1.01),
        ("collapse", 10, None, 1.05, 1.02),
        ("three cheap systems", 10, None, 1.05, 1.02),
    ):
        cheap = name != "collapse"
        steps = CHEAP_STEPS if cheap else COLLAPSE_STEPS
        twins = [cheapest() if cheap else load("collapse", device="cpu") for _ in range(2)]
        kept, bare = Running(twins[0], steps, (folder / "run.h5", every, columns)), Running(twins[1], steps)
        taken = interleaved({"with": kept, "without": bare}, repeats=11)
        kept.close()
        ours, theirs = 1e3 * taken["with"].wall / steps, 1e3 * taken["without"].wall / steps
        part = f"{name}, 1e5, {'positions' if columns else 'all columns'} every {every} steps"
        figures = ours, theirs, "ms/step", ours / theirs, must, stretch
        rows.append(Row(part, "the same run without output", *figures, lower_is_better=True))
    return rows


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
        rows += costs(folder)
    report("trajectory", rows)


if __name__ == "__main__":
    main()
