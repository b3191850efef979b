"""Memory of a run before it runs: the columns that are declared, and what the systems add, measured on a small twin."""

from __future__ import annotations

import gc
import tracemalloc
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sensorium.scenarios.scenario import Scenario

__all__ = ["Measured", "declared", "measured"]

TWINS = 4000, 8000  # rows of the two small runs that give the slope


def declared(scenario: Scenario) -> list[dict[str, Any]]:
    """Rows, bytes per row and bytes of the columns of each population, from their declarations."""
    real = np.float32 if scenario.document.run.precision == "single" else np.float64
    found = []
    for plan in scenario.populations:
        fields = [field for component in plan.components for field in component.fields.values()]
        per_row = 8 + sum(field.stored(real).itemsize * int(np.prod(field.shape)) for field in fields)
        rows = max(plan.count, plan.capacity)
        components = [component.name for component in plan.components]
        sizes = {"rows": plan.count, "row_bytes": per_row, "bytes": rows * per_row}
        found.append({"name": plan.name, "components": components, **sizes})
    return found


@dataclass(frozen=True)
class Measured:
    """Memory as a straight line: `fixed` bytes (grids, carriers) and `per_row` bytes for each row."""

    per_row: float
    fixed: float
    rows: int

    @property
    def total(self) -> float:
        """Bytes of the whole run at its full size."""
        return self.fixed + self.per_row * self.rows


def measured(scenario: Scenario) -> Measured:
    """Run two steps of the scenario at two small sizes, and draw the line; grids have their full size.

    Scenarios whose rows are given one by one, and small ones, are measured as they are.
    """
    rows = sum(plan.count for plan in scenario.populations)
    scalable = all(initial.rows is None for plan in scenario.populations for initial in plan.initial.values())
    if not scalable or rows <= TWINS[1]:
        held = _held(scenario, {})
        columns = sum(row["bytes"] for row in declared(scenario))
        per_row = columns / rows if rows else 0.0
        return Measured(per_row, held - per_row * rows, rows)
    (small, few), (large, many) = (_twin(scenario, size / rows) for size in TWINS)
    per_row = (large - small) / (many - few)
    return Measured(per_row, small - per_row * few, rows)


def _twin(scenario: Scenario, share: float) -> tuple[int, int]:
    overrides: dict[str, Any] = {}
    rows = 0
    for plan in scenario.populations:
        count = max(1, round(plan.count * share))
        rows += count
        key = "count" if plan.tokens is None else "from.tokenizer.bytes"
        overrides[f"populations.{plan.name}.{key}"] = count
    return _held(scenario, overrides), rows


def _held(scenario: Scenario, overrides: dict[str, Any]) -> int:
    """Bytes that the run holds at most while it makes two steps, kernels compiled before."""
    from sensorium.scenarios.loader import build
    from sensorium.scenarios.scenario import read_scenario

    twin = read_scenario(scenario.resolved, overrides, folder=scenario.folder, registry=scenario.registry)
    build(twin, device="cpu").run(2)
    gc.collect()
    tracemalloc.start()
    try:
        sim = build(twin, device="cpu")
        tracemalloc.reset_peak()
        sim.run(2)
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
