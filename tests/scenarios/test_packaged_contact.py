"""The contact scenarios state their results; here they are held to them."""

from __future__ import annotations

import math

import pytest

import sensorium as sm
from sensorium.components import Particle


def test_two_grains() -> None:
    """Contact between steps 55 and 236, speeds of 0.4, and 0.09 of heat in equal halves."""
    sim = sm.load("two-grains")
    particle = sim.world.population("grains")[Particle]
    touching = []
    for step in range(1, 401):
        sim.step()
        if particle.position[1, 0] - particle.position[0, 0] < 1:
            touching.append(step)
    assert touching[0] == 56
    assert touching[-1] - touching[0] == pytest.approx(181, abs=5)  # damping makes it a little longer than 0.181
    assert particle.velocity[:, 0] == pytest.approx([-0.4, 0.4], rel=2e-3)
    assert particle.heat == pytest.approx([0.045, 0.045], rel=3e-3)
    assert particle.heat[0] == pytest.approx(particle.heat[1], rel=1e-12)
    assert abs(sim.ledger.residual) < 1e-14


def test_two_elastic_grains() -> None:
    sim = sm.load("two-grains", overrides={"systems.collision.damping": "none"})
    particle = sim.world.population("grains")[Particle]
    deepest = 0.0
    for _ in range(400):
        sim.step()
        deepest = max(deepest, 1 - float(particle.position[1, 0] - particle.position[0, 0]))
    assert deepest == pytest.approx((15 * 0.5 / (16 * 0.5 * 1000)) ** 0.4, rel=1e-3)
    assert particle.velocity[:, 0] == pytest.approx([-0.5, 0.5], rel=1e-4)


def test_a_granular_gas_cools_as_haff_says() -> None:
    """Once the lattice is forgotten (1 collision per sphere), kinetic energy follows Haff's law to 2%."""
    sim = sm.load("granular-gas")
    sim.run(700)
    count, volume, start = 4000, 27.5668**3, sim.ledger.stores["kinetic"]
    fraction = count / volume * math.pi / 6
    contact = (1 - fraction / 2) / (1 - fraction) ** 3
    omega = 4 * math.sqrt(math.pi) * count / volume * contact * math.sqrt(2 * start / 3 / count)
    cooling = (1 - 0.9**2) * omega / 6
    sim.run(2500)
    ratio = sim.ledger.stores["kinetic"] / start
    assert ratio < 0.87
    assert ratio == pytest.approx((1 + cooling * 2500 * sim.dt) ** -2, rel=0.02)
    assert abs(sim.ledger.residual) < 1e-12
