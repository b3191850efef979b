"""`position += velocity * dt` for 1e6 entities: the public API, esper per entity, and a bare numba loop."""

from __future__ import annotations

import esper
import numba
import numpy as np

from benchmarks.harness import Row, interleaved, report, wait_until_idle
from sensorium import Component, Field, Simulation, System, World, kernel
from sensorium.engine.device import Device
from sensorium.engine.kernel_threads import set_threads

N, ESPER_N, DT = 1_000_000, 100_000, 0.01


class Body(Component):
    """What the engine iterates."""

    position = Field("f8")
    velocity = Field("f8")


@kernel
def advance(i, position, velocity, dt):
    """One row."""
    position[i] += velocity[i] * dt


class Advance(System):
    """The system of a user."""

    reads = (Body.velocity,)
    writes = (Body.position,)
    phase = "drift"

    def step(self, dt: float) -> None:
        """All rows."""
        for population, body in self.query(Body):
            advance(population, body.position, body.velocity, dt)


@numba.njit(error_model="numpy")
def bare(position, velocity, dt):
    """The loop that one would write by hand."""
    for i in range(position.size):
        position[i] += velocity[i] * dt


class Position:
    """A component of esper."""

    def __init__(self) -> None:
        self.x = 0.0


class Velocity:
    """A component of esper."""

    def __init__(self) -> None:
        self.x = 1.0


def esper_step() -> None:
    """esper as its documentation shows it: one Python object per component and entity."""
    for _, (position, velocity) in esper.get_components(Position, Velocity):
        position.x += velocity.x * DT


def main() -> None:
    """Print the rows."""
    wait_until_idle()
    for _ in range(ESPER_N):
        esper.create_entity(Position(), Velocity())
    rows = []
    for precision, threads in (("single", 1), ("single", 2), ("double", 1), ("double", 2)):
        set_threads(threads)
        world = World(device=Device("cpu", precision))
        body = world.create("bodies", [Body], N)[Body]
        body.velocity = 1.0
        sim = Simulation(world, [Advance()], dt=DT)
        sim.run(20)
        x, v, dt = np.array(body.position), np.array(body.velocity), body.position.dtype.type(DT)
        # esper walks 1e5 Python objects, which empties the caches: the loop is timed apart from it
        loops = interleaved({"ours": sim.step, "bare": lambda x=x, v=v, dt=dt: bare(x, v, dt)}, repeats=101)
        found = interleaved({"ours": sim.step, "esper": esper_step}, repeats=15)
        loop = loops["bare"].wall / N * 1e9
        ours, peer = found["ours"].wall / N * 1e9, found["esper"].wall / ESPER_N * 1e9
        label = f"iterate 1e6 entities, {precision}, {threads} thread{'s' * (threads > 1)}"
        rows.append(Row(label, "esper 3.9 per entity", ours, peer, "ns per entity", peer / ours, 150, 240))
        if threads == 1:
            ours = loops["ours"].wall / N * 1e9
            rows.append(Row(f"{label}, overhead", "bare numba loop", ours, loop, "ns", ours / loop, 1.2, 1.0, True))
    report("iterate", rows)


if __name__ == "__main__":
    main()
