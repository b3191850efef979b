"""Selections: composable questions, the same to a world and to a stored run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sensorium import Simulation, World
from sensorium.components import Carrier, Oscillator, Particle
from sensorium.components.probe import Probe
from sensorium.engine.select import Statistics
from sensorium.io.output import record
from sensorium.io.run import open as open_run
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.energy_ledger import EnergyLedger


def world_of(seed: int = 1) -> World:
    world = World(seed=seed)
    rng = np.random.default_rng(seed)
    for name, components, count in (
        ("text", [Oscillator], 40),
        ("image", [Oscillator], 25),
        ("questions", [Oscillator, Probe], 5),
    ):
        oscillator = world.create(name, components, count)[Oscillator]
        oscillator.frequency, oscillator.phase = rng.normal(size=count), rng.uniform(0, 6.28, count)
        oscillator.energy = rng.random(count)
    carrier = world.create("carriers", [Carrier], 12)[Carrier]
    carrier.frequency, carrier.amplitude = rng.normal(size=12), rng.normal(size=(12, 2))
    carrier.gate_width = rng.uniform(0.1, 0.3, 12)
    carrier.state = [0, 1, 2] * 4
    return world


def test_values_and_derived_quantities() -> None:
    world = world_of()
    carrier = world.population("carriers")[Carrier]
    chosen = world.select(Carrier)
    assert len(chosen) == 12
    np.testing.assert_array_equal(chosen.values("amplitude"), np.hypot(*carrier.amplitude.T))
    np.testing.assert_array_equal(chosen.values("mass"), carrier.mass)
    assert chosen.ids.tolist() == world.population("carriers").ids.tolist()
    assert set(chosen.table("state", "phase")) == {"state", "phase"}
    assert "12 of 'carriers'" in repr(chosen)


def test_conditions_compose() -> None:
    world = world_of()
    carrier = world.population("carriers")[Carrier]
    size = np.hypot(*carrier.amplitude.T)
    crystals = world.select(Carrier).where(state="crystallized")
    assert (crystals.values("state") == 2).all()
    assert len(crystals) == 4
    assert len(crystals.where(amplitude=(None, 0.0))) == 0
    loud = world.select(Carrier).where(state={"stable", "crystallized"}, amplitude=(0.5, None))
    assert len(loud) == ((carrier.state > 0) & (size >= 0.5)).sum()
    assert (
        len(world.select(Carrier).where(frequency=lambda w: w > 0, state=0))
        == ((carrier.frequency > 0) & (carrier.state == 0)).sum()
    )


def test_top_and_bottom_break_ties_by_id() -> None:
    world = world_of()
    top = world.select(Carrier).top(3, by="amplitude")
    size = np.sort(world.select(Carrier).values("amplitude"))
    assert sorted(top.values("amplitude")) == sorted(size[-3:])
    assert world.select(Carrier).bottom(2, by="amplitude").values("amplitude").max() == size[1]
    ids = world.population("carriers").ids
    assert world.select(Carrier).top(2, by="mass").ids.tolist() == ids[:2].tolist()
    assert len(world.select(Carrier).top(99, by="mass")) == 12
    assert len(world.select(Carrier).top(0, by="mass")) == 0


def test_probes_are_left_out_unless_asked_for() -> None:
    world = world_of()
    assert len(world.select(Oscillator)) == 65
    assert len(world.select(Oscillator, include=[Probe])) == 70
    assert len(world.select(Probe)) == 5
    assert len(world.select(Probe).where(policy="dark")) == 5


def test_coupled_rows_have_the_tuning() -> None:
    world = world_of()
    carrier = world.select(Carrier).where(id=int(world.population("carriers").ids[3]))
    omega, centre, width = (
        world.select(Oscillator).values("frequency"),
        *(float(carrier.values(name)[0]) for name in ("frequency", "gate_width")),
    )
    tuning = np.exp(-(((omega - centre) / width) ** 2))
    near = world.select(Oscillator).coupled_to(carrier)
    assert sorted(near.values("frequency")) == sorted(omega[tuning >= 0.1])
    assert len(world.select(Oscillator).coupled_to(carrier, threshold=0.9)) == (tuning >= 0.9).sum()
    back = world.select(Carrier).coupled_to(near)
    assert set(carrier.ids) <= set(back.ids) or len(near) == 0
    assert len(world.select(Oscillator).coupled_to(carrier.top(0, by="mass"))) == 0
    with pytest.raises(TypeError, match="does not say how it couples"):
        world.select(Carrier).coupled_to(world.select(Carrier))


def test_statistics_are_circular_for_angles() -> None:
    around = Statistics.of(np.array([0.1, 2 * np.pi - 0.1]), angle=True)
    assert min(around.mean, 2 * np.pi - around.mean) == pytest.approx(0, abs=1e-12)
    assert around.order == pytest.approx(np.cos(0.1))
    plain = Statistics.of(np.array([1.0, 2.0, 6.0]))
    assert (plain.count, plain.mean, plain.minimum, plain.maximum, plain.total) == (3, 3.0, 1.0, 6.0, 9.0)
    assert plain.deviation == pytest.approx(np.std([1, 2, 6]))
    world = world_of()
    phases = world.select(Carrier).statistics("phase")
    assert 0 <= phases.mean < 2 * np.pi
    assert np.isnan(world.select(Carrier).where(mass=-5.0).statistics("mass").mean)


@pytest.mark.parametrize("ask", ["amplitud", "velocity"])
def test_unknown_quantities_are_named(ask: str) -> None:
    with pytest.raises(KeyError, match=f"Carrier has no quantity '{ask}'"):
        world_of().select(Carrier).values(ask)
    with pytest.raises(ValueError, match="did you mean 'crystallized'"):
        world_of().select(Carrier).where(state="crystalized")


def test_no_population_has_it() -> None:
    world = world_of()
    assert len(world.select(Particle)) == 0
    assert len(world.select(Particle).values("mass")) == 0


def answers(source: Any) -> dict[str, Any]:
    """The same questions to a world and to a frame."""
    carriers, crystals = source.select(Carrier), source.select(Carrier).where(state="crystallized")
    return {
        "ids": crystals.ids,
        "top": carriers.top(5, by="amplitude").table("id", "amplitude", "phase", "energy"),
        "statistics": vars(carriers.statistics("phase")),
        "coupled": np.sort(source.select(Oscillator).coupled_to(crystals).ids),
        "probes": source.select(Oscillator, include=[Probe]).values("energy").sum(),
        "count": len(source.select(Oscillator)),
    }


def test_a_stored_run_answers_like_the_world(tmp_path: Path) -> None:
    world = world_of()
    sim = Simulation(world, [CarrierCoupling(), EnergyLedger()], dt=0.1, steps=4)
    record(sim, tmp_path / "run.h5", {"trajectory": {"every": 2}})
    sim.run(4)
    run = open_run(tmp_path / "run.h5")
    live, stored = answers(world), answers(run)
    np.testing.assert_equal(stored, live)
    first = run.select(Carrier, frame=0).values("amplitude")
    assert not np.array_equal(first, live["top"]["amplitude"])
