"""Anchors in a trajectory: as many rows as there are, in every frame."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from sensorium import Simulation, World
from sensorium.components import Carrier, Oscillator
from sensorium.components.anchors import Anchors
from sensorium.io.output import record
from sensorium.io.run import open as open_run
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.crystallization import Crystallization


def test_anchors_are_a_table_of_the_trajectory(tmp_path: Path) -> None:
    world = World(seed=1)
    crowd = world.create("crowd", [Oscillator], 5)
    crowd[Oscillator].frequency, crowd[Oscillator].phase = 0.0, [0.0, 0.1, 0.2, 0.1, 0.3]
    carriers = world.create("carriers", [Carrier], 2)
    carriers[Carrier].frequency, carriers[Carrier].amplitude = 0.0, [[2.0, 0.0], [0.1, 0.0]]
    flow = CarrierCoupling(noise_temperature=0.0, coupling=0.1)
    sim = Simulation(world, [flow, Crystallization(time=0.2, amplitude=1.0, anchors=3)], dt=0.1, steps=6)
    record(sim, tmp_path / "run.h5", {"trajectory": {"every": 1}})
    seen = [Anchors.of(world).columns()]

    class Watch:
        def open(self, sim: Simulation) -> None: ...
        def close(self, sim: Simulation) -> None: ...
        def restore(self, state: object) -> None: ...
        def state(self) -> dict[str, object]:
            return {}

        def write(self, sim: Simulation) -> None:
            seen.append(Anchors.of(world).columns())

    sim.add_writer(Watch())
    sim.run()
    run = open_run(tmp_path / "run.h5")
    assert "anchors" in run.populations
    counts = [len(columns["carrier"]) for columns in seen]
    assert counts[0] == 0
    assert counts[-1] == 6
    for frame, columns in enumerate(seen):
        for name, expected in columns.items():
            np.testing.assert_array_equal(run["anchors"][name][frame], expected)
    with h5py.File(tmp_path / "run.h5") as file:
        assert set(file["particles/anchors"]) >= {"carrier", "oscillator", "weight", "phase"}
