"""Crystallization: the conditions, the time, what is remembered, and what melts."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorium import Simulation, World
from sensorium.components import Carrier, Oscillator
from sensorium.components.anchors import Anchors
from sensorium.components.conditions import IdleMode
from sensorium.components.probe import DARK, FULL_WRITE, Probe
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.crystallization import Crystallization
from sensorium.systems.energy_ledger import EnergyLedger

DT = 0.1


def world_of(modulus: Any, conflict: Any = 0.0, *, coherent: bool = True, **parameters: Any) -> Simulation:
    """Carriers that keep what they are given: no coupling, no decay, drive by six oscillators of equal phase."""
    world = World(seed=1)
    crowd = world.create("crowd", [Oscillator], 6)[Oscillator]
    crowd.frequency, crowd.energy = np.linspace(-0.3, 0.3, 6), np.linspace(0.1, 0.6, 6)
    crowd.phase = 0.5 if coherent else np.arange(6) * np.pi / 3
    size = np.atleast_1d(modulus)
    carrier = world.create("carriers", [Carrier], len(size))[Carrier]
    carrier.frequency, carrier.gate_width, carrier.conflict = 0.0, 0.4, conflict
    carrier.amplitude[:, 0] = size
    flow = CarrierCoupling(coupling=0.0, decay=0.0, rotation=False, noise_temperature=0.0, drive="mean")
    return Simulation(world, [flow, Crystallization(**parameters), EnergyLedger()], dt=DT)


def states(sim: Simulation) -> list[int]:
    return sim.world.population("carriers")[Carrier].state.tolist()


def test_a_strong_carrier_becomes_stable_and_then_crystallizes_on_time() -> None:
    """Conditions met from step 1 on; `time` = 0.5 is reached with the fifth step, and stability comes first."""
    sim = world_of([2.0], time=0.5)
    told: list[tuple[str, int]] = []
    for kind in ("stabilized", "crystallized"):
        sim.world.events.on(kind, lambda event: told.append((event.kind, event.step)))
    sim.run(10)
    assert told == [("stabilized", 0), ("crystallized", 4)]


def test_amplitude_decides() -> None:
    sim = world_of([0.01, 0.3, 2.0], stable=0.25, amplitude=1.0, time=0.2)
    sim.world.population("crowd")[Oscillator].energy[:] = 0
    sim.run(5)
    assert states(sim) == [0, 1, 2]


def test_conflict_decides() -> None:
    """Six phases around the circle drive nothing coherent: the average conflict rises to 1 and nothing rises."""
    sim = world_of([2.0], 0.9, coherent=False, time=0.2)
    sim.run(20)
    assert states(sim) == [0]
    assert sim.world.population("carriers")[Carrier].conflict[0] > 0.5


def test_time_counts_only_without_a_break() -> None:
    sim = world_of([2.0], time=0.5)
    sim.run(4)
    carrier = sim.world.population("carriers")[Carrier]
    carrier.amplitude[:] = 0.1
    sim.run(1)
    assert carrier.settled[0] == 0
    carrier.amplitude[0] = [2.0, 0.0]
    sim.run(4)
    assert states(sim) == [1]
    sim.run(1)
    assert states(sim) == [2]


def test_anchors_are_those_that_drive_most() -> None:
    sim = world_of([2.0], time=0.1, anchors=3)
    sim.run(3)
    anchors = Anchors.of(sim.world)
    crowd = sim.world.population("crowd")
    weight = np.exp(-((crowd[Oscillator].frequency / 0.4) ** 2)) * np.sqrt(crowd[Oscillator].energy)
    best = np.sort(np.argsort(-weight)[:3])
    assert anchors.oscillator.tolist() == crowd.ids[best].tolist()
    np.testing.assert_allclose(anchors.weight, weight[best] / np.linalg.norm(weight[best]), rtol=1e-12)
    assert np.sum(anchors.weight**2) == pytest.approx(1)


def test_offsets_are_phases_seen_from_the_carrier() -> None:
    sim = world_of([2.0], time=0.1)
    crowd = sim.world.population("crowd")[Oscillator]
    crowd.phase[:] = 0.5 + 0.02 * np.arange(6)
    sim.run(2)
    psi = np.arctan2(*sim.world.population("carriers")[Carrier].amplitude[0][::-1])
    # oscillators go on turning in the step after the offsets were taken
    expected = 0.5 + 0.02 * np.arange(6) + crowd.frequency * 2 * DT - psi
    np.testing.assert_allclose(np.cos(Anchors.of(sim.world).phase), np.cos(expected), atol=0.05)


def test_a_crystal_that_is_contradicted_melts_if_it_may() -> None:
    for melting, after in ((None, 2), (0.6, 1)):
        sim = world_of([2.0], time=0.1, melting=melting)
        sim.run(3)
        assert states(sim) == [2]
        sim.world.population("crowd")[Oscillator].phase[:] = np.arange(6) * np.pi / 3
        sim.world.population("crowd")[Oscillator].energy[:] = 0.4
        sim.run(8)
        assert states(sim) == [after]
        assert len(Anchors.of(sim.world)) == (0 if melting else 6)


def test_exploration_lowers_the_thresholds() -> None:
    sim = world_of([0.2], stable=0.25)
    sim.world.insert(IdleMode("exploration", threshold=0.5))
    sim.run(1)
    assert states(sim) == [1]


@pytest.mark.parametrize(("policy", "counted"), [(DARK, False), (FULL_WRITE, True)])
def test_probes_are_anchors_only_if_they_may_write(policy: int, counted: bool) -> None:
    sim = world_of([2.0], time=0.1)
    probes = sim.world.create("probes", [Oscillator, Probe], 4)
    probes[Oscillator].frequency, probes[Oscillator].phase, probes[Oscillator].energy = 0.0, 0.5, 5.0
    probes[Probe].policy = policy
    sim.run(3)
    assert bool(np.isin(probes.ids, Anchors.of(sim.world).oscillator).any()) is counted
