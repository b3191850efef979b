"""Packaged examples give the results that their headers state."""

from __future__ import annotations

import numpy as np

from sensorium.components import Oscillator, Particle
from sensorium.engine.plugins import Registry
from sensorium.scenarios.loader import load


def test_stokes(registry: Registry) -> None:
    sim = load("stokes", registry=registry, device="cpu")
    sim.prepare()
    start = sim.series()["energy/kinetic"]
    sim.run()
    end = sim.series()
    left = np.exp(-2 * 6 * np.pi * 0.05 * 0.02 / 0.01 * 2)
    # the factor of each step is exact: 200 steps add 200 roundings
    assert abs(end["energy/kinetic"] / start - left) < 1e-12
    assert abs(left - 0.00053) < 1e-5
    assert abs(end["energy/heat"] / (start * (1 - left)) - 1) < 1e-12
    assert abs(end["energy/residual"]) < 1e-12


def test_planck(registry: Registry) -> None:
    sim = load("planck", registry=registry, device="cpu")
    modes = sim.world.population("modes")
    sim.run()
    energy, frequency = modes[Oscillator].energy, modes[Oscillator].frequency
    equilibrium = frequency / np.expm1(frequency / 2)
    expected = equilibrium + (1 - equilibrium) * np.exp(-20 * 4 * np.pi * 0.1 * 0.5)
    # exact in every step; 400 steps add 400 roundings of numbers up to 2
    np.testing.assert_allclose(energy, expected, rtol=0, atol=1e-12)
    np.testing.assert_allclose(modes[Particle].heat + energy, 2.0, rtol=1e-13)
    assert energy.max() < 2
    assert energy.min() < 1e-2
