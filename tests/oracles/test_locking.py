"""One frozen carrier and oscillators that lock to it or drift: the Adler equation."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from spectral_worlds import WIDE, oscillator, spectral

from sensorium import Simulation

STRENGTH = 0.6  # coupling A R


def pulled(frequency: Any, *, dt: float, spin: float = 0.0, precision: Any = "double") -> Simulation:
    """Oscillators of energy 0.49 under a crystallized carrier of modulus 1.2 and angle 0.7 with T = 1."""
    oscillators = {"frequency": np.asarray(frequency, float) + spin, "phase": 3.0, "energy": 0.49}
    amplitude = [1.2 * np.cos(0.7), 1.2 * np.sin(0.7)]
    carriers = {"frequency": spin, "gate_width": WIDE, "amplitude": [amplitude], "state": 2}
    return spectral(oscillators, carriers, dt=dt, coupling=STRENGTH / (0.7 * 1.2), precision=precision)


@pytest.mark.parametrize(("dt", "spin"), [(0.02, 0.0), (0.3, 0.0), (5.0, 0.0), (0.02, 8.0), (0.3, 8.0)])
def test_a_locked_oscillator_has_the_exact_offset(dt: float, spin: float) -> None:
    """|w| < coupling A R locks at psi + asin(w / (coupling A R)), to 1e-8, whatever dt and the common rotation.

    With w and torque in separate sub-steps the offset would be wrong by 2e-5 at dt = 0.02.
    """
    detuning = STRENGTH * np.array([-0.9, -0.5, 0.0, 0.3, 0.8])
    sim = pulled(detuning, dt=dt, spin=spin)
    steps = round(80 / dt)
    sim.run(steps)
    psi = 0.7 + spin * steps * dt
    offset = np.angle(np.exp(1j * (oscillator(sim).phase - psi)))
    np.testing.assert_allclose(offset, np.arcsin(detuning / STRENGTH), atol=1e-8)


@pytest.mark.parametrize("dt", [0.05, 0.25])
def test_it_locks_if_and_only_if_it_is_within_the_pull(dt: float) -> None:
    edge = STRENGTH * np.array([-1.02, -0.98, 0.98, 1.02])
    sim = pulled(edge, dt=dt)
    sim.run(round(200 / dt))
    rates = []
    for _ in range(round(60 / dt)):
        before = oscillator(sim).phase.copy()
        sim.run(1)
        rates.append(np.angle(np.exp(1j * (oscillator(sim).phase - before))) / dt)
    moving = np.max(np.abs(rates), axis=0) > 1e-3
    assert moving.tolist() == [True, False, False, True]


@pytest.mark.parametrize("precision", ["double", "single"])
@pytest.mark.parametrize("ratio", [1.05, 1.5, 4.0, -2.0])
def test_a_drifting_oscillator_has_the_exact_mean_frequency(ratio: float, precision: Any) -> None:
    """sqrt(w^2 - (coupling A R)^2): after ten such periods it has turned ten times, within .1% of one period each."""
    detuning = ratio * STRENGTH
    period = 2 * np.pi / np.sqrt(detuning**2 - STRENGTH**2)
    steps = 200
    sim = pulled([detuning], dt=10 * period / steps, precision=precision)
    turned = 0.0
    for _ in range(steps):
        before = float(oscillator(sim).phase[0])
        sim.run(1)
        turned += float(np.angle(np.exp(1j * (float(oscillator(sim).phase[0]) - before))))
    assert turned == pytest.approx(np.sign(ratio) * 20 * np.pi, rel=1e-3)
    if precision == "double":
        assert turned == pytest.approx(np.sign(ratio) * 20 * np.pi, rel=1e-10)


def test_oscillators_are_pulled_by_their_tuning() -> None:
    """T_ik = exp(-w^2 / sigma^2) weakens the pull: the lock is lost where w = coupling A R T(w)."""
    detuning = np.linspace(0.05, 0.6, 40)
    sim = pulled(detuning, dt=0.1)
    sim.world.population("carriers").column(_gate())[0] = 0.5
    sim.run(3000)
    before = oscillator(sim).phase.copy()
    sim.run(1)
    still = np.abs(np.angle(np.exp(1j * (oscillator(sim).phase - before)))) < 1e-9
    assert (still == (detuning < STRENGTH * np.exp(-((detuning / 0.5) ** 2)))).all()


def _gate() -> Any:
    from sensorium.components import Carrier

    return Carrier.gate_width
