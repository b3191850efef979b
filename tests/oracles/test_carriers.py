"""Carriers against exact solutions of their flow (paper, equations 25 to 28)."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
from spectral_worlds import WIDE, carrier, complex_amplitude, oscillator, spectral

from sensorium import Simulation
from sensorium.systems.spectral.observables import potential
from sensorium.systems.spectral.spectrum import Spectrum

RNG = np.random.default_rng(7)
COUNT = 50
STATIC = {"frequency": 0.0, "phase": RNG.uniform(0, 2 * np.pi, COUNT), "energy": RNG.uniform(0.1, 2, COUNT)}
CENTRES = np.array([-0.4, 0.1, 0.3, 2.0])
MODES = {"frequency": CENTRES, "gate_width": [0.3, 0.5, 0.2, 0.9], "amplitude": RNG.normal(size=(4, 2))}


def drive(static: dict[str, Any] = STATIC) -> Any:
    z = np.sqrt(static["energy"]) * np.exp(1j * static["phase"])
    return np.exp(-((CENTRES / MODES["gate_width"]) ** 2)) * z.sum()


@pytest.mark.parametrize("rotation", [False, True])
@pytest.mark.parametrize("dt", [0.01, 0.5])
def test_carriers_approach_their_fixed_point_exactly(rotation: bool, dt: float) -> None:
    """C(t) = C* + (C0 - C*) exp((i Omega - lambda) t), C* = sum T z / (lambda - i Omega), to 1e-12 for any dt."""
    sim = spectral(STATIC, MODES, dt=dt, coupling=0.0, decay=0.7, rotation=rotation)
    start = complex_amplitude(sim).copy()
    sim.run(40)
    rate = 1j * CENTRES * rotation - 0.7
    end = -drive() / rate
    exact = end + (start - end) * np.exp(rate * 40 * dt)
    np.testing.assert_allclose(complex_amplitude(sim), exact, rtol=1e-12)
    assert abs(sim.ledger.residual) < 1e-14


def test_the_mean_drives_like_the_sum_over_their_number() -> None:
    sim = spectral(STATIC, MODES, dt=0.1, coupling=0.0, decay=0.7, rotation=False, drive="mean")
    sim.run(600)
    np.testing.assert_allclose(complex_amplitude(sim), drive() / COUNT / 0.7, rtol=1e-12)


@pytest.mark.parametrize("dt", [0.02, 0.4, 0.8])
def test_a_turning_drive_is_followed_exactly(dt: float) -> None:
    """A frozen drive would lag by omega dt / 2; here the step is exact as long as it turns less than half a turn
    from its carrier."""
    turning = {**STATIC, "frequency": 3.1}
    sim = spectral(turning, {**MODES, "gate_width": WIDE}, dt=dt, coupling=0.0, decay=0.3)
    start = complex_amplitude(sim).copy()
    sim.run(25)
    time, rate = 25 * dt, 1j * CENTRES - 0.3
    z = (np.sqrt(STATIC["energy"]) * np.exp(1j * STATIC["phase"])).sum()
    steady = z / (3.1j - rate)
    exact = steady * np.exp(3.1j * time) + (start - steady) * np.exp(rate * time)
    np.testing.assert_allclose(complex_amplitude(sim), exact, rtol=1e-11)


def test_without_decay_carriers_add_up() -> None:
    sim = spectral(STATIC, MODES, dt=0.1, coupling=0.0, decay=0.0, rotation=False)
    start = complex_amplitude(sim).copy()
    sim.run(50)
    np.testing.assert_allclose(complex_amplitude(sim), start + 5.0 * drive(), rtol=1e-12)


@pytest.mark.parametrize(("decay", "dt"), [(1.0, 2.0), (0.3, 0.1)])
def test_the_variance_is_that_of_the_ornstein_uhlenbeck_process(decay: float, dt: float) -> None:
    """<|C - C*|^2> = 2 T / lambda with no bias of dt: 3 sigma of 2e4 samples of an exponential law is 2.1%.

    Euler-Maruyama would give 1 / (1 - lambda dt / 2) times this: infinite in the first case.
    """
    count, temperature = 20_000, 0.4
    modes = {"frequency": np.linspace(0, 10, count), "gate_width": 1e-3, "amplitude": 0.0}
    sim = spectral({}, modes, dt=dt, seed=2, decay=decay, noise_temperature=temperature)
    sim.run(round(12 / (decay * dt)))
    first = complex_amplitude(sim).copy()
    sim.run(1)
    second = complex_amplitude(sim)
    variance = 2 * temperature / decay
    for amplitude in (first, second):
        assert np.mean(np.abs(amplitude) ** 2) == pytest.approx(variance, rel=3 / np.sqrt(count))
        assert abs(np.mean(amplitude)) < 3 * np.sqrt(variance / count)
    turn = np.exp((1j * modes["frequency"] - decay) * dt)
    kept = np.mean(second * first.conj() / turn) / variance
    spread = np.sqrt((1 + np.exp(2 * decay * dt)) / count)  # of the estimate of the correlation, per unit of turn
    assert abs(kept - 1) < 4 * spread


def test_frozen_carriers_stay() -> None:
    """Crystallized: modulus, frequency and width stay to rounding; with no rotation C itself, bit by bit."""
    modes = {**MODES, "state": 2}
    still = spectral({**STATIC, "frequency": 1.0}, modes, dt=0.1, rotation=False, noise_temperature=0.3)
    before = carrier(still).amplitude.copy()
    still.run(100)
    assert carrier(still).amplitude.tobytes() == before.tobytes()
    turning = spectral({**STATIC, "frequency": 1.0}, modes, dt=0.1, noise_temperature=0.3)
    start = complex_amplitude(turning).copy()
    turning.run(100)
    np.testing.assert_allclose(complex_amplitude(turning), start * np.exp(10j * CENTRES), rtol=1e-13)


# ---- carriers and phases together -----------------------------------------------------------------------------------


def crowd(dt: float, shift: float = 0.0, **parameters: Any) -> Simulation:
    rng = np.random.default_rng(11)
    oscillators = {
        "frequency": shift + 0.5 * rng.normal(size=60),
        "phase": rng.uniform(0, 2 * np.pi, 60),
        "energy": rng.uniform(0.1, 1.5, 60),
    }
    carriers = {
        "frequency": shift + 0.4 * rng.normal(size=5),
        "gate_width": 0.5,
        "amplitude": rng.normal(size=(5, 2)),
    }
    return spectral(oscillators, carriers, dt=dt, decay=0.5, **parameters)


def test_the_step_is_of_second_order() -> None:
    """Differences between dt, dt/2, dt/4, dt/8 fall by 4 each time; 0.3 is what is left of higher orders."""
    ends = []
    for dt in (0.02, 0.01, 0.005, 0.0025):
        sim = crowd(dt)
        sim.run(round(3 / dt))
        ends.append((np.exp(1j * oscillator(sim).phase), complex_amplitude(sim)))
    for part in range(2):
        gaps = [np.linalg.norm(b[part] - a[part]) for a, b in itertools.pairwise(ends)]
        assert gaps[0] / gaps[1] == pytest.approx(4, abs=0.3)
        assert gaps[1] / gaps[2] == pytest.approx(4, abs=0.3)


@pytest.mark.parametrize("shift", [3.0, 40.0])
def test_a_common_rotation_only_turns_the_solution(shift: float) -> None:
    """With every frequency shifted by w, phases gain w t and carriers turn by w t: the flow knows no zero of
    frequency. To 1e-9 even where a step turns by 2 rad; an integrator that freezes the drive is off at once."""
    still, turning = crowd(0.05), crowd(0.05, shift)
    still.run(60)
    turning.run(60)
    turn = np.exp(3j * shift)
    gap = np.exp(1j * oscillator(turning).phase) - turn * np.exp(1j * oscillator(still).phase)
    assert np.abs(gap).max() < 1e-9
    assert np.abs(complex_amplitude(turning) - turn * complex_amplitude(still)).max() < 1e-8


def downhill(dt: float) -> Simulation:
    rng = np.random.default_rng(5)
    oscillators = {"frequency": 0.0, "phase": rng.uniform(0, 2 * np.pi, 80), "energy": rng.uniform(0.1, 1, 80)}
    carriers = {"frequency": 0.3 * rng.normal(size=6), "gate_width": 0.4, "amplitude": 2 * rng.normal(size=(6, 2))}
    return spectral(oscillators, carriers, dt=dt, decay=0.4, coupling=0.3, rotation=False)


def test_the_potential_never_rises() -> None:
    """T = 0, omega = 0: the flow goes down V (25) at each of 2000 steps, to rounding."""
    sim = downhill(0.02)
    values = [sim.series()["carriers/potential"]]
    for _ in range(2000):
        sim.step()
        values.append(sim.series()["carriers/potential"])
    assert (np.diff(values) <= 1e-13 * np.abs(values[-1])).all()
    assert values[-1] < values[0]


def test_the_potential_falls_at_the_rate_of_the_flow() -> None:
    """dV/dt = - sum |dC/dt|^2 - sum |dtheta/dt|^2 / coupling, within 1% (centred differences of dt = 1e-3)."""
    sim = downhill(1e-3)
    for _ in range(20):
        states = []
        for _ in range(3):
            spectrum = Spectrum.of(sim.world)
            spectrum.take()
            states.append((potential(spectrum), complex_amplitude(sim).copy(), oscillator(sim).phase.copy()))
            sim.run(1)
        (v0, c0, p0), _, (v1, c1, p1) = states
        turn = np.angle(np.exp(1j * (p1 - p0)))
        fall = (np.abs(c1 - c0) ** 2).sum() / 0.002**2 + (turn**2).sum() / 0.002**2 / 0.3
        assert (v1 - v0) / 0.002 == pytest.approx(-fall, rel=0.01)
        sim.run(200)
