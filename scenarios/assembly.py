"""Put the systems of a scenario together in an empty world, to see what they say of it and of each other."""

from __future__ import annotations

from collections.abc import Iterable

from sensorium.engine.errors import SensoriumError
from sensorium.engine.grid import Box
from sensorium.engine.schedule import Schedule
from sensorium.engine.world import World
from sensorium.scenarios.entries import SystemPlan
from sensorium.scenarios.populations import PopulationPlan
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.schema import BoxSection
from sensorium.scenarios.tree import Node

__all__ = ["check_assembly"]

SMALL_GRID = 16  # systems may make arrays of the grid; what they refuse does not depend on its size


def check_assembly(
    plans: Iterable[SystemPlan],
    populations: Iterable[PopulationPlan],
    box: BoxSection | None,
    root: Node,
    problems: Problems,
) -> None:
    """Report what systems miss (a box, a component), and systems that cannot be put in one order."""
    plans = tuple(plans)
    world = World()
    if box is not None:
        nx, ny, nz = (min(cells, SMALL_GRID) for cells in box.grid)
        world.insert(Box(box.edges, (nx, ny, nz)))
    for population in populations:
        world.create(population.name, population.components)
    systems = [plan.make() for plan in plans]
    for plan, system in zip(plans, systems, strict=True):
        try:
            system.attach(world)
            system.setup()
        except SensoriumError as error:
            problems.add(plan.mark, ("systems", plan.instance), str(error).removeprefix(f"{plan.instance}: "))
        except Exception:  # in an empty world; a real fault of the system shows in the run, where it can be told
            continue
    section = root.entries.get("systems")
    mark = section.key if section is not None else root.mark
    try:
        Schedule(systems)
    except SensoriumError as error:
        for line in str(error).splitlines():
            named = next((plan for plan in plans if f"'{plan.instance}'" in line), None)
            problems.add(named.mark if named else mark, "systems", line)
