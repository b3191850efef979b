"""Metabolism against closed forms: linear mass, and the step of death (paper, equation 20)."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from spectral_worlds import WIDE, carrier, oscillator, spectral

from sensorium.components import Carrier
from sensorium.components.anchors import Anchors
from sensorium.systems.metabolism import Metabolism
from sensorium.systems.statistics import Statistics

MEAN = 0.6
COST = (0.3, 0.1, 0.0)


def starving(mass: Any, state: Any, dt: float, **parameters: Any) -> Any:
    """Carriers far from every oscillator: no income."""
    oscillators = {"frequency": 0.0, "phase": 0.0, "energy": [0.2, 1.0]}
    carriers = {"frequency": 50.0 + np.arange(len(mass)), "gate_width": 0.1, "mass": mass, "state": state}
    systems = [Metabolism(**{"cost": COST, **parameters})]
    return spectral(oscillators, carriers, dt=dt, coupling=0.0, systems=systems)


def test_mass_falls_linearly() -> None:
    """M(t) = M0 - c E t, per state, to rounding of a sum of 200 terms."""
    sim = starving([2.0, 3.0, 4.0], [0, 1, 2], 0.01)
    sim.run(200)
    np.testing.assert_allclose(carrier(sim).mass, [2 - 0.3 * MEAN * 2, 3 - 0.1 * MEAN * 2, 4.0], rtol=1e-13)
    assert abs(sim.ledger.residual) < 1e-14


@pytest.mark.parametrize("dt", [0.003, 0.01, 0.07])
def test_death_comes_at_the_exact_step(dt: float) -> None:
    """The first n with M0 - c E n dt <= 0, for every carrier."""
    mass = np.array([0.1001, 0.2503, 0.4007])
    sim = starving(mass, 0, dt)
    died: dict[int, int] = {}
    sim.world.events.on("died", lambda event: died.update(dict.fromkeys(event.values["id"].tolist(), event.step)))
    ids = sim.world.population("carriers").ids.tolist()
    due = [math.ceil(m / (COST[0] * MEAN * dt)) for m in mass]
    sim.run(max(due) + 2)
    # the step that is being computed is counted from 0
    assert [died[i] + 1 for i in ids] == due
    assert sim.world.population("carriers").n == 0
    assert abs(sim.ledger.residual) < 1e-14


def test_income_is_the_power_of_the_drive() -> None:
    """dM/dt = max(0, Re(C* D)) - cost: C held by freezing, D constant."""
    oscillators = {"frequency": 0.0, "phase": [0.3, 1.0, 2.0], "energy": [0.2, 0.6, 1.0]}
    amplitudes = np.array([[0.7, 0.2], [-0.9, -0.4]])
    carriers = {"frequency": 0.0, "gate_width": WIDE, "amplitude": amplitudes, "state": 2, "mass": 5.0}
    sim = spectral(oscillators, carriers, dt=0.02, coupling=0.0, systems=[Metabolism(income=1.5, cost=(0, 0, 0.25))])
    drive = (np.sqrt(oscillator(sim).energy) * np.exp(1j * oscillator(sim).phase)).sum()
    power = (amplitudes @ [drive.real, drive.imag]).clip(0)
    assert (power == 0).sum() == 1
    sim.run(100)
    np.testing.assert_allclose(carrier(sim).mass, 5.0 + 2.0 * (1.5 * power - 0.25 * 0.6), rtol=1e-12)


def test_nothing_starves_in_a_cold_world_unless_the_cost_has_a_floor() -> None:
    cold = starving([0.1], 0, 0.1)
    oscillator(cold).energy[:] = 0
    cold.run(200)
    assert carrier(cold).mass[0] == 0.1
    floored = starving([0.1], 0, 0.1, floor=0.5)
    oscillator(floored).energy[:] = 0
    floored.run(200)
    assert floored.world.population("carriers").n == 0


def test_the_statistics_of_the_step_set_the_cost() -> None:
    sim = starving([2.0], 0, 0.1)
    with_statistics = spectral(
        {"frequency": 0.0, "phase": 0.0, "energy": [0.2, 1.0]},
        {"frequency": 50.0, "gate_width": 0.1, "mass": 2.0},
        dt=0.1,
        coupling=0.0,
        systems=[Statistics(), Metabolism(cost=COST)],
    )
    sim.run(10)
    with_statistics.run(10)
    assert carrier(sim).mass[0] == pytest.approx(float(carrier(with_statistics).mass[0]), rel=1e-14)


def test_a_ceiling_keeps_mass_bounded_and_the_ledger_closed() -> None:
    oscillators = {"frequency": 0.0, "phase": 0.0, "energy": [1.0, 1.0]}
    carriers = {"frequency": 0.0, "gate_width": 1.0, "mass": 0.5}
    sim = spectral(oscillators, carriers, dt=0.1, systems=[Metabolism(ceiling=1.25)])
    sim.run(200)
    assert carrier(sim).mass[0] == 1.25
    assert abs(sim.ledger.residual) < 1e-13


def test_anchors_of_the_dead_are_forgotten() -> None:
    sim = starving([0.01, 5.0], [0, 0], 0.1)
    ids = sim.world.population("carriers").ids
    for k in ids:
        Anchors.of(sim.world).put(int(k), sim.world.population("oscillators").ids, 1.0, 0.0)
    sim.run(5)
    assert Anchors.of(sim.world).carriers.tolist() == [int(ids[1])]
    assert sim.world.population("carriers")[Carrier].mass[0] > 4
