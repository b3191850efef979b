"""The collapse closes its books: every spatial system on, double precision."""

from __future__ import annotations

import numpy as np
import pytest

import sensorium as sm
from sensorium import Simulation
from sensorium.components import Particle

SMALL = {
    "populations.gas.count": 5000,
    "box.grid": [16, 16, 16],
    "populations.gas.components.particle.mass": 2.0e-4,
    "populations.gas.components.particle.radius": 0.01,
    "populations.gas.components.particle.heat": 2.0e-5,
}


def worst_residual(sim: Simulation, steps: int) -> float:
    """Largest residual after any step. 1e-10 is the claim; rounding alone gives about 1e-15 sqrt(steps)."""
    worst = 0.0
    for _ in range(steps):
        sim.step()
        worst = max(worst, abs(sim.ledger.residual))
    return worst


def momentum(sim: Simulation) -> tuple[np.ndarray, float]:
    particle = sim.world.population("gas")[Particle]
    each = particle.mass[:, None] * particle.velocity
    return each.sum(axis=0), np.abs(each).sum()


def test_the_first_law_holds_in_the_first_steps() -> None:
    assert worst_residual(sm.load("collapse", overrides=SMALL), 100) < 1e-12


def test_momentum_is_that_of_the_start_without_drag() -> None:
    """Gravity, pressure (node form) and contact are equal and opposite; the sums round at 1e-16 per particle."""
    sim = sm.load("collapse", overrides={**SMALL, "systems.drag.viscosity": 0.0})
    start, _ = momentum(sim)
    sim.run(100)
    end, scale = momentum(sim)
    assert np.abs(end - start).max() < 1e-12 * scale


@pytest.mark.slow
def test_the_first_law_holds_over_ten_thousand_steps() -> None:
    """Through the formation of clumps: contact, shocks and all."""
    sim = sm.load("collapse", overrides=SMALL)
    assert worst_residual(sim, 10_000) < 1e-10
    assert sim.ledger.stores["contact"] > 0
    assert sim.ledger.stores["kinetic"] > 100 * 1e-7
