"""Stokes drag against its closed form."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sensorium import Simulation, World
from sensorium.components import Particle, Regulation
from sensorium.systems.drag import Drag
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.homeostasis import Homeostasis

ETA, RADIUS, MASS = 0.7, 0.2, 1.3
GAMMA = 6 * math.pi * ETA * RADIUS


def one_particle(dt: float, *more: object) -> Simulation:
    world = World()
    body = world.create("body", [Particle], 1)[Particle]
    body.velocity, body.mass, body.radius = [3.0, -1.0, 2.0], MASS, RADIUS
    return Simulation(world, [*more, Drag(viscosity=ETA), EnergyLedger()], dt=dt)  # type: ignore[list-item]


@pytest.mark.parametrize("dt", [1e-3, 0.05, 10.0])
def test_velocity_and_heat_follow_the_exponential(dt: float) -> None:
    """v = v0 exp(-gamma t / m) and Q = m v0^2 (1 - exp(-2 gamma t / m)) / 2, to 1e-12: the step is exact for any dt."""
    sim = one_particle(dt)
    sim.run(40)
    body, t = sim.world.population("body")[Particle], 40 * dt
    decay = math.exp(-GAMMA * t / MASS)
    np.testing.assert_allclose(body.velocity[0], np.array([3.0, -1.0, 2.0]) * decay, rtol=1e-12, atol=1e-300)
    assert body.heat[0] == pytest.approx(0.5 * MASS * 14.0 * -math.expm1(-2 * GAMMA * t / MASS), rel=1e-12)
    assert abs(sim.ledger.residual) < 1e-14


def test_a_hot_world_damps_more() -> None:
    """gamma_eff = gamma * ratio."""
    sim = one_particle(0.1)
    sim.world.insert(Regulation(ratio=2.0))
    sim.run(10)
    speed = sim.world.population("body")[Particle].velocity[0, 0]
    assert speed == pytest.approx(3.0 * math.exp(-2 * GAMMA / MASS), rel=1e-12)


def test_homeostatic_ratio_and_baseline() -> None:
    """Equations 5 and 6 by hand: B starts at E, the ratio uses B of before the step."""
    sim = one_particle(0.05, Homeostasis(time_constant=0.3, epsilon=1e-8))
    energy, baseline, ratios = 0.5 * MASS * 14.0, None, []
    body = sim.world.population("body")[Particle]
    for step in range(50):
        if step == 20:
            body.heat += 100.0  # somebody stokes the fire
            energy += 100.0
        baseline = energy if baseline is None else baseline
        ratios.append(math.log1p(energy) / (math.log1p(baseline) + 1e-8))
        baseline += 0.05 / (0.3 + 0.05) * (energy - baseline)
        sim.step()
        assert sim.series()["homeostasis/ratio"] == pytest.approx(ratios[-1], rel=1e-12)
    assert ratios[19] == pytest.approx(1.0, abs=1e-6)
    assert ratios[20] > 1.5
    assert ratios[49] < ratios[20]


def test_without_radius_there_is_no_drag() -> None:
    sim = one_particle(0.1)
    sim.world.population("body")[Particle].radius = 0.0
    sim.run(5)
    assert sim.world.population("body")[Particle].velocity[0].tolist() == [3.0, -1.0, 2.0]
