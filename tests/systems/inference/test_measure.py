"""Measurements: argmax, Boltzmann draws, and the spectrum."""

from __future__ import annotations

import numpy as np
import pytest

from sensorium import ScenarioError, Simulation, World
from sensorium.components import Carrier, Oscillator, Token
from sensorium.components.probe import Probe
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.inference.measure import hard, measure, soft, spectral
from sensorium.systems.measurement import Measurement
from sensorium.systems.observer import Observer


def stream(energies: list[list[float]]) -> World:
    """One slot per list, one candidate byte per energy."""
    world = World(seed=11)
    rows = [(slot, byte, e) for slot, group in enumerate(energies) for byte, e in enumerate(group)]
    text = world.create("text", [Oscillator, Token], len(rows))
    text[Token].index, text[Token].byte = [10 * s for s, _, _ in rows], [65 + b for _, b, _ in rows]
    text[Oscillator].energy = [e for _, _, e in rows]
    probes = world.create("probes", [Oscillator, Token, Probe], 1)
    probes[Token].index, probes[Oscillator].energy = 0, 99.0
    carrier = world.create("carriers", [Carrier], 3)[Carrier]
    carrier.frequency, carrier.amplitude = [2.0, -1.0, 0.5], [[3.0, 0.0], [0.0, 4.0], [0.0, 0.0]]
    return world


def test_hard_takes_the_largest_at_each_place() -> None:
    world = stream([[0.1, 0.9, 0.3], [0.5, 0.5], [0.0, 0.0, 0.2]])
    reading = hard(world)
    assert reading.place.tolist() == [0, 10, 20]
    assert reading.bytes() == b"BAC"
    assert reading.probability.tolist() == pytest.approx([0.9 / 1.3, 0.5, 1.0])
    assert len(reading) == 3


def test_storage_order_does_not_matter() -> None:
    world = stream([[0.1, 0.9, 0.3], [0.5, 0.5], [0.0, 0.0, 0.2]])
    world.population("text").reorder(np.random.default_rng(0).permutation(8))
    assert hard(world).bytes() == b"BAC"


def test_soft_draws_from_the_boltzmann_distribution() -> None:
    """4000 draws of one slot: each share within 3.5 sigma of exp(E / T) / Z."""
    energy = np.array([0.1, 0.2, 0.35])
    world = stream([energy.tolist()])
    drawn = np.array([soft(world, temperature=0.1, draw=n).value[0] for n in range(4000)]) - 65
    expected = np.exp(energy / 0.1) / np.exp(energy / 0.1).sum()
    share = np.bincount(drawn, minlength=3) / 4000
    assert (np.abs(share - expected) < 3.5 * np.sqrt(expected * (1 - expected) / 4000)).all()
    chosen = soft(world, temperature=0.1, draw=5)
    assert chosen.probability[0] == pytest.approx(expected[int(chosen.value[0]) - 65])
    assert soft(world, temperature=0.1, draw=5).value.tolist() == chosen.value.tolist()


def test_soft_becomes_hard_when_cold() -> None:
    world = stream([[0.1, 0.9, 0.3], [0.4, 0.5]])
    assert soft(world, temperature=1e-4).bytes() == hard(world).bytes()


def test_spectral_reads_the_carriers() -> None:
    world = stream([[1.0]])
    reading = spectral(world)
    assert reading.place.tolist() == [-1.0, 0.5, 2.0]
    assert reading.value.tolist() == [16.0, 0.0, 9.0]
    assert reading.probability.tolist() == [16 / 25, 0.0, 9 / 25]


def test_an_empty_world_reads_nothing() -> None:
    for mode in ("hard", "soft", "spectral"):
        assert len(measure(World(), mode)) == 0
    with pytest.raises(ValueError, match="not one of hard, soft, spectral"):
        measure(World(), "loud")  # type: ignore[arg-type]


def test_the_system_tells_what_it_read() -> None:
    world = stream([[0.1, 0.9], [0.5, 0.2]])
    told = []
    world.events.on("measured", told.append)
    Simulation(world, [Measurement(every=2)], dt=0.1).run(5)
    assert [event.step for event in told] == [1, 3]
    assert told[0].values["value"].tolist() == [66, 65]


def test_observers_give_series() -> None:
    world = stream([[0.1, 0.9], [0.5, 0.2]])
    sim = Simulation(
        world,
        [
            CarrierCoupling(noise_temperature=0.0),
            Observer(where={"amplitude": [1.0, None]}, quantity="phase"),
            Observer(instance="best", of="oscillator", top={"by": "energy", "count": 1}, quantity="energy"),
            Observer(instance="everyone", of="oscillator", probes=True),
        ],
        dt=0.1,
    )
    series = sim.series()
    assert series["observer/count"] == 2
    assert 0 <= series["observer/phase/order"] <= 1
    assert series["best/energy/mean"] == 0.9
    assert series["everyone/count"] == 5
    assert series["best/count"] == 1


def test_observers_refuse_unknown_quantities() -> None:
    with pytest.raises(ScenarioError, match="carrier has no quantity 'loudness'"):
        Simulation(World(), [Observer(quantity="loudness")], dt=0.1)
