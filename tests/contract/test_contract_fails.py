"""The contract suite can fail: one broken system for each promise."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from gas import gas

from sensorium import AccessError, Simulation, System, kernel
from sensorium.components import Oscillator, Particle
from sensorium.engine.kernel_threads import threads


@kernel
def cool(i, heat):
    heat[i] *= 0.5


class WritesThroughAKernel(System):
    reads = (Particle.heat,)
    phase = "exchange"

    def step(self, dt: float) -> None:
        for population, particle in self.query(Particle):
            cool(population, particle.heat)


class WritesThroughNumpy(System):
    reads = (Particle.heat,)
    phase = "exchange"

    def step(self, dt: float) -> None:
        for _, particle in self.query(Particle):
            particle.heat *= 0.5


class ReadsUndeclared(System):
    phase = "exchange"

    def step(self, dt: float) -> None:
        for _, particle in self.query(Particle):
            particle.heat.sum()


class Leaks(System):
    writes = (Particle.heat,)
    phase = "exchange"

    def step(self, dt: float) -> None:
        for population, particle in self.query(Particle):
            cool(population, particle.heat)


class Pushes(System):
    writes = (Particle.velocity,)
    phase = "exchange"

    def step(self, dt: float) -> None:
        for _, particle in self.query(Particle):
            particle.velocity[:, 0] += 0.1
            self.world.ledger.book("push", 0.0)


class Forgets(System):
    """Keeps a counter that is in no state."""

    writes = (Particle.heat,)
    phase = "exchange"
    counter = 0

    def step(self, dt: float) -> None:
        self.counter += 1
        for _, particle in self.query(Particle):
            particle.heat[:] += self.counter


class LooksAtTheNeighbour(System):
    writes = (Particle.heat,)
    phase = "exchange"

    def step(self, dt: float) -> None:
        for _, particle in self.query(Particle):
            particle.heat[:] = np.roll(particle.heat, 1)


class CountsThreads(System):
    writes = (Particle.heat,)
    phase = "exchange"

    def step(self, dt: float) -> None:
        for _, particle in self.query(Particle):
            particle.heat[:] = threads()


class KnowsItsDevice(System):
    writes = (Particle.heat,)
    phase = "exchange"

    def step(self, dt: float) -> None:
        for _, particle in self.query(Particle):
            particle.heat[:] = len(self.device.kind)


class MakesItNegative(System):
    writes = (Oscillator.energy, Particle.heat)
    phase = "exchange"

    def step(self, dt: float) -> None:
        for _, particle, oscillator in self.query(Particle, Oscillator):
            particle.heat[:] += 10 * oscillator.energy
            oscillator.energy[:] -= 10 * oscillator.energy


def knows_its_device(**options: Any) -> Simulation:
    return gas([KnowsItsDevice()], **options)


def build(system: type[System]) -> Callable[..., Simulation]:
    return lambda **options: gas([system()], **options)


@pytest.mark.parametrize("system", [WritesThroughAKernel, WritesThroughNumpy])
def test_an_undeclared_write_is_named(system: type[System], assert_declared_access: Callable[..., None]) -> None:
    with pytest.raises(AccessError, match=f"{system.name} .*"):
        assert_declared_access(build(system))


def test_an_undeclared_read_is_named(assert_declared_access: Callable[..., None]) -> None:
    with pytest.raises(AccessError, match=r"reads-undeclared reads Particle\.heat"):
        assert_declared_access(build(ReadsUndeclared))


def test_a_leak_is_seen(assert_conserves: Callable[..., None]) -> None:
    with pytest.raises(AssertionError, match="step 1: energy residual"):
        assert_conserves(build(Leaks))


def test_a_push_is_seen(assert_conserves: Callable[..., None]) -> None:
    with pytest.raises(AssertionError, match="step 1: momentum changed"):
        assert_conserves(build(Pushes), energy=np.inf, momentum=1e-10)


def test_negative_energy_is_seen(assert_conserves: Callable[..., None]) -> None:
    with pytest.raises(AssertionError, match="negative oscillator energy"):
        assert_conserves(build(MakesItNegative))


def test_a_forgotten_counter_is_seen(assert_restart_exact: Callable[..., None]) -> None:
    with pytest.raises(AssertionError, match=r"restart at step 1.*heat"):
        assert_restart_exact(build(Forgets))


def test_dependence_on_row_order_is_seen(assert_order_independent: Callable[..., None]) -> None:
    with pytest.raises(AssertionError, match=r"particle\.heat of 'gas' depends on the order"):
        assert_order_independent(build(LooksAtTheNeighbour))


def test_dependence_on_threads_is_seen(assert_devices_agree: Callable[..., None]) -> None:
    with pytest.raises(AssertionError, match="1 and 2 threads differ"):
        assert_devices_agree(build(CountsThreads))


def test_dependence_on_the_device_is_seen(assert_devices_agree: Callable[..., None]) -> None:
    with pytest.raises(AssertionError, match="cpu and simulator differ"):
        assert_devices_agree(knows_its_device, rows=50, simulated=5)
