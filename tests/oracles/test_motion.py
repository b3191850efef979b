"""Velocity Verlet: order, reversal, wrapping. The force is a harmonic trap, written as a plugin would."""

from __future__ import annotations

import math

import numpy as np
import pytest

from sensorium import PhysicsError, Simulation, System, World, kernel, param
from sensorium.components import Particle
from sensorium.engine.grid import Box
from sensorium.engine.kernel import device
from sensorium.engine.reduce import Sum
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.motion import Motion


@kernel
def pull(i, force, position, stiffness):
    for k in range(3):
        force[i, k] -= stiffness * position[i, k]


@device
def elastic(i, position, stiffness):
    x, y, z = position[i, 0], position[i, 1], position[i, 2]
    return 0.5 * stiffness * (x * x + y * y + z * z)


sum_elastic = Sum(elastic)


class Trap(System):
    reads = (Particle.position,)
    accumulates = (Particle.force,)
    phase = "force"
    potentials = ("trap",)
    stiffness: float = param(4.0, gt=0)

    def step(self, dt: float) -> None:
        for population, particle in self.query(Particle):
            pull(population, particle.force, particle.position, self.stiffness)

    def stores(self) -> dict[str, float]:
        return {"trap": sum(sum_elastic(p, view.position, self.stiffness) for p, view in self.query(Particle))}


def oscillator(dt: float) -> Simulation:
    """x(0) = 1, v(0) = 0, omega = 2, no box: the trap sits at the origin."""
    world = World()
    world.create("body", [Particle], 1)[Particle].position = [1.0, 0.0, 0.0]
    return Simulation(world, [Motion(), Trap(), EnergyLedger()], dt=dt)


def test_second_order() -> None:
    """The worst energy error over three periods falls by 4.0 +- 0.2 when dt is halved, and so does the phase error."""

    def errors(dt: float) -> tuple[float, float]:
        sim, worst = oscillator(dt), 0.0
        for _ in range(round(3 * math.pi / dt)):
            sim.step()
            worst = max(worst, abs(sim.ledger.total - 2.0))
        x = sim.world.population("body")[Particle].position[0, 0]
        return worst, abs(x - math.cos(2 * sim.world.clock.time))

    coarse, fine = errors(math.pi / 200), errors(math.pi / 400)
    assert coarse[0] / fine[0] == pytest.approx(4.0, abs=0.2)


def test_time_reversal_returns() -> None:
    """Forward 2,000 steps, turn the velocities, 2,000 steps: back to 1e-9 (rounding, amplified by the steps)."""
    sim = oscillator(0.05)
    body = sim.world.population("body")[Particle]
    body.velocity = [0.3, -0.2, 0.1]
    sim.run(2000)
    body.velocity *= -1
    sim.run(2000)
    np.testing.assert_allclose(body.position[0], [1.0, 0.0, 0.0], atol=1e-9)
    np.testing.assert_allclose(body.velocity[0], [-0.3, 0.2, -0.1], atol=1e-9)


def test_the_ledger_closes_and_the_integrator_channel_is_bounded() -> None:
    """Residual at rounding level; the channel holds Verlet's own error, (w dt)^2 / 8 of E here, without drift."""
    sim = oscillator(0.05)
    seen = []
    for _ in range(4000):
        sim.step()
        seen.append(sim.series()["energy/booked/integrator"])
    assert abs(sim.ledger.residual) < 1e-12
    bound = 2.0 * (2 * 0.05) ** 2 / 2
    assert max(map(abs, seen)) < bound
    assert abs(np.mean(seen[2000:]) - np.mean(seen[:2000])) < 0.05 * bound


def test_positions_are_wrapped_and_crossings_counted() -> None:
    world = World()
    world.insert(Box((2.0, 3.0, 5.0), (4, 4, 4)))
    rng = np.random.default_rng(0)
    body = world.create("body", [Particle], 200)[Particle]
    start = rng.random((200, 3)) * [2.0, 3.0, 5.0]
    body.position, body.velocity = start, rng.normal(scale=20.0, size=(200, 3))
    sim = Simulation(world, [Motion(), EnergyLedger()], dt=0.1)
    sim.run(50)
    edges = np.array([2.0, 3.0, 5.0])
    assert (body.position >= 0).all()
    assert (body.position < edges).all()
    np.testing.assert_allclose(body.position + body.image * edges, start + 5.0 * body.velocity, rtol=1e-11, atol=1e-10)


@pytest.mark.parametrize("precision", ["double", "single"])
def test_a_position_just_below_zero_stays_inside(precision: str) -> None:
    """-1e-20 + L rounds to L, which is outside of [0, L)."""
    world = World(precision=precision)  # type: ignore[arg-type]
    world.insert(Box((1.0, 1.0, 1.0), (4, 4, 4)))
    body = world.create("body", [Particle], 1)[Particle]
    body.position, body.velocity = 0.0, -1e-20
    Simulation(world, [Motion()], dt=1.0).run(1)
    assert ((body.position >= 0) & (body.position < 1)).all()


def test_a_mass_of_zero_is_refused_with_its_id() -> None:
    world = World()
    world.create("body", [Particle], 4)[Particle].mass[2] = 0.0
    with pytest.raises(PhysicsError, match=r"mass of 'body' must be > 0, found 0 \(ids 2\)"):
        Simulation(world, [Motion()], dt=0.1).run(1)
