"""The packaged scenarios of the spectral layer give the results that their headers state."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

import sensorium as sm
from sensorium.components import Carrier, Oscillator
from sensorium.components.anchors import Anchors


def order(sim: Any, population: str) -> float:
    return float(abs(np.exp(1j * sim.world.population(population)[Oscillator].phase).mean()))


def test_resonance() -> None:
    sim = sm.load("resonance")
    choirs = {"low": 1.0, "middle": 3.0, "high": 5.0}
    assert all(order(sim, name) < 0.3 for name in choirs)
    sim.run(1)
    carriers = sim.world.select(Carrier)
    assert len(sim.world.select(Oscillator).coupled_to(carriers, threshold=0.09)) == 600
    sim.run(1499)
    crystals = sim.world.select(Carrier).where(state="crystallized")
    anchors = Anchors.of(sim.world)
    for name, frequency in choirs.items():
        assert order(sim, name) > 0.9
        near = crystals.where(frequency=(frequency - 0.3, frequency + 0.3))
        assert len(near) > 0
        for carrier in near.ids:
            own = anchors.oscillator[anchors.rows_of(int(carrier))]
            assert len(own) == 16
            assert np.isin(own, sim.world.population(name).ids).all()
    assert abs(sim.ledger.residual) < 1e-12


@pytest.mark.parametrize(("rotation", "low", "high"), [(True, 0.9137, 0.9337), (False, 0.0, 0.1)])
def test_kuramoto_carriers(rotation: bool, low: float, high: float) -> None:
    sim = sm.load("kuramoto-carriers", overrides={"systems.carrier-coupling.rotation": rotation})
    sim.run(600)
    values = []
    for _ in range(30):
        sim.run(10)
        values.append(sim.series()["order/r"])
    assert low <= np.mean(values) <= high


def test_splitting() -> None:
    sim = sm.load("splitting")
    told: list[Any] = []
    sim.world.events.on("split", told.append)
    sim.run()
    assert len(told) == 1
    assert told[0].step < 100
    carrier = sim.world.population("carriers")[Carrier]
    assert carrier.frequency[1] == pytest.approx(1.0, abs=0.1)
    assert carrier.gate_width[1] == pytest.approx(0.8)
    assert carrier.conflict[1] < 0.05
    assert carrier.conflict[0] < 0.35
    assert min(order(sim, "left"), order(sim, "right")) > 0.99
    assert carrier.mass.tolist() == [2.0, 2.0]
    assert "carrier-birth" not in sim.ledger.booked


def test_starvation() -> None:
    sim = sm.load("starvation")
    died: list[Any] = []
    sim.world.events.on("died", died.append)
    sim.run()
    assert [event.step + 1 for event in died] == [1000]
    carriers = sim.world.select(Carrier)
    assert carriers.values("frequency").tolist() == [1.9, 2.1]
    assert (carriers.values("mass") > 0.5).all()
    assert abs(sim.ledger.residual) < 1e-12


def test_idle() -> None:
    sim = sm.load("idle")
    pair = sim.world.population("carriers")[Carrier].frequency
    distances, spreads = [], []
    for _ in range(3):
        sim.run(800)
        samples = []
        for _ in range(10):
            sim.run(20)
            samples.append((sim.world.population("silent")[Carrier].amplitude ** 2).sum(axis=1).mean())
        distances.append(float(abs(pair[1] - pair[0])))
        spreads.append(np.mean(samples))
    assert distances[0] == pytest.approx(0.1)
    assert distances[1] == distances[2] > 0.2
    # 200 carriers, ten samples 0.4 decay times apart: about 900 independent ones, 3 sigma is 10%
    assert spreads == pytest.approx([0.05, 0.1, 0.4], rel=0.15)


@pytest.mark.parametrize(("policy", "fossils"), [(0, False), (1, False), (2, True)])
def test_probe_policies(policy: int, fossils: bool) -> None:
    sim = sm.load("probe-policies", overrides={"populations.probes.components.probe.policy": policy})
    offenders: list[int] = []
    sim.world.events.on("split", lambda event: offenders.extend(event.values["oscillator"].tolist()))
    sim.run()
    anchors, probes = Anchors.of(sim.world).oscillator, sim.world.population("probes").ids
    assert len(anchors) == 16
    assert bool(np.isin(anchors, probes).any()) is fossils
    if not fossils:
        assert not np.isin(offenders, probes).any()
