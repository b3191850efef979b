"""Run: what was written, read lazily: ``sm.open("run.h5")``, complete or not."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, overload

import h5py
import numpy as np
import numpy.typing as npt

from sensorium.engine.component import Component
from sensorium.engine.errors import OutputError
from sensorium.engine.naming import did_you_mean
from sensorium.engine.select import Selection, Table
from sensorium.io.column import Column, Series
from sensorium.io.guard import plain
from sensorium.io.source import Source
from sensorium.io.spec import EVENTS, FRAMES, SERIES

if TYPE_CHECKING:
    import MDAnalysis
    import pandas
    import xarray

__all__ = ["PopulationRun", "Run", "open"]

Array = npt.NDArray[Any]


class PopulationRun:
    """One population of a run: ``run["gas"].position[-1]``.

    Columns are attributes; ``columns`` lists them. Rows of a frame are in the order of their ids.
    """

    def __init__(self, source: Source, name: str, frames: range) -> None:
        self._source, self.name, self._frames = source, name, frames
        members = source.names(f"particles/{name}")
        self.columns = tuple(m for m in members if "value" in source.names(f"particles/{name}/{m}"))
        self._counts: dict[int, int] = {}

    def __len__(self) -> int:
        return len(self._frames)

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *self.columns})

    def __repr__(self) -> str:
        return f"<population {self.name}: {len(self)} frames of {', '.join(self.columns)}>"

    def __contains__(self, column: str) -> bool:
        return column in self.columns

    def __getattr__(self, name: str) -> Column:
        if name.startswith("_") or name not in self.columns:
            raise AttributeError(
                f"population '{self.name}' has no column '{name}' in {self._source.path}"
                + did_you_mean(name, self.columns)
            )
        column = Column(self._source, f"particles/{self.name}/{name}/value", FRAMES, self._frames, self._living)
        if name not in _OWN:
            self.__dict__[name] = column
        return column

    def __getitem__(self, key: str) -> Column:
        if key not in self.columns:
            have = ", ".join(self.columns)
            raise KeyError(f"population '{self.name}' has no column '{key}' (it has {have})")
        column: Column = getattr(self, key) if key not in _OWN else self.__getattr__(key)
        return column

    @property
    def ids(self) -> Column:
        """Ids of the rows; -1 where dead."""
        return self["id"]

    @property
    def step(self) -> Array:
        """Step of each frame."""
        return self["id"].step

    @property
    def counts(self) -> Array:
        """Number of living rows in each frame."""
        return np.array([self._living(frame) for frame in self._frames])

    def _living(self, frame: int) -> int:
        count = self._counts.get(frame)
        if count is None:
            ids = self._source.rows(f"particles/{self.name}/id/value", FRAMES, frame, frame + 1)[0]
            count = self._counts[frame] = int(np.count_nonzero(ids >= 0))
        return count

    def frame(self, index: int = -1) -> dict[str, Array]:
        """Every column of one frame, living rows only."""
        return {name: self[name][index] for name in self.columns}

    def track(self, ids: int | Sequence[int] | Array, column: str) -> Array:
        """`column` of the rows with `ids` in every frame, ``(frames, ids[, k])``; NaN or -1 where dead."""
        wanted = np.atleast_1d(np.asarray(ids, np.int64))
        source = self[column]
        out: Array | None = None
        for k in range(len(self)):
            alive, values = self["id"][k], source[k]
            if out is None:
                out = np.full(
                    (len(self), len(wanted), *values.shape[1:]), self._source.fill(source._path), source.dtype
                )
            place = np.searchsorted(alive, wanted)
            found = place < len(alive)
            found[found] = alive[place[found]] == wanted[found]
            out[k, found] = values[place[found]]
        return np.empty((0, len(wanted))) if out is None else out


def _hidden(component: type[Component]) -> Iterator[type[Component]]:
    """Every hidden component class that is known."""
    for kind in component.__subclasses__():
        if kind.hidden:
            yield kind
        yield from _hidden(kind)


_OWN = frozenset(dir(PopulationRun)) | {"name", "columns"}


class Run:
    """A run on disk. Nothing is read before it is asked for.

    Parameters
    ----------
    path
        The trajectory; while a run is unfinished, the name that it will have.

    Attributes
    ----------
    path
        Where it is.

    Raises
    ------
    OutputError
        If there is no such run, or it is damaged.
    """

    def __init__(self, path: str | Path, *, _source: Source | None = None, _frames: range | None = None) -> None:
        self._source = _source or Source(path)
        self.path = self._source.path
        self._frames = range(len(self._source.steps[FRAMES])) if _frames is None else _frames
        self.populations: Mapping[str, PopulationRun] = {
            name: PopulationRun(self._source, name, self._frames) for name in self._population_names()
        }

    def _population_names(self) -> Iterator[str]:
        for name in self._source.names("particles"):
            group = self._source.get(f"particles/{name}")
            # 'trajectory' is another name of the first population, for readers that look for it
            alias = name == "trajectory" and any(
                group == self._source.get(f"particles/{other}")
                for other in self._source.names("particles")
                if other != name
            )
            if not alias:
                yield name

    # ---- the usual ways in ------------------------------------------------------------------------------------

    @overload
    def __getitem__(self, key: str) -> PopulationRun: ...
    @overload
    def __getitem__(self, key: tuple[str, str]) -> Column: ...
    @overload
    def __getitem__(self, key: slice) -> Run: ...
    def __getitem__(self, key: Any) -> Any:
        """``run["gas"]``, ``run["gas", "position"]``, or ``run[10:20]``: the same run with fewer frames."""
        if isinstance(key, slice):
            return Run(self.path, _source=self._source, _frames=self._frames[key])
        if isinstance(key, tuple):
            return self[key[0]][key[1]]
        try:
            return self.populations[key]
        except KeyError:
            have = ", ".join(self.populations) or "none"
            raise KeyError(f"no population '{key}' in {self.path} (there are: {have})") from None

    def select(
        self, component: type[Component], *, frame: int = -1, include: Sequence[type[Component]] = ()
    ) -> Selection:
        """A question to one frame, as to a world: ``run.select(Carrier).where(state="stable").statistics("phase")``.

        A population has a component if it has all columns of it that any population of the run has. Populations with
        a hidden component (probes) are left out, unless `include` names it.
        """
        wanted = {c.name for c in (component, *include)}
        hidden = [c for c in _hidden(Component) if c.name not in wanted]
        return Selection(
            component,
            [
                Table(name, rows["id"][frame], lambda column, p=rows: p[column][frame])  # type: ignore[misc]
                for name, rows in self.populations.items()
                if self._has(rows, component) and not any(self._has(rows, c) for c in hidden)
            ],
        )

    def _has(self, rows: PopulationRun, component: type[Component]) -> bool:
        stored = {c for population in self.populations.values() for c in population.columns}
        needed = stored & set(component.fields)
        return bool(needed) and needed <= set(rows.columns)

    def __len__(self) -> int:
        return len(self._frames)

    def __enter__(self) -> Run:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the files; a later read opens them again."""
        self._source.close()

    def __repr__(self) -> str:
        lines = [f"Run {self.path}: {len(self)} frames, {'complete' if self.complete else 'unfinished'}"]
        for name, population in self.populations.items():
            lines.append(f"  {name}: {', '.join(population.columns)}")
        lines.append(f"  series: {', '.join(self.series_names) or 'none'}")
        return "\n".join(lines)

    @property
    def complete(self) -> bool:
        """Whether the run ended and was published."""
        return self._source.complete

    @property
    def status(self) -> dict[str, Any]:
        """What the writing process last said; empty for a complete run."""
        return {} if self.complete else self._source.parts.status()

    @property
    def steps(self) -> Array:
        """Step of each frame, int64."""
        return self._source.steps[FRAMES][self._frames.start : self._frames.stop : self._frames.step]

    @property
    def times(self) -> Array:
        """Time of each frame."""
        return self._source.times[FRAMES][self._frames.start : self._frames.stop : self._frames.step]

    @property
    def edges(self) -> Column:
        """Box edges of each frame, ``(frames, 3)``."""
        return Column(self._source, "engine/box/edges/value", FRAMES, self._frames)

    # ---- series, fields, events -------------------------------------------------------------------------------

    @property
    def series_names(self) -> tuple[str, ...]:
        """Names of the scalars that were written step by step."""
        return tuple(self._source.elements(f"engine/{SERIES}"))

    def series(self, name: str) -> Series:
        """The scalar `name` over the whole run, with ``.step``, ``.time`` and ``.unit``.

        Raises
        ------
        KeyError
            If it was not written; the message names the nearest.
        """
        if self._source.get(f"engine/{SERIES}/{name}/value") is None:
            if name in self.series_names:
                raise OutputError(f"{self.path}: the series '{name}' is damaged")
            raise KeyError(f"no series '{name}' in {self.path}" + did_you_mean(name, self.series_names))
        rows = range(len(self._source.steps[SERIES]))
        return Series(self._source, f"engine/{SERIES}/{name}/value", SERIES, rows)

    @property
    def fields(self) -> Mapping[str, Column]:
        """Grid fields by name, each ``(frames, nx, ny, nz)``."""
        names = self._source.elements("fields")
        return {name: Column(self._source, f"fields/{name}/value", FRAMES, self._frames) for name in names}

    @property
    def grid(self) -> dict[str, Any]:
        """``origin``, ``spacing`` and ``centering`` of the fields."""
        return self._source.attributes("fields", "origin", "spacing", "centering")

    def events(self, kind: str | None = None) -> dict[str, Array]:
        """The event log as columns: ``step``, ``time``, ``kind``, ``id`` (-1 for none), and what events say besides.

        Parameters
        ----------
        kind
            Only events of this kind, and only columns that they use.
        """
        rows = len(self._source.steps[EVENTS])
        clock: dict[str, Array] = {"step": self._source.steps[EVENTS], "time": self._source.times[EVENTS]}
        table = clock | {"kind": np.zeros(rows, "U1"), "id": np.full(rows, -1, np.int64)}
        if rows:
            for name in self._source.names("engine/events"):
                if name not in clock:
                    table[name] = self._source.rows(f"engine/events/{name}", EVENTS, 0, rows)
        table = {name: np.char.decode(v, "utf-8", "replace") if v.dtype.kind == "S" else v for name, v in table.items()}
        if kind is None:
            return table
        chosen = table["kind"] == kind
        always = ("step", "time", "kind", "id")
        return {name: v[chosen] for name, v in table.items() if name in always or _used(v[chosen])}

    # ---- where it comes from ----------------------------------------------------------------------------------

    @property
    def parameters(self) -> dict[str, str]:
        """Provenance: scenario, resolved, seed, versions, git, hardware, argv, ..."""
        found = {}
        for name in self._source.names("parameters"):
            dataset = self._source.get(f"parameters/{name}")
            if isinstance(dataset, h5py.Dataset) and dataset.shape == ():
                with self._source.reading():
                    found[name] = plain(dataset).asstr()[()]
        return found

    @property
    def scenario(self) -> dict[str, Any]:
        """The resolved scenario."""
        try:
            resolved = json.loads(self.parameters.get("resolved", "{}"))
        except ValueError as error:
            raise OutputError(f"{self.path}: its scenario is damaged ({error})") from None
        return resolved if isinstance(resolved, dict) else {}

    # ---- to other tools ---------------------------------------------------------------------------------------

    def to_xarray(self) -> xarray.DataTree:
        """The run as a tree of datasets, read lazily: one node per population, ``series``, ``fields``."""
        from sensorium.io.convert import to_xarray

        return to_xarray(self)

    def to_mdanalysis(self, population: str | None = None) -> MDAnalysis.Universe:
        """A Universe of one population; the first that has positions unless named."""
        from sensorium.io.convert import to_mdanalysis

        return to_mdanalysis(self, population)

    def to_pandas(self, what: str = "series", frame: int | None = None) -> pandas.DataFrame:
        """``series`` or ``events`` as a table, or a population: one frame of it, or all of them."""
        from sensorium.io.convert import to_pandas

        return to_pandas(self, what, frame)


def _used(values: Array) -> bool:
    if values.dtype.kind == "f":
        return not np.isnan(values).all()
    return bool((values != ("" if values.dtype.kind == "U" else -1)).any())


def open(path: str | Path) -> Run:
    """Open a run for reading: complete, running, or killed.

    Raises
    ------
    OutputError
        If there is no such run, or it is damaged.

    Examples
    --------
    >>> run = open("run.h5")  # doctest: +SKIP
    >>> run["gas"].position[-1], run.series("energy/total")  # doctest: +SKIP
    """
    return Run(path)
