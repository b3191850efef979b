"""The packaged scenarios of gravity, pressure and heat give the results that their headers state."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sensorium.components import Particle
from sensorium.engine.plugins import Registry
from sensorium.engine.simulation import Simulation
from sensorium.scenarios.lattice import lattice_sites
from sensorium.scenarios.loader import load


def amplitude(sim: Simulation) -> float:
    """Of the displacement along x, in units of what it was."""
    gas = sim.world.population("gas")
    sites, _ = lattice_sites("sc", gas.n, (1, 1, 1))
    sites, wave = sites[gas.ids], np.sin(2 * np.pi * sites[gas.ids, 0])
    moved = (gas[Particle].position - sites + 0.5) % 1 - 0.5
    assert np.abs(moved[:, 1:]).max() < 1e-12
    return float(moved[:, 0] @ wave / (wave @ wave)) / 1e-4


def test_jeans(registry: Registry) -> None:
    sim = load("jeans", registry=registry, device="cpu")
    assert amplitude(sim) == pytest.approx(1.0)
    sim.run()
    assert math.acosh(amplitude(sim)) == pytest.approx(3.4982, rel=2e-3)
    assert amplitude(sim) == pytest.approx(16.5, rel=0.01)
    assert abs(sim.series()["energy/residual"]) < 1e-12


def test_sound(registry: Registry) -> None:
    sim = load("sound", registry=registry, device="cpu")
    found = [amplitude(sim)]
    for _ in range(100):
        sim.run(2)
        found.append(amplitude(sim))
    times = 0.01 * np.arange(101)
    # the pitch that fits best, on a grid of pitches a hundredth of the tolerance apart
    pitches = 2 * np.pi * 0.9747 * (1 + np.linspace(-5e-3, 5e-3, 1001))
    error = ((np.cos(pitches[:, None] * times) - found) ** 2).sum(axis=1)
    assert pitches[error.argmin()] == pytest.approx(2 * np.pi * 0.9747, rel=1e-3)
    assert np.abs(np.cos(2 * np.pi * 0.9747 * times) - found).max() < 0.01
    series = sim.series()
    assert abs(series["momentum/x"]) < 1e-15
    assert series["energy/heat"] == pytest.approx(1.0, rel=1e-14)
    assert series["energy/booked/pressure"] == pytest.approx(series["energy/kinetic"], rel=1e-9)


def test_heat_front(registry: Registry) -> None:
    sim = load("heat-front", registry=registry, device="cpu")
    cold = sim.world.population("cold")[Particle]
    before = cold.heat.sum()
    for _ in range(4):
        sim.run(25)
        expected = 2 * math.sqrt(0.01 * sim.world.clock.time / math.pi)
        # at first the front is thinner than the cells that see it
        assert cold.heat.sum() - before == pytest.approx(expected, rel=0.03 if sim.world.clock.time > 0.9 else 0.06)
    assert expected == pytest.approx(0.1128, abs=1e-4)
    assert sim.series()["energy/total"] == pytest.approx(1.5, rel=1e-13)
    assert abs(sim.series()["energy/residual"]) < 1e-13
