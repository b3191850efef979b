"""Anchored pairs: phases come to rest at their offset from the carrier, and the flow still goes down its potential."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from spectral_worlds import carrier, complex_amplitude, oscillator, spectral

import sensorium as sm
from sensorium import Simulation, World
from sensorium.components import Carrier, Oscillator, Token
from sensorium.components.anchors import Anchors
from sensorium.systems.spectral.spectrum import Spectrum

COUNT = 40


def anchored(offsets: Any, **parameters: Any) -> Simulation:
    rng = np.random.default_rng(2)
    oscillators = {"frequency": 0.0, "phase": rng.uniform(0, 2 * np.pi, COUNT), "energy": rng.uniform(0.2, 1, COUNT)}
    carriers = {"frequency": [0.1, -0.2], "gate_width": 0.5, "amplitude": [[1.0, 0.5], [0.3, -0.8]]}
    sim = spectral(oscillators, carriers, dt=0.05, decay=0.6, rotation=False, **parameters)
    ids = sim.world.population("oscillators").ids
    Anchors.of(sim.world).put(int(sim.world.population("carriers").ids[0]), ids, 1.0, offsets)
    return sim


def test_drive_and_field_carry_the_offset() -> None:
    """D_k = sum T z exp(-i phi), G_i = sum T C exp(i phi), and the pairs without anchors as before."""
    offsets = np.random.default_rng(3).uniform(0, 6, COUNT)
    sim = anchored(offsets)
    spectrum = Spectrum.of(sim.world)
    spectrum.take()
    field, drive = np.empty((2, spectrum.sums.padded)), np.empty((2, 2))
    spectrum.couple(spectrum.z, spectrum.c, field, drive)
    z = np.sqrt(oscillator(sim).energy) * np.exp(1j * oscillator(sim).phase)
    tuning = np.exp(-((carrier(sim).frequency / 0.5) ** 2))
    turn = np.exp(1j * offsets)
    by_frequency = [1, 0]
    expected = np.array([tuning[0] * (z / turn).sum(), tuning[1] * z.sum()])
    np.testing.assert_allclose(drive[0] + 1j * drive[1], expected[by_frequency], rtol=1e-12)
    c = complex_amplitude(sim)
    np.testing.assert_allclose(
        (field[0] + 1j * field[1])[:COUNT], tuning[0] * c[0] * turn + tuning[1] * c[1], rtol=1e-12
    )


def test_offsets_of_zero_change_nothing() -> None:
    plain, with_anchors = anchored(0.0), anchored(0.0)
    Anchors.of(plain.world).drop(carriers=Anchors.of(plain.world).carriers)
    plain.run(50)
    with_anchors.run(50)
    assert plain.state()["world"]["populations"]["oscillators"]["columns"]["oscillator.phase"].tobytes() == (
        with_anchors.state()["world"]["populations"]["oscillators"]["columns"]["oscillator.phase"].tobytes()
    )


def test_the_potential_with_offsets_never_rises() -> None:
    sim = anchored(np.random.default_rng(4).uniform(0, 6, COUNT))
    values = [sim.series()["carriers/potential"]]
    for _ in range(400):
        sim.step()
        values.append(sim.series()["carriers/potential"])
    assert (np.diff(values) <= 1e-13 * np.abs(values[-1])).all()


PATTERNS, LENGTH = 3, 40


def memory() -> tuple[World, Any]:
    """Three patterns of 40 tokens, each a crystallized carrier with random offsets; all slots shared."""
    world = World(seed=5)
    rng = np.random.default_rng(5)
    count = PATTERNS * LENGTH
    text = world.create("text", [Oscillator, Token], count)
    carriers = world.create("carriers", [Carrier], PATTERNS)
    oscillator, token = text[Oscillator], text[Token]
    oscillator.frequency = np.repeat(3.0 * np.arange(PATTERNS), LENGTH) + 0.05 * rng.normal(size=count)
    token.index, token.byte = np.tile(np.arange(LENGTH), PATTERNS), np.repeat(ord("A") + np.arange(PATTERNS), LENGTH)
    carriers[Carrier].frequency, carriers[Carrier].gate_width = 3.0 * np.arange(PATTERNS), 0.5
    carriers[Carrier].state = 2
    offsets = rng.uniform(0, 2 * np.pi, count)
    oscillator.energy, oscillator.phase = 1.0, np.mod(offsets + 1.3, 2 * np.pi)
    for k in range(PATTERNS):
        own = slice(k * LENGTH, (k + 1) * LENGTH)
        Anchors.of(world).put(int(carriers.ids[k]), text.ids[own], LENGTH**-0.5, offsets[own])
    return world, offsets


def overlap(answer: Any, offsets: Any, rows: slice) -> float:
    phase = answer.world.population("text")[Oscillator].phase
    return float(abs(np.exp(1j * (phase[rows] - offsets[rows])).mean()))


def test_half_a_pattern_recalls_the_rest() -> None:
    """Overlap 1.000 of the free half with its stored offsets; taken literally, without offsets, it is noise."""
    world, offsets = memory()
    before = world.state()
    ids = world.population("text").ids
    known, asked = ids[LENGTH : LENGTH + LENGTH // 2], slice(LENGTH + LENGTH // 2, 2 * LENGTH)
    answer = sm.recall(world, clamp=known)
    assert overlap(answer, offsets, asked) == pytest.approx(1.0, abs=1e-6)
    assert answer.reading.bytes() == b"B" * LENGTH
    assert answer.relaxed
    assert answer.residual < 1e-4
    assert len(answer.potential) == answer.steps
    assert abs(answer.world.ledger.residual) < 1e-12
    np.testing.assert_equal(world.state(), before)
    for k in range(PATTERNS):
        Anchors.of(world).put(int(world.population("carriers").ids[k]), ids[k * LENGTH : (k + 1) * LENGTH], 0.16, 0.0)
    assert overlap(sm.recall(world, clamp=known), offsets, asked) < 0.5


def test_the_three_measurements_agree_on_what_was_recalled() -> None:
    world, _ = memory()
    known = world.select(Oscillator).where(id=(0, 19))
    hard = sm.recall(world, clamp=known)
    soft = sm.recall(world, clamp=known, measure="soft")
    spectral_answer = sm.recall(world, clamp=known, measure="spectral")
    assert hard.reading.bytes() == soft.reading.bytes() == b"A" * LENGTH
    assert spectral_answer.reading.id[np.argmax(spectral_answer.reading.value)] == world.population("carriers").ids[0]
    assert spectral_answer.reading.probability.sum() == pytest.approx(1)
    own = sm.recall(world, clamp=known, measure=lambda w: len(w.select(Carrier)))
    assert own.reading == PATTERNS


def test_a_clamped_carrier_is_a_semantic_constraint() -> None:
    """Holding the amplitude of a carrier high generates its pattern from nothing."""
    world, _ = memory()
    world.population("carriers")[Carrier].amplitude[2] = [20.0, 0.0]
    answer = sm.recall(world, clamp=world.population("carriers").ids[2])
    assert answer.reading.bytes() == b"C" * LENGTH
    held = answer.world.population("carriers")[Carrier].amplitude[2]
    assert held.tolist() == [20.0, 0.0]
