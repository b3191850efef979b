"""The run in the hands of other tools: xarray, pandas, MDAnalysis."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from sensorium.engine.errors import OutputError
from sensorium.io.column import Column
from sensorium.io.run import Run

if TYPE_CHECKING:
    import MDAnalysis
    import pandas
    import xarray

__all__ = ["to_mdanalysis", "to_pandas", "to_xarray"]


def _missing(tool: str, error: ImportError) -> OutputError:
    return OutputError(f"this needs the package {tool}, which is not installed (pip install {tool}): {error}")


def to_xarray(run: Run) -> xarray.DataTree:
    """See :meth:`sensorium.io.run.Run.to_xarray`."""
    try:
        import xarray
        from xarray.backends import BackendArray
        from xarray.core import indexing
    except ImportError as error:
        raise _missing("xarray", error) from None

    class Lazy(BackendArray):  # type: ignore[misc]
        def __init__(self, column: Column) -> None:
            self.column, self.shape, self.dtype = column, column.shape, column.dtype

        def __getitem__(self, key: Any) -> Any:
            return indexing.explicit_indexing_adapter(
                key, self.shape, indexing.IndexingSupport.BASIC, lambda raw: _basic(self.column, raw)
            )

    def variable(column: Column, dims: tuple[str, ...]) -> Any:
        data = indexing.LazilyIndexedArray(Lazy(column))
        return xarray.Variable(dims, data, {"units": column.unit, "long_name": column.doc})

    clock = {"step": ("frame", run.steps), "time": ("frame", run.times)}
    tree: dict[str, Any] = {"/": xarray.Dataset(attrs={"path": str(run.path)})}
    for name, population in run.populations.items():
        variables = {}
        for key in population.columns:
            column = population[key]
            last = {3: "axis", 2: "part"}.get(column.shape[-1], key)
            dims = ("frame", "row", *((last,) if column.ndim == 3 else ()))
            variables[key] = variable(column, dims)
        tree[name] = xarray.Dataset(variables, clock)
    if run.fields:
        fields = {name: variable(column, ("frame", "x", "y", "z")) for name, column in run.fields.items()}
        tree["fields"] = xarray.Dataset(fields, clock)
    if run.series_names:
        series = {name.replace("/", "_"): run.series(name) for name in run.series_names}
        first = next(iter(series.values()))
        tree["series"] = xarray.Dataset(
            {name: variable(s, ("step",)) for name, s in series.items()},
            {"step": first.step, "time": ("step", first.time)},
        )
    return xarray.DataTree.from_dict(tree)


def _basic(column: Column, key: tuple[Any, ...]) -> Any:
    """Integers and slices; a frame keeps its dead rows, so that all frames have one shape."""
    first = key[0]
    if isinstance(first, int | np.integer):
        here = int(first) % len(column)
        return column[here : here + 1][(0, *key[1:])]
    return column[first][(slice(None), *key[1:])]


def to_pandas(run: Run, what: str = "series", frame: int | None = None) -> pandas.DataFrame:
    """See :meth:`sensorium.io.run.Run.to_pandas`."""
    try:
        import pandas
    except ImportError as error:
        raise _missing("pandas", error) from None
    if what == "events":
        return pandas.DataFrame(run.events())
    if what == "series":
        names = run.series_names
        if not names:
            return pandas.DataFrame()
        first = run.series(names[0])
        index = pandas.Index(first.step, name="step")
        return pandas.DataFrame({"time": first.time, **{name: run.series(name).values for name in names}}, index)
    frames = range(len(run)) if frame is None else [range(len(run))[frame]]
    tables = []
    for k in frames:
        columns: dict[str, Any] = {}
        for name, values in run[what].frame(k).items():
            if values.ndim == 1:
                columns[name] = values
            else:
                labels = "xyz" if values.shape[1] == 3 else range(values.shape[1])
                columns |= {f"{name}_{label}": values[:, j] for j, label in enumerate(labels)}
        tables.append(pandas.DataFrame({"frame": k, "step": run.steps[k], **columns}))
    return pandas.concat(tables, ignore_index=True) if tables else pandas.DataFrame()


def to_mdanalysis(run: Run, population: str | None = None) -> MDAnalysis.Universe:
    """See :meth:`sensorium.io.run.Run.to_mdanalysis`."""
    try:
        import MDAnalysis
        from MDAnalysis.coordinates.memory import MemoryReader
    except ImportError as error:
        raise _missing("MDAnalysis", error) from None
    spatial = [name for name, p in run.populations.items() if "position" in p]
    if not spatial:
        raise OutputError(f"{run.path}: no population has positions")
    name = population or spatial[0]
    if name not in spatial:
        raise OutputError(f"{run.path}: no population '{name}' with positions (there are: {', '.join(spatial)})")
    gas = run[name]
    counts = gas.counts
    if len(counts) == 0 or counts.min() != counts.max():
        raise OutputError(f"{run.path}: MDAnalysis needs a constant number of rows; '{name}' changes")
    universe = MDAnalysis.Universe.empty(int(counts[0]), trajectory=False)
    universe.add_TopologyAttr("names", [name] * int(counts[0]))
    universe.add_TopologyAttr("types", [name] * int(counts[0]))
    universe.add_TopologyAttr("ids", gas["id"][0])
    if "mass" in gas:
        universe.add_TopologyAttr("masses", gas["mass"][0])
    whole = len(run) == len(run._source.steps["frames"])
    if run.complete and name == next(iter(run.populations)) and whole:
        return universe.load_new(str(run.path), format="H5MD", convert_units=False)
    n = int(counts[0])
    dimensions = np.concatenate([np.asarray(run.edges), np.full((len(run), 3), 90.0)], axis=1)
    velocities = {"velocities": np.asarray(gas["velocity"][:, :n], np.float32)} if "velocity" in gas else {}
    dt = float(run.times[1] - run.times[0]) if len(run) > 1 else 1.0
    return universe.load_new(
        np.asarray(gas["position"][:, :n], np.float32), format=MemoryReader, dimensions=dimensions, dt=dt,
        time_offset=float(run.times[0]), **velocities,
    )  # fmt: skip
