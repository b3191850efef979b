"""Grid fields: densities and potentials that systems can show, by name."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.engine.errors import OutputError
from sensorium.engine.grid import Box
from sensorium.engine.naming import did_you_mean
from sensorium.engine.simulation import Simulation

__all__ = ["box_of", "fields_of", "grid_header"]

Array = npt.NDArray[Any]


def box_of(sim: Simulation) -> Box | None:
    """The box of the world, if it has one."""
    return sim.world.resource(Box) if sim.world.has(Box) else None


def grid_header(sim: Simulation) -> dict[str, Any] | None:
    """Geometry of the grid for the file header: values sit at the nodes, the first one at the origin."""
    box = box_of(sim)
    if box is None:
        return None
    return {"cells": list(box.cells), "spacing": list(box.spacing), "origin": [0.0, 0.0, 0.0], "centering": "node"}


def fields_of(sim: Simulation, names: Iterable[str]) -> dict[str, Array]:
    """The grid fields `names`, host arrays of shape ``(nx, ny, nz)``.

    A system shows fields by a method ``fields() -> {name: function of no argument that gives the array}``.

    Raises
    ------
    OutputError
        If no system of the scenario has such a field.
    """
    sources: dict[str, Any] = {}
    for system in sim.systems:
        show = getattr(system, "fields", None)
        if callable(show):
            for name, source in show().items():
                sources.setdefault(name, source)
    found: dict[str, Array] = {}
    for name in names:
        if name not in sources:
            known = ", ".join(sorted(sources)) or "none"
            raise OutputError(
                f"output.trajectory.fields: no system has a field '{name}' (there are: {known})"
                + did_you_mean(name, sources)
            )
        value = sources[name]
        found[name] = np.asarray(sim.world.device.host(value() if callable(value) else value))
    return found
