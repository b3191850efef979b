"""Contract cases of the spectral systems."""

from __future__ import annotations

from typing import Any

import numpy as np
from case import Case
from gas import gas

from sensorium import Simulation
from sensorium.components import Carrier
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.planck_exchange import PlanckExchange
from sensorium.systems.spawning import Spawning

CARRIERS = 6


def with_carriers(simulation: Simulation) -> Simulation:
    """`simulation` with a few carriers of different widths, one of them crystallized."""
    population = simulation.world.population("carriers")
    rng = np.random.default_rng(3)
    population.spawn(CARRIERS)
    carrier = population[Carrier]
    carrier.frequency = rng.normal(size=CARRIERS)
    carrier.gate_width = rng.uniform(0.2, 0.6, CARRIERS)
    carrier.amplitude = 0.3 * rng.normal(size=(CARRIERS, 2))
    carrier.state[0] = 2
    return simulation


def carrier_coupling(**options: Any) -> Simulation:
    return with_carriers(gas([PlanckExchange(), CarrierCoupling(noise_temperature=0.05)], **options))


def spawning(**options: Any) -> Simulation:
    return gas([CarrierCoupling(coupling=1.0), Spawning(gate_width=0.2)], **options)


CASES = {
    "carrier-coupling": Case(carrier_coupling, momentum=1e-13),
    "spawning": Case(spawning, momentum=1e-13),
}
