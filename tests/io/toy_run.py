"""A small run in plain numpy: particles that drift and swap rows, carriers that are born and die, events, a field."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from sensorium.components import Carrier, Oscillator, Particle
from sensorium.engine.grid import Box
from sensorium.engine.simulation import Simulation
from sensorium.engine.system import System, param
from sensorium.engine.world import World
from sensorium.io.output import output_state, record, resume

EDGES, CELLS = (1.0, 2.0, 3.0), (4, 6, 8)
OUTPUT: dict[str, Any] = {
    "trajectory": {"every": 10, "fields": ["density"]},
    "series": {"every": 1},
    "checkpoint": {"every": 37},
}


class ToyDrift(System):
    """Straight motion in a periodic box; heat and energy trade places."""

    writes = (Particle.position, Particle.heat, Oscillator.phase, Oscillator.energy)
    reads = (Particle.velocity, Particle.mass, Oscillator.frequency)
    phase = "drift"

    def step(self, dt: float) -> None:
        edges = np.array(self.world.resource(Box).edges)
        for _, particle, oscillator in self.query(Particle, Oscillator):
            particle.position[:] = (particle.position + dt * particle.velocity) % edges
            oscillator.phase[:] = (oscillator.phase + dt * oscillator.frequency) % (2 * np.pi)
            flow = 0.1 * dt * oscillator.energy
            oscillator.energy[:] -= flow
            particle.heat[:] += flow

    def stores(self) -> dict[str, float]:
        found = {"heat": 0.0, "oscillator": 0.0, "kinetic": 0.0}
        for _, particle, oscillator in self.query(Particle, Oscillator):
            found["heat"] += float(particle.heat.sum())
            found["oscillator"] += float(oscillator.energy.sum())
            found["kinetic"] += float(0.5 * (particle.mass * (particle.velocity**2).sum(1)).sum())
        return found

    def observe(self) -> dict[str, float]:
        for _, oscillator in self.query(Oscillator):
            return {"order/r": float(abs(np.exp(1j * oscillator.phase).mean()))}
        return {}

    def fields(self) -> Mapping[str, Callable[[], Any]]:
        return {"density": self._density}

    def _density(self) -> Any:
        box = self.world.resource(Box)
        counts = np.zeros(box.cells)
        for _, particle in self.query(Particle):
            cell = np.floor(particle.position / box.spacing).astype(int) % box.cells
            np.add.at(counts, tuple(cell.T), particle.mass)
        return counts / box.cell_volume


class ToyLives(System):
    """Carriers are born at some steps and die at others, by the step alone; late ones make a new series."""

    writes = (Carrier.amplitude, Carrier.mass)
    phase = "lifecycle"
    births: int = param(3, ge=0, doc="carriers born at a birth step")

    def setup(self) -> None:
        self.world.events.emit("ready", births=self.births)

    def step(self, dt: float) -> None:
        step = self.world.clock.step
        for population, carrier in self.query(Carrier):
            carrier.amplitude[:] *= 0.99
            if step % 7 == 3:
                count = self.births * (1 + step // 50)
                values = {Carrier.frequency: 0.1 * np.arange(count) + step, Carrier.amplitude: (0.5, 0.25)}
                ids = self.world.commands.spawn(population, count, values)
                self.world.events.emit("born", id=ids, parent=-1, energy=0.25 * np.ones(count))
            if step % 11 == 5 and population.n > 4:
                ids = np.sort(population.ids)[::3].copy()
                self.world.commands.despawn(population, ids)
                self.world.events.emit("died", id=ids, reason="starved")

    def observe(self) -> dict[str, float]:
        for population, _ in self.query(Carrier):
            late = {"carriers/late": 1.0} if self.world.clock.step > 45 else {}
            return {"carriers/count": float(population.n), **late}
        return {}


class ToyShuffle(System):
    """Changes the order of rows, as a spatial sort does; files must not show it."""

    phase = "end"

    def step(self, dt: float) -> None:
        for population, _ in self.query(Particle):
            rng = np.random.default_rng(self.world.clock.step)
            population.reorder(rng.permutation(population.n))


def toy(
    steps: int = 120, count: int = 50, *, seed: int = 1, lives: bool = True, precision: str = "double"
) -> Simulation:
    """The run, at step 0."""
    world = World(seed, precision)
    world.insert(Box(EDGES, CELLS))
    gas = world.create("gas", (Particle, Oscillator), count)
    rng = np.random.default_rng(seed)
    gas[Particle].position[:] = rng.random((count, 3)) * EDGES
    gas[Particle].velocity[:] = rng.normal(size=(count, 3))
    gas[Particle].mass[:] = 0.5
    gas[Oscillator].frequency[:] = rng.normal(size=count)
    systems: list[System] = [ToyDrift(), ToyShuffle()]
    if lives:
        world.create("carriers", (Carrier,), capacity=64)
        systems.append(ToyLives())
    resolved = {"name": "toy", "run": {"steps": steps, "seed": seed}}
    return Simulation(
        world, systems, dt=0.01, steps=steps,
        provenance={"scenario": "name: toy\n", "resolved": json.dumps(resolved), "argv": "[]", "git": "none"},
    )  # fmt: skip


def main(path: str, steps: str, *options: str) -> None:
    """What ``senso run`` does: the same command begins, or goes on."""
    print("ready", flush=True)
    if output_state(path) == "complete":
        return
    sim = toy(int(steps))
    output = {**OUTPUT, **json.loads(options[0] if options else "{}")}
    record(sim, path, output)
    resume(sim, path)
    sim.run()


if __name__ == "__main__":
    main(*sys.argv[1:])
