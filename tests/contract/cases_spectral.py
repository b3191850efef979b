"""Contract cases of the spectral systems."""

from __future__ import annotations

from typing import Any

import numpy as np
from case import Case
from gas import gas

from sensorium import Simulation
from sensorium.components import Carrier
from sensorium.components.anchors import Anchors
from sensorium.systems.carrier_coupling import CarrierCoupling
from sensorium.systems.clamp import Clamp
from sensorium.systems.crystallization import Crystallization
from sensorium.systems.idle import Idle
from sensorium.systems.measurement import Measurement
from sensorium.systems.metabolism import Metabolism
from sensorium.systems.observer import Observer
from sensorium.systems.planck_exchange import PlanckExchange
from sensorium.systems.relaxation import Relaxation
from sensorium.systems.repulsion import Repulsion
from sensorium.systems.spawning import Spawning
from sensorium.systems.splitting import Splitting
from sensorium.systems.statistics import Statistics
from sensorium.systems.top_down import TopDown

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


def lively(systems: list[Any], **options: Any) -> Simulation:
    """Coupled carriers under `systems`, two of them crystallized with anchors and one about to die."""
    simulation = with_carriers(gas([CarrierCoupling(coupling=1.0, noise_temperature=0.05), *systems], **options))
    carriers, atoms = simulation.world.population("carriers"), simulation.world.population("gas")
    carrier = carriers[Carrier]
    carrier.state[1] = 2
    carrier.mass[:] = np.linspace(0.002, 1.0, CARRIERS)
    carrier.conflict[:] = np.linspace(0.0, 0.5, CARRIERS)
    anchors = Anchors.of(simulation.world)
    for row in (0, 1):
        anchors.put(int(carriers.ids[row]), atoms.ids[row : row + 8], 0.4, np.linspace(0, 6, 8))
    return simulation


def spawning(**options: Any) -> Simulation:
    return gas([CarrierCoupling(coupling=1.0), Spawning(gate_width=0.2)], **options)


def metabolism(**options: Any) -> Simulation:
    return lively([Metabolism(cost=(0.5, 0.2, 0.0), floor=1.0)], **options)


def crystallization(**options: Any) -> Simulation:
    return lively([Crystallization(stable=0.1, amplitude=0.2, conflict=0.9, time=0.03, melting=0.95)], **options)


def splitting(**options: Any) -> Simulation:
    return lively([Splitting(conflict=0.1, window=0.02)], **options)


def repulsion(**options: Any) -> Simulation:
    return lively([Repulsion(strength=2.0)], **options)


def top_down(**options: Any) -> Simulation:
    return lively([TopDown(phase=0.5, energy=0.5, source="carrier")], **options)


def statistics(**options: Any) -> Simulation:
    return lively([Statistics(reference=0.03), PlanckExchange()], **options)


def idle(**options: Any) -> Simulation:
    modes = [{"mode": mode, "time": 0.02} for mode in ("exploration", "awake", "disambiguation", "consolidation")]
    return lively([Idle(mode=modes), Repulsion()], **options)


def clamp(**options: Any) -> Simulation:
    held = {"oscillator.phase": "hold", "oscillator.energy": 0.01, "particle.velocity": "hold"}
    return lively(
        [
            Clamp(population="gas", select={"rows": (0, 30), "every": 3}, values=held),
            Clamp(
                instance="mode", population="carriers", select={"rows": (2, 3)}, values={"carrier.amplitude": "hold"}
            ),
            PlanckExchange(),
            TopDown(),
        ],
        **options,
    )


def relaxation(**options: Any) -> Simulation:
    return lively([Relaxation(anneal={"from": 0.2, "to": 0.1, "steps": 3}, residual=1.0, stop=False)], **options)


def measurement(**options: Any) -> Simulation:
    return lively([Measurement(mode="soft")], **options)


def observer(**options: Any) -> Simulation:
    return lively([Observer(of="oscillator", top={"by": "energy", "count": 5}, quantity="phase")], **options)


CASES = {
    "carrier-coupling": Case(carrier_coupling, momentum=1e-13),
    "clamp": Case(clamp),
    "crystallization": Case(crystallization, momentum=1e-13),
    "idle": Case(idle, momentum=1e-13),
    "measurement": Case(measurement, momentum=1e-13),
    "observer": Case(observer, momentum=1e-13),
    # the mean energy is a sum over rows, whose order changes the last bits
    "metabolism": Case(metabolism, momentum=1e-13, order=1e-12),
    "relaxation": Case(relaxation, momentum=1e-13),
    "repulsion": Case(repulsion, momentum=1e-13),
    "spawning": Case(spawning, momentum=1e-13),
    "splitting": Case(splitting, momentum=1e-13),
    "statistics": Case(statistics, momentum=1e-13, order=1e-12),
    "top-down": Case(top_down, momentum=1e-13),
}
