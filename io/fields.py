"""Grid fields: what particles make on the grid, and what systems show of theirs."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from sensorium.components import Oscillator, Particle
from sensorium.engine.errors import OutputError
from sensorium.engine.grid import Box
from sensorium.engine.mesh import Mesh, Source
from sensorium.engine.naming import did_you_mean
from sensorium.engine.population import Population
from sensorium.engine.simulation import Simulation
from sensorium.engine.world import Constants

__all__ = ["FIELD_UNITS", "box_of", "fields_of", "grid_header"]

Array = npt.NDArray[Any]

FIELD_UNITS = {"density": "mass/length^3", "temperature": "temperature", "potential": "energy/mass"}


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
    """The grid fields `names`, host arrays of shape ``(nx, ny, nz)`` in the working precision.

    ``density`` and ``temperature`` are made of the particles, with the cloud-in-cell weights of the mesh. A system
    shows more by a method ``fields() -> {name: function of no argument that gives the array}``; its own come first.

    Raises
    ------
    OutputError
        If there is no such field.
    """
    names = tuple(names)
    if not names:
        return {}
    box = box_of(sim)
    if box is None:
        raise OutputError("output.trajectory.fields: the scenario has no box, so there is no grid for fields")
    sources: dict[str, Callable[[], Any]] = {}
    for system in sim.systems:
        show = getattr(system, "fields", None)
        if callable(show):
            for name, source in show().items():
                sources.setdefault(name, source)
    if sim.world.query(Particle):
        sources.setdefault("density", lambda: _density(sim, box))
        sources.setdefault("temperature", lambda: _temperature(sim, box))
    found: dict[str, Array] = {}
    for name in names:
        if name not in sources:
            known = ", ".join(sorted(sources)) or "none"
            raise OutputError(
                f"output.trajectory.fields: no field '{name}' (there are: {known})" + did_you_mean(name, sources)
            )
        found[name] = np.array(sim.world.device.host(sources[name]()), sim.world.device.real)
    return found


def _density(sim: Simulation, box: Box) -> Array:
    """Mass per volume at the nodes."""
    return _deposited(sim, lambda particle, _: particle.mass) / box.cell_volume


def _temperature(sim: Simulation, box: Box) -> Array:
    """T = U / (m c_v) of what is at a node (paper, equation 3); 0 where there is nothing."""

    def energy(particle: Particle, population: Population) -> Any:
        inside = Oscillator in population
        return particle.heat + population[Oscillator].energy if inside else particle.heat

    mass = _deposited(sim, lambda particle, _: particle.mass) * sim.world.resource(Constants).specific_heat
    return np.divide(_deposited(sim, energy), mass, out=np.zeros(box.cells, mass.dtype), where=mass > 0)


def _deposited(sim: Simulation, amount: Callable[[Particle, Population], Any]) -> Array:
    """Cloud-in-cell sum of an amount per row, which the order of rows does not change by a bit."""
    mesh = Mesh.of(sim.world)
    grid = mesh.grid()
    mesh.deposit([Source(p, view.position, amount(view, p)) for p, view in sim.world.query(Particle)], grid)
    return sim.world.device.host(grid)
