"""A step of ten systems, one kernel each, over 1,000 rows: what the engine itself costs."""

from __future__ import annotations

import statistics
import time

from benchmarks.harness import Row, report, wait_until_idle
from sensorium import Component, Field, Simulation, System, World, kernel
from sensorium.engine.device import Device

ROWS, SYSTEMS = 1000, 10


class Body(Component):
    """Three coordinates and three velocities."""

    position = Field("f8", shape=(3,))
    velocity = Field("f8", shape=(3,))


@kernel
def advance(i, position, velocity, dt):
    """One row."""
    position[i, 0] += velocity[i, 0] * dt
    position[i, 1] += velocity[i, 1] * dt
    position[i, 2] += velocity[i, 2] * dt


class Advance(System):
    """One of the ten."""

    reads = (Body.velocity,)
    writes = (Body.position,)
    phase = "drift"

    def step(self, dt: float) -> None:
        """All rows."""
        for population, body in self.query(Body):
            advance(population, body.position, body.velocity, dt)


def main() -> None:
    """Print the rows."""
    wait_until_idle()
    rows = []
    for precision in ("single", "double"):
        world = World(device=Device("cpu", precision))
        world.create("bodies", [Body], ROWS)[Body].velocity = 1.0
        names = [f"advance-{k}" for k in range(SYSTEMS)]
        systems = [Advance(instance=name) for name in names]
        for k, system in enumerate(systems):
            system.after = tuple(names[:k])  # type: ignore[misc]
        sim = Simulation(world, systems, dt=1e-3)
        sim.run(500)
        times = []
        for _ in range(2000):
            start = time.perf_counter()
            sim.step()
            times.append(time.perf_counter() - start)
        micro = statistics.median(times) * 1e6
        label = f"{SYSTEMS}-kernel step at n = {ROWS}, {precision}"
        rows.append(Row(label, "bound", micro, None, "us", micro, 25, 11, lower_is_better=True))
    report("small_step", rows)


if __name__ == "__main__":
    main()
