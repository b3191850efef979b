"""Sensorium: an entity-component-system engine for particles, oscillators and resonant carriers.

Everything that a user needs is here: :func:`load` and :func:`open` for those who run and analyse, and
:class:`Component`, :class:`Field`, :class:`System`, :func:`kernel` and :func:`param` for those who write systems.
Names are imported when they are first used, so that the command line starts at once.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sensorium.engine.component import Component, Field
    from sensorium.engine.errors import (
        AccessError,
        OutputError,
        PhysicsError,
        ScenarioError,
        ScheduleError,
        SensoriumError,
    )
    from sensorium.engine.kernel import device, kernel, real
    from sensorium.engine.population import Population
    from sensorium.engine.simulation import Simulation
    from sensorium.engine.system import System, param
    from sensorium.engine.world import Constants, World
    from sensorium.inference import recall
    from sensorium.io.run import Run, open
    from sensorium.scenarios.loader import load

__version__ = "0.1.0"

_HOMES = {
    "sensorium.engine.component": ("Component", "Field"),
    "sensorium.engine.errors": (
        "AccessError", "OutputError", "PhysicsError", "ScenarioError", "ScheduleError", "SensoriumError",
    ),
    "sensorium.engine.kernel": ("device", "kernel", "real"),
    "sensorium.engine.population": ("Population",),
    "sensorium.engine.simulation": ("Simulation",),
    "sensorium.engine.system": ("System", "param"),
    "sensorium.engine.world": ("Constants", "World"),
    "sensorium.inference": ("recall",),
    "sensorium.io.run": ("Run", "open"),
    "sensorium.scenarios.loader": ("load",),
}  # fmt: skip
_HOME = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "AccessError", "Component", "Constants", "Field", "OutputError", "PhysicsError", "Population", "Run",
    "ScenarioError", "ScheduleError", "SensoriumError", "Simulation", "System", "World", "__version__", "device",
    "kernel", "load", "open", "param", "real", "recall",
]  # fmt: skip


def __getattr__(name: str) -> Any:
    if name == "components":
        return importlib.import_module("sensorium.components")
    if name not in _HOME:
        raise AttributeError(f"module 'sensorium' has no attribute '{name}'")
    value = globals()[name] = getattr(importlib.import_module(_HOME[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
