"""Contract cases of the systems that act on each particle by itself."""

from __future__ import annotations

from typing import Any

from case import Case
from gas import gas

from sensorium import Simulation
from sensorium.systems.drag import Drag
from sensorium.systems.homeostasis import Homeostasis
from sensorium.systems.motion import Motion
from sensorium.systems.planck_exchange import PlanckExchange


def motion(**options: Any) -> Simulation:
    return gas([Motion()], **options)


def drag(**options: Any) -> Simulation:
    return gas([Motion(), Drag(viscosity=0.2)], **options)


def planck_exchange(**options: Any) -> Simulation:
    return gas([PlanckExchange(conductivity=0.5)], **options)


def homeostasis(**options: Any) -> Simulation:
    return gas([Homeostasis(time_constant=0.1), Motion(), Drag(viscosity=0.2), PlanckExchange()], **options)


def energy_ledger(**options: Any) -> Simulation:
    return gas([], **options)


CASES = {
    "motion": Case(motion, momentum=1e-13),
    "drag": Case(drag),
    "planck-exchange": Case(planck_exchange, momentum=1e-13),
    # the ratio comes from sums over rows, whose order changes the last bits
    "homeostasis": Case(homeostasis, order=1e-12),
    "energy-ledger": Case(energy_ledger, momentum=1e-13),
}
