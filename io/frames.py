"""Frames: which columns of which populations are written, and their snapshots."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from sensorium.engine.component import Field
from sensorium.engine.errors import OutputError
from sensorium.engine.naming import did_you_mean
from sensorium.engine.population import Population
from sensorium.engine.simulation import Simulation
from sensorium.io.fields import FIELD_UNITS, box_of, fields_of
from sensorium.io.layout import box_link, column_spec, edges_spec, field_spec
from sensorium.io.snapshot import Snapshot
from sensorium.io.spec import Spec

__all__ = ["FrameOptions", "Frames"]

SCRATCH = frozenset({"force"})  # recomputed from the rest; written only when asked for

QUANTIZED = frozenset({"position", "velocity"})


@dataclass(frozen=True)
class FrameOptions:
    """What goes into a frame.

    Attributes
    ----------
    populations
        Names; all when None.
    columns
        Field names; all but scratch columns when None. Ids, species and masses are always written.
    fields
        Names of grid fields.
    precision
        ``"single"`` or ``"double"``; None keeps the working precision of the run.
    quantize
        Absolute precision of stored positions and velocities; exact when None.
    """

    populations: Sequence[str] | None = None
    columns: Sequence[str] | None = None
    fields: Sequence[str] = ()
    precision: str | None = None
    quantize: float | None = None

    @property
    def digits(self) -> int:
        """Decimals kept by `quantize`."""
        return 0 if self.quantize is None else max(0, math.ceil(-math.log10(self.quantize)))


@dataclass(frozen=True)
class _Selection:
    """The columns of one population: by name in the file, with the dtype that they have there."""

    columns: dict[str, Field]
    dtypes: dict[str, np.dtype[Any]]
    species: int


class Frames:
    """Chooses columns, describes their datasets, and takes snapshots.

    Parameters
    ----------
    options
        What goes into a frame.
    sim
        The run.

    Raises
    ------
    OutputError
        If a population, column or field does not exist.
    """

    def __init__(self, options: FrameOptions, sim: Simulation) -> None:
        self.options = options
        self._selected: dict[str, _Selection] = {}
        self._described: frozenset[str] = frozenset()
        self._moving = frozenset(f for system in sim.systems for f in (*system.writes, *system.accumulates))
        known = [population.name for population in sim.world.populations]
        known += [resource.table for resource in sim.world.resources if hasattr(resource, "table")]
        for name in options.populations or ():
            if name not in known:
                raise OutputError(f"output.trajectory.populations: no population '{name}'" + did_you_mean(name, known))
        names = {f.name for population in sim.world.populations for f in population.fields} | {"id", "species"}
        for name in options.columns or ():
            if name not in names:
                raise OutputError(f"output.trajectory.columns: no column '{name}'" + did_you_mean(name, names))

    def take(self, sim: Simulation, snapshot: Snapshot, observables: Mapping[str, float]) -> None:
        """Copy everything that belongs to a frame of the state at hand."""
        box, clock = box_of(sim), sim.world.clock
        snapshot.start(clock.step, clock.time, np.array(box.edges if box else (1.0, 1.0, 1.0)), observables)
        populations = self._chosen(sim)
        for population in populations:
            selection = self._select(population, sim)
            snapshot.take(population, selection.columns, selection.dtypes, selection.species)
        snapshot.fields = fields_of(sim, self.options.fields)
        tables = self._tables(sim)
        for name, columns in tables.items():
            snapshot.take_table(name, columns)
        names = frozenset((*(population.name for population in populations), *tables))
        if names != self._described:
            self._described = names
            specs = *self._specs(populations, snapshot, sim), *self._table_specs(tables, len(populations))
            snapshot.specs = specs

    def _chosen(self, sim: Simulation) -> list[Population]:
        """The populations that are written, those with positions first: MDAnalysis reads the first."""
        wanted = self.options.populations
        found = [p for p in sim.world.populations if wanted is None or p.name in wanted]
        return sorted(found, key=lambda p: "position" not in self._select(p, sim).columns)

    def _tables(self, sim: Simulation) -> dict[str, Mapping[str, Any]]:
        """Resources that are tables of their own, such as anchors: ``{name: columns}``."""
        wanted = self.options.populations
        found = (r for r in sim.world.resources if hasattr(r, "table") and hasattr(r, "columns"))
        return {r.table: r.columns() for r in found if wanted is None or r.table in wanted}

    def _select(self, population: Population, sim: Simulation) -> _Selection:
        known = self._selected.get(population.name)
        if known is not None:
            return known
        wanted = self.options.columns
        columns: dict[str, Field] = {}
        for f in population.fields:
            if f.name in SCRATCH if wanted is None else f.name not in wanted and f.name != "mass":
                continue
            columns[f.path if f.name in columns else f.name] = f
        dtypes = {name: self._stored(population.column(f).dtype) for name, f in columns.items()}
        species = 1 + [p.name for p in sim.world.populations].index(population.name)
        selection = self._selected[population.name] = _Selection(columns, dtypes, species)
        return selection

    def _stored(self, dtype: np.dtype[Any]) -> np.dtype[Any]:
        if dtype.kind == "b":
            return np.dtype(np.uint8)
        if dtype.kind != "f" or self.options.precision is None:
            return np.dtype(dtype)
        return np.dtype(np.float32 if self.options.precision == "single" else np.float64)

    # ---- datasets ---------------------------------------------------------------------------------------------

    def _specs(self, populations: Sequence[Population], snapshot: Snapshot, sim: Simulation) -> Iterator[Spec]:
        yield edges_spec()
        for rank, population in enumerate(populations):
            yield from self._population_specs(population, rank, sim)
        for name, values in snapshot.fields.items():
            yield field_spec(name, values.dtype, values.shape, unit=FIELD_UNITS.get(name, "1"))

    def _population_specs(self, population: Population, rank: int, sim: Simulation) -> Iterator[Spec]:
        """Datasets of `population`; the one of rank 0 is also known as ``trajectory``."""
        selection, name = self._select(population, sim), population.name
        grows = population.n == 0 or population.capacity > max(2, population.n)
        links = [box_link(name)]
        if rank == 0 and name != "trajectory":
            links.append((f"particles/{name}", "particles/trajectory"))
        dtypes: dict[str, np.dtype[Any]] = {"id": np.dtype(np.int64), "species": np.dtype(np.int8)}
        for column, dtype in {**dtypes, **selection.dtypes}.items():
            f = selection.columns.get(column)
            yield column_spec(
                name, column, dtype, population.n, f.shape if f else (), grows=grows,
                codec="gzip" if grows else self._codec(f), digits=self.options.digits,
                unit=f.unit if f else "1", doc=f.doc if f else "", rank=rank, links=links,
            )  # fmt: skip
            links = []

    @staticmethod
    def _table_specs(tables: Mapping[str, Mapping[str, Any]], rank: int) -> Iterator[Spec]:
        for name, columns in tables.items():
            for column, values in {"id": np.zeros(0, np.int64), **columns}.items():
                yield column_spec(name, column, values.dtype, len(values), (), grows=True, rank=rank)

    def _codec(self, f: Field | None) -> str:
        # a column that no system writes is the same in every frame: compressed once, its bytes are written again;
        # for one that moves, compressing takes longer than writing
        if f is None or f not in self._moving:
            return "gzip"
        return "digits" if self.options.quantize is not None and f.name in QUANTIZED else "raw"
