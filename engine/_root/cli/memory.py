"""Memory of a run before it runs: the columns that are declared, and what the systems add, measured on a small twin."""

from __future__ import annotations

import gc
import resource
import tempfile
import tracemalloc
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from sensorium.scenarios.scenario import Scenario

__all__ = ["Measured", "affordable", "declared", "measured"]

WHOLE = 200_000  # up to so many rows a run is measured as it is
LARGE = 1 << 21  # nodes of a grid from which that is nothing to do unasked


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
    """Memory as a straight line: `fixed` bytes, and `per_row` bytes for each row with its share of the grid.

    `process` is what the interpreter holds besides: libraries and compiled kernels.
    """

    per_row: float
    fixed: float
    rows: int
    process: float

    @property
    def total(self) -> float:
        """Bytes of the whole run at its full size, without the process."""
        return self.fixed + self.per_row * self.rows


def measured(scenario: Scenario) -> Measured:
    """Bytes that two steps of the scenario hold at most, systems, grids and output included.

    Large scenarios are measured on two twins, an eighth and a sixty-fourth of the box with its rows and grid cells: the
    density stays what it is, and with it the contacts of a particle. Others are measured as they are, and so are
    those whose rows are given one by one.
    """
    rows = sum(plan.count for plan in scenario.populations)
    scalable = all(initial.rows is None for plan in scenario.populations for initial in plan.initial.values())
    if not scalable:
        held = _held(scenario, {})
        per_row = sum(row["bytes"] for row in declared(scenario)) / rows if rows else 0.0
        return Measured(per_row, held - per_row * rows, rows, _resident())
    small, few = _twin(scenario, 2)
    process = _resident()  # while next to nothing of what the twins held can be left in it
    if rows <= WHOLE:
        large, many = _held(scenario, {}), rows
    else:
        large, many = _twin(scenario, 1)
    per_row = (large - small) / (many - few) if many > few else 0.0
    return Measured(per_row, large - per_row * many, rows, process)


def affordable(scenario: Scenario) -> bool:
    """Whether measuring is a matter of seconds, whatever the size of the run."""
    rows = sum(plan.count for plan in scenario.populations)
    return rows > WHOLE or scenario.box is None or int(np.prod(scenario.box.grid)) <= LARGE


def _resident() -> float:
    """Bytes of this process that are in memory now; the most there were where the system does not say."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except OSError:
        return 1024.0 * resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return float(pages * resource.getpagesize())


def _twin(scenario: Scenario, halvings: int) -> tuple[int, int]:
    """Bytes and rows of the scenario in a box whose edges were halved so often."""
    part = 0.5**halvings
    overrides: dict[str, Any] = {}
    if scenario.box is not None:
        overrides["box.edges"] = [edge * part for edge in scenario.box.edges]
        overrides["box.grid"] = [max(1, round(cells * part)) for cells in scenario.box.grid]
    rows = 0
    for plan in scenario.populations:
        count = max(1, round(plan.count * part**3))
        rows += count
        key = "count" if plan.tokens is None else "from.tokenizer.bytes"
        overrides[f"populations.{plan.name}.{key}"] = count
    return _held(scenario, overrides), rows


def _held(scenario: Scenario, overrides: dict[str, Any]) -> int:
    """Bytes that the run holds at most while it makes two steps, kernels compiled before."""
    from sensorium.scenarios.launch import launch
    from sensorium.scenarios.scenario import read_scenario

    overrides = {**overrides, "run.steps": 2}
    twin = read_scenario(scenario.resolved, overrides, folder=scenario.folder, registry=scenario.registry)
    with tempfile.TemporaryDirectory() as folder:

        def run() -> None:
            sim = launch(twin, Path(folder) / "twin.h5", device="cpu", overwrite=True)
            assert sim is not None  # only a complete run is none
            tracemalloc.reset_peak()
            sim.run()

        run()
        gc.collect()
        tracemalloc.start()
        try:
            run()
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()
