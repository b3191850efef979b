"""The whole spatial step against Taichi: gravity, pressure, heat, drag, contact and motion; 1e5 spheres, phi .3, 64^3.

The peer, in ``whole_step_taichi.py``, is written for this comparison and as fast as its author could make it: single
precision, fused kernels, neighbour lists with a skin, rows sorted by cell whenever lists are made, and on one thread
deposits without atomics. Taichi has no Fourier transform. The peer's goes through ducc0, in place, on an array that its
kernels share without a copy; Jacobi or multigrid sweeps to the same accuracy would take several times as long. Heat is
explicit on both sides, so that nothing else depends on transforms. The peer books no energies and proves nothing about
the order of its sums: it may leave out what only we promise.

Both start from the same state, warm up for the same number of steps and are timed in turn; before that, the paths of
all particles over the first steps are compared, so that both compute the same physics.
"""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np

from benchmarks.contact import start
from benchmarks.harness import Row, interleaved, report, wait_until_idle
from sensorium import Simulation, World
from sensorium.components import Particle
from sensorium.engine.device import Device
from sensorium.engine.grid import Box
from sensorium.engine.kernel_threads import set_threads
from sensorium.engine.world import Constants
from sensorium.systems.collision import Collision
from sensorium.systems.drag import Drag
from sensorium.systems.gravity import Gravity
from sensorium.systems.motion import Motion
from sensorium.systems.pressure import Pressure
from sensorium.systems.thermal import Thermal

COUNT, CELLS, FRACTION, WARM_UP, CALLS, COMPARED = 100_000, 64, 0.30, 500, 10, 50
PHYSICS = {
    "dt": 5e-4, "modulus": 75_000.0, "damping": 50.0, "gravity": 1e-3, "gas_constant": 0.5, "viscosity": 1e-3,
    "diffusivity": 1.0, "heat": 1.0,
}  # fmt: skip


def ours(state: dict[str, Any], precision: Any) -> Simulation:
    """Six systems of the library; the ledger is kept, as in every run."""
    world = World(device=Device("cpu", precision))
    world.insert(Box((state["edge"],) * 3, (CELLS,) * 3))
    world.insert(Constants(boltzmann=PHYSICS["gas_constant"], specific_heat=1.0))
    particle = world.create("grains", [Particle], len(state["x"]))[Particle]
    particle.position, particle.velocity = state["x"], state["v"]
    particle.mass, particle.radius, particle.heat = np.pi / 6, 0.5, PHYSICS["heat"]
    systems = [
        Motion(), Gravity(G=PHYSICS["gravity"]), Pressure(), Drag(viscosity=PHYSICS["viscosity"]),
        Collision(modulus=PHYSICS["modulus"], damping={"coefficient": PHYSICS["damping"]}),
        Thermal(diffusivity=PHYSICS["diffusivity"], solver="explicit"),
    ]  # fmt: skip
    return Simulation(world, systems, dt=PHYSICS["dt"])


def positions(simulation: Simulation) -> Any:
    """Where the spheres are, by id."""
    population = simulation.world.population("grains")
    return population[Particle].position[np.argsort(population.ids)]


def compare(state: dict[str, Any], peer: Any, simulation: Simulation) -> dict[str, float]:
    """After some steps: the greatest distance between the two paths of a sphere, and the longest path."""
    simulation.run(COMPARED)
    for _ in range(COMPARED):
        peer.step()
    edge = state["edge"]

    def apart(a: Any, b: Any) -> float:
        away = a - b
        return float(np.abs(away - edge * np.rint(away / edge)).max())

    found = {"apart": apart(positions(simulation), peer.positions()), "moved": apart(peer.positions(), state["x"])}
    print(f"after {COMPARED} steps paths differ by {found['apart']:.2g}, the longest is {found['moved']:.2g}")
    if found["apart"] > 0.01 * found["moved"]:
        sys.exit("the two sides do not compute the same physics")
    return found


def main() -> None:
    """Print the row."""
    if importlib.util.find_spec("taichi") is None:
        print("taichi is not installed: nothing to compare with")
        return
    from benchmarks.whole_step_taichi import Peer

    wait_until_idle()
    set_threads(1)
    state = start(COUNT, FRACTION)
    peer, single, double = Peer(state, CELLS, PHYSICS), ours(state, "single"), ours(state, "double")
    same = compare(state, peer, single)
    double.run(COMPARED)

    def warm_up() -> None:
        for _ in range(WARM_UP):
            peer.step()
        peer.wait()
        single.run(WARM_UP)
        double.run(WARM_UP)

    def steps_of_peer() -> None:
        for _ in range(CALLS):
            peer.step()
        peer.wait()

    warm_up()
    sides = {"ours": lambda: single.run(CALLS), "double": lambda: double.run(CALLS), "taichi": steps_of_peer}
    timings = interleaved(sides, repeats=5)
    mine, exact, theirs = (1e9 * timings[side].wall / CALLS / COUNT for side in sides)
    part = "whole spatial step, 1e5 on 64^3, phi .3"
    rows = [
        Row(f"{part}, {precision}", "Taichi 1.7.4 (f32)", figure, theirs, "ns/particle", theirs / figure, 8, 12)
        for precision, figure in (("single", mine), ("double", exact))
    ]
    report("whole_step", rows, compared=same)


if __name__ == "__main__":
    main()
