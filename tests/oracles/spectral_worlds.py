"""Small spectral worlds for the oracles."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from sensorium import Simulation, World
from sensorium.components import Carrier, Oscillator
from sensorium.engine.device import Device
from sensorium.engine.system import System
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.energy_ledger import EnergyLedger

__all__ = ["WIDE", "carrier", "complex_amplitude", "oscillator", "spectral"]

WIDE = 1e9  # a gate so wide that T = 1


def spectral(
    oscillators: dict[str, Any],
    carriers: dict[str, Any],
    *,
    dt: float,
    seed: int = 1,
    precision: Any = "double",
    systems: Iterable[System] = (),
    **parameters: Any,
) -> Simulation:
    """Carrier coupling (no noise unless asked for) over columns given by name; every length follows the longest."""
    world = World(seed=seed, device=Device("cpu", precision))
    for name, component, values in (("oscillators", Oscillator, oscillators), ("carriers", Carrier, carriers)):
        count = max((np.shape(v)[0] for v in values.values() if np.ndim(v)), default=1) if values else 0
        view = world.create(name, [component], count)[component]
        for field, value in values.items():
            setattr(view, field, value)
    coupling = CarrierCoupling(**{"noise_temperature": 0.0, **parameters})
    return Simulation(world, [coupling, *systems, EnergyLedger()], dt=dt)


def oscillator(sim: Simulation) -> Any:
    return sim.world.population("oscillators")[Oscillator]


def carrier(sim: Simulation) -> Any:
    return sim.world.population("carriers")[Carrier]


def complex_amplitude(sim: Simulation) -> Any:
    re, im = carrier(sim).amplitude.T
    return re + 1j * im
