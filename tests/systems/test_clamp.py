"""Clamp: what is held stays, bit by bit; what it takes or brings is booked."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from sensorium import ScenarioError, Simulation, World
from sensorium.components import Carrier, Oscillator, Particle
from sensorium.engine.device import Device
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.clamp import Clamp
from sensorium.systems.drag import Drag
from sensorium.systems.energy_ledger import EnergyLedger
from sensorium.systems.motion import Motion
from sensorium.systems.planck_exchange import PlanckExchange

PRECISIONS = ["double", "single"]


def busy(clamps: list[Clamp], precision: Any = "double") -> Simulation:
    """Everything moves: particles, heat, phases, carriers."""
    world = World(seed=2, device=Device("cpu", precision))
    rng = np.random.default_rng(2)
    gas = world.create("gas", [Particle, Oscillator], 12)
    gas[Particle].position, gas[Particle].velocity = rng.random((12, 3)), rng.normal(size=(12, 3))
    gas[Particle].heat, gas[Particle].radius = 0.5, 0.1
    gas[Oscillator].frequency, gas[Oscillator].phase = rng.normal(size=12), rng.uniform(0, 6, 12)
    carriers = world.create("carriers", [Carrier], 3)
    carriers[Carrier].frequency, carriers[Carrier].amplitude = [-0.5, 0.0, 0.5], rng.normal(size=(3, 2))
    systems = [*clamps, Motion(), Drag(), PlanckExchange(), CarrierCoupling(coupling=1.0), EnergyLedger()]
    return Simulation(world, systems, dt=0.05)


@pytest.mark.parametrize("precision", PRECISIONS)
@pytest.mark.parametrize(
    ("population", "column"),
    [
        ("gas", "particle.position"),
        ("gas", "particle.velocity"),
        ("gas", "particle.heat"),
        ("gas", "oscillator.phase"),
        ("gas", "oscillator.energy"),
        ("carriers", "carrier.amplitude"),
    ],
)
def test_held_columns_keep_their_bits(population: str, column: str, precision: Any) -> None:
    sim = busy([Clamp(population=population, select={"rows": (0, 6), "every": 2}, values={column: "hold"})], precision)
    rows = sim.world.population(population)
    field = next(f for f in rows.fields if f.path == column)
    before = rows.column(field).copy()
    held = [0, 2, 4] if population == "gas" else [0, 2]
    free = [i for i in range(rows.n) if i not in held]
    for _ in range(20):
        sim.step()
        assert rows.column(field)[held].tobytes() == before[held].tobytes()
    assert (rows.column(field)[free] != before[free]).any()
    # in single precision drag itself rounds the energy that it moves
    assert abs(sim.ledger.residual) < (1e-13 if precision == "double" else 1e-6)


def test_constants_and_values_by_row() -> None:
    values = {"oscillator.phase": [0.1, 0.2, 0.3], "oscillator.energy": 0.7, "particle.velocity": [0.0, 1.0, 0.0]}
    sim = busy([Clamp(population="gas", select={"ids": [1, 4, 5]}, values=values)])
    sim.run(3)
    gas = sim.world.population("gas")
    assert gas[Oscillator].phase[[1, 4, 5]].tolist() == [0.1, 0.2, 0.3]
    assert (gas[Oscillator].energy[[1, 4, 5]] == 0.7).all()
    assert (gas[Particle].velocity[[1, 4, 5]] == [0.0, 1.0, 0.0]).all()
    assert abs(sim.ledger.residual) < 1e-13


def test_a_held_phase_is_constant_within_the_step_too() -> None:
    """Carriers see a constant drive: C has the exact solution for it."""
    world = World(seed=1)
    world.create("one", [Oscillator], 1)[Oscillator].phase[:] = 0.8
    world.create("carriers", [Carrier], 1)[Carrier].gate_width[:] = 1e9
    clamp = Clamp(population="one", values={"oscillator.phase": "hold"})
    flow = CarrierCoupling(decay=0.5, rotation=False, noise_temperature=0.0, coupling=3.0)
    sim = Simulation(world, [clamp, flow], dt=0.3)
    sim.run(20)
    exact = np.exp(0.8j) / 0.5 * (1 - np.exp(-0.5 * 6))
    re, im = world.population("carriers")[Carrier].amplitude[0]
    assert re + 1j * im == pytest.approx(exact, rel=1e-12)


def test_rows_that_die_are_let_go() -> None:
    sim = busy([Clamp(population="gas", values={"oscillator.phase": "hold"})])
    sim.run(2)
    gas = sim.world.population("gas")
    kept = gas[Oscillator].phase[3:].copy()
    gas.despawn(gas.ids[:3])
    gas.spawn(2)
    sim.world.ledger.rebase()
    sim.run(3)
    assert gas[Oscillator].phase[:9].tobytes() == kept.tobytes()
    assert (gas[Oscillator].phase[9:] != 0).all()


def test_it_goes_on_after_a_restart_with_what_it_held() -> None:
    clamp = {"population": "gas", "select": {"rows": (0, 4)}, "values": {"oscillator.phase": "hold"}}
    sim = busy([Clamp(**clamp)])
    start = sim.world.population("gas")[Oscillator].phase[:4].copy()
    sim.run(3)
    state = sim.state()
    other = busy([Clamp(**clamp)])
    other.world.population("gas")[Oscillator].phase[:] = 0.0
    other.restore(state)
    other.run(3)
    assert other.world.population("gas")[Oscillator].phase[:4].tobytes() == start.tobytes()


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"population": "gaz", "values": {}}, "no population 'gaz'"),
        ({"population": "gas", "values": {"oscillator.phas": 1.0}}, "did you mean 'oscillator.phase'"),
        ({"population": "gas", "values": {"oscillator.phase": [1.0, 2.0]}}, "one for each of 12 rows"),
        ({"population": "gas", "select": {"ids": [99]}, "values": {"oscillator.phase": 1.0}}, "no ids \\[99\\]"),
        ({"population": "gas", "select": {"every": 0}, "values": {}}, "greater than or equal to 1"),
    ],
)
def test_mistakes_are_named(parameters: dict[str, Any], said: str) -> None:
    with pytest.raises(ScenarioError, match=said):
        busy([Clamp(**parameters)]).prepare()
