"""Splitting: who splits, where the child goes, and what it costs."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorium import Simulation, World
from sensorium.components import Carrier, Oscillator
from sensorium.components.probe import DARK, FULL_WRITE, NO_WRITE, Probe
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.splitting import Splitting

DT = 0.05


def quarrel(*, probes: dict[str, Any] | None = None, **parameters: Any) -> Simulation:
    """One broad carrier at 0 with its phase at 0, two groups of oscillators, the one at +0.3 in opposition."""
    world = World(seed=1)
    crowd = world.create("crowd", [Oscillator], 6)[Oscillator]
    crowd.frequency = [-0.31, -0.3, -0.29, 0.29, 0.3, 0.31]
    crowd.phase, crowd.energy = [0, 0, 0, 3.0, np.pi, 3.0], [0.5, 0.5, 0.5, 0.5, 0.5, 0.5]
    if probes:
        population = world.create("probes", [Oscillator, Probe], len(probes["frequency"]))
        for name, value in probes.items():
            setattr(population[Probe if name == "policy" else Oscillator], name, value)
    carrier = world.create("carriers", [Carrier], 1)[Carrier]
    carrier.frequency, carrier.gate_width, carrier.mass = 0.0, 0.6, 2.0
    carrier.amplitude[0] = [1.0, 0.0]
    # the rotating frame keeps the phases where they are
    flow = CarrierCoupling(coupling=0.0, decay=0.0, noise_temperature=0.0, frame="rotating")
    return Simulation(world, [flow, Splitting(**parameters), EnergyLedger()], dt=DT)


def split_of(sim: Simulation, steps: int = 20) -> list[Any]:
    found: list[Any] = []
    sim.world.events.on("split", found.append)
    sim.run(steps)
    return found


def test_the_child_sits_at_the_most_misaligned_oscillator() -> None:
    """1 - cos is largest at 0.3, where the phase is pi; T is larger at 0.29, where it is only 3.0 rad off."""
    sim = quarrel(window=0.05)
    split = split_of(sim, 3)
    carriers = sim.world.population("carriers")
    assert carriers.n == 2
    event = split[0].values
    assert event["parent"].tolist() == [int(carriers.ids[0])]
    assert event["id"].tolist() == [int(carriers.ids[1])]
    tuning = np.exp(-((np.array([0.29, 0.3, 0.31]) / 0.6) ** 2))
    misfit = tuning * (1 - np.cos([3.0, np.pi, 3.0]))
    assert event["frequency"][0] == [0.29, 0.3, 0.31][int(np.argmax(misfit))]
    assert carriers[Carrier].gate_width[1] == pytest.approx(0.3)


def test_the_mass_is_shared_and_nothing_is_booked() -> None:
    sim = quarrel(window=0.05, share=0.25)
    split_of(sim, 5)
    mass = sim.world.population("carriers")[Carrier].mass
    assert mass.tolist() == [1.5, 0.5]
    assert abs(sim.ledger.residual) < 1e-14
    assert not any("birth" in channel for channel in sim.ledger.booked)


def test_a_carrier_in_harmony_does_not_split() -> None:
    sim = quarrel()
    sim.world.population("crowd")[Oscillator].phase[:] = 0.2
    assert split_of(sim, 60) == []
    assert sim.world.population("carriers")[Carrier].conflict[0] < 1e-12


def test_the_average_follows_conflict_in_time_not_in_steps() -> None:
    """chi(t) = chi (1 - exp(-t / window)), whatever dt."""
    sim = quarrel(window=0.4, conflict=1.0)
    crowd = sim.world.population("crowd")[Oscillator]
    sim.run(10)
    tuning = np.exp(-((crowd.frequency / 0.6) ** 2))
    z = np.sqrt(0.5) * np.exp(1j * crowd.phase)
    chi = 1 - abs((tuning * z).sum()) / (tuning * np.sqrt(0.5)).sum()
    expected = chi * -np.expm1(-10 * DT / 0.4)
    assert sim.world.population("carriers")[Carrier].conflict[0] == pytest.approx(expected, rel=1e-9)


def test_no_child_where_a_carrier_already_is_and_none_above_capacity() -> None:
    crowded = quarrel(window=0.05)
    crowded.world.population("carriers").spawn(1, {Carrier.frequency: 0.31, Carrier.gate_width: 0.01})
    crowded.world.ledger.rebase()
    assert split_of(crowded) == []
    full = quarrel(window=0.05, capacity=1)
    assert split_of(full) == []


@pytest.mark.parametrize("policy", [NO_WRITE, DARK, FULL_WRITE])
def test_probes_never_seed_a_split_unless_they_may_write(policy: int) -> None:
    """The loudest opposition is a probe at 0.1; a dark one brings the split about, but the child goes elsewhere."""
    probe = {"frequency": [0.1, 0.1], "phase": np.pi, "energy": 8.0, "policy": policy}
    sim = quarrel(probes=probe, window=0.05)
    split = split_of(sim, 10)
    offenders = [int(event.values["oscillator"][0]) for event in split]
    ids = sim.world.population("probes").ids.tolist()
    assert bool(set(offenders) & set(ids)) is (policy == FULL_WRITE)
    assert split


def test_silent_probes_do_not_count_in_conflict() -> None:
    probe = {"frequency": [0.0], "phase": np.pi, "energy": 8.0, "policy": NO_WRITE}
    with_probe, without = quarrel(probes=probe), quarrel()
    with_probe.run(6)
    without.run(6)
    conflicts = [float(s.world.population("carriers")[Carrier].conflict[0]) for s in (with_probe, without)]
    assert conflicts[0] == pytest.approx(conflicts[1], rel=1e-9)


def test_what_a_carrier_does_not_hear_is_no_reason_to_split() -> None:
    """At 20 widths T is 1e-174: the ratio of two such sums says incoherent, but nothing there is heard."""
    sim = quarrel()
    carrier = sim.world.population("carriers")[Carrier]
    carrier.frequency[:] = 20 * carrier.gate_width[0]
    assert not split_of(sim, 40)
