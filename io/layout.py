"""Where things lie in a trajectory: H5MD 1.1, with the traps of its readers honoured."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import h5py
import numpy as np

from sensorium.engine.errors import OutputError
from sensorium.io.spec import FRAMES, SERIES, Spec, chunk_rows

__all__ = [
    "EDGES", "LAYOUT", "SCHEMA_VERSION", "box_link", "clock_path", "column_spec", "edges_spec", "field_spec",
    "fixed", "label", "label_grid", "observable_path", "scalar_spec", "series_path", "write_header", "write_layout",
]  # fmt: skip

SCHEMA_VERSION = 1
LAYOUT = "engine/layout"  # the plan as JSON, written when a segment is sealed
BOX = "engine/box"
EDGES = f"{BOX}/edges"
GROWING_ROWS = 1024  # rows per chunk of a population that grows: compressed, so that padding costs nothing

RESERVED = frozenset({"", ".", "..", "value", "step", "time"})

# MDAnalysis refuses to open a file whose unit strings it does not know, on these elements
_MDANALYSIS_UNITS = frozenset({"position", "velocity", "force"})


def fixed(text: str) -> np.ndarray[Any, Any]:
    """A text as HDF5 stores it at a fixed length.

    Texts of variable length lie in a heap whose damage crashes or hangs the HDF5 library; nothing that this engine
    reads is stored so.
    """
    data = text.encode()
    return np.array(data, h5py.string_dtype("utf-8", max(1, len(data))))


def label(target: h5py.Group | h5py.Dataset, attributes: Mapping[str, str]) -> None:
    """Attach texts; ``unit`` has a variable length, as MDAnalysis needs it."""
    for name, text in attributes.items():
        target.attrs[name] = text if name == "unit" else fixed(text)


def label_grid(target: h5py.Group, grid: Mapping[str, Any]) -> None:
    """Attach where the values of a grid lie: ``origin``, ``spacing`` [length] and ``centering``."""
    for name in ("origin", "spacing"):
        target.attrs[name] = np.asarray(grid[name], float)
    label(target, {"centering": grid["centering"]})


def clock_path(table: str, name: str) -> str:
    """Path of the ``step`` or ``time`` that all elements of `table` share by hard links."""
    return f"engine/events/{name}" if table == "events" else f"engine/clock/{table}/{name}"


def column_spec(
    population: str,
    column: str,
    dtype: np.dtype[Any],
    rows: int,
    width: tuple[int, ...],
    *,
    grows: bool,
    codec: str = "raw",
    digits: int = 0,
    unit: str = "1",
    doc: str = "",
    since: int = 0,
    rank: int = 0,
    links: Sequence[tuple[str, str]] = (),
) -> Spec:
    """A column of a population: ``particles/<population>/<column>``, one frame in a chunk.

    Dead rows of a population that changes are NaN, -1 for signed and the largest value for unsigned integers.
    """
    row_bytes = dtype.itemsize * int(np.prod(width, dtype=int))
    chunk = chunk_rows(max(rows, 1), row_bytes)
    if grows:
        chunk, codec = max(chunk, GROWING_ROWS), "gzip"
    fill: float | int | str = {"f": "nan", "i": -1, "u": 2 ** (8 * dtype.itemsize) - 1}[dtype.kind]
    attributes = {"doc": doc} if doc else {}
    attributes["quantity"] = unit
    if column not in _MDANALYSIS_UNITS and unit != "1":
        attributes["unit"] = unit
    return Spec(
        f"particles/{population}/{column}", FRAMES, dtype.str, (rows, *width), (chunk, *width), bulk=True, codec=codec,
        digits=digits, fill=fill, grows=True, since=since, attributes=attributes, rank=rank, links=tuple(links),
    )  # fmt: skip


def edges_spec() -> Spec:
    """Box edges as a time element, as MDAnalysis needs them; the box group is linked into every population."""
    return Spec(EDGES, FRAMES, "<f8", (3,), (3,), attributes={"quantity": "length"}, rank=-1)


def box_link(population: str) -> tuple[str, str]:
    """The hard link that gives a population its box."""
    return BOX, f"particles/{population}/box"


def scalar_spec(path: str, table: str, *, since: int = 0, unit: str = "1") -> Spec:
    """A scalar: ``engine/series/<name>`` at its own cadence, ``observables/<name>`` at that of the frames."""
    attributes = {} if unit == "1" else {"quantity": unit, "unit": unit}
    return Spec(path, table, "<f8", fill="nan", since=since, attributes=attributes, rank=1000)


def observable_path(name: str) -> str:
    """``observables/<group>/<rest>``: MDAnalysis reads two levels, so deeper names are joined with dots."""
    group, _, rest = name.partition("/")
    return f"observables/{group}" + (f"/{rest.replace('/', '.')}" if rest else "")


def field_spec(name: str, dtype: np.dtype[Any], cells: Sequence[int], *, since: int = 0, unit: str = "1") -> Spec:
    """A grid field ``fields/<name>``, (frames, nx, ny, nz), and its view for VTK."""
    nx, ny, nz = (int(c) for c in cells)
    slab = chunk_rows(nx, dtype.itemsize * ny * nz)
    attributes = {} if unit == "1" else {"quantity": unit, "unit": unit}
    return Spec(
        f"fields/{name}", FRAMES, dtype.str, (nx, ny, nz), (slab, ny, nz), bulk=True, codec="gzip", since=since,
        rank=999, attributes=attributes, links=((f"fields/{name}/value", f"VTKHDF/CellData/{name}"),),
    )  # fmt: skip


def series_path(name: str) -> str:
    """Path of the element of a series.

    Raises
    ------
    OutputError
        If it has an empty part, or one that has a meaning of its own in a file.
    """
    if not RESERVED.isdisjoint(name.split("/")):
        raise OutputError(f"a series cannot be named '{name}'")
    return f"engine/{SERIES}/{name}"


# ---- the parts that do not grow -------------------------------------------------------------------------------


def write_header(file: h5py.File, header: Mapping[str, Any]) -> None:
    """Write everything that is known before the first frame."""
    h5md = file.create_group("h5md")
    h5md.attrs["version"] = np.array([1, 1], np.int32)
    h5md.create_group("author").attrs["name"] = header["author"]
    creator = h5md.create_group("creator")
    creator.attrs["name"], creator.attrs["version"] = "sensorium-engine", header["version"]
    # MDAnalysis takes the first group listed: creation order makes that the first population with positions
    file.create_group("particles", track_order=True)
    parameters = file.create_group("parameters")
    for name, text in sorted(header["parameters"].items()):
        parameters[name] = fixed(text)
    engine = file.create_group("engine")
    engine.attrs["schema_version"] = SCHEMA_VERSION
    engine.attrs["commit"] = header["commit"]
    box = file.create_group(BOX)
    box.attrs["dimension"] = 3
    box.attrs["boundary"] = list(header["boundary"])
    grid = header.get("grid")
    if grid:
        _write_grid(file, grid)


def _write_grid(file: h5py.File, grid: Mapping[str, Any]) -> None:
    """The geometry of fields, for people and for VTK.

    VTK takes the last axis of a dataset as x. The data stay (x, y, z); extent and spacing are given in VTK's order
    and the direction matrix exchanges x and z, so every value is where it belongs, also on a grid that is no cube.
    """
    spacing, origin = np.asarray(grid["spacing"], float), np.asarray(grid["origin"], float)
    label_grid(file.create_group("fields"), grid)
    nx, ny, nz = grid["cells"]
    view = file.create_group("VTKHDF")
    view.attrs["Version"] = np.array([2, 2], np.int64)
    view.attrs.create("Type", np.bytes_("ImageData"))
    view.attrs["WholeExtent"] = np.array([0, nz, 0, ny, 0, nx], np.int64)
    view.attrs["Origin"] = origin - 0.5 * spacing  # the corner of the cell whose centre is the first value
    view.attrs["Spacing"] = spacing[::-1].copy()
    view.attrs["Direction"] = np.array([0, 0, 1, 0, 1, 0, 1, 0, 0], np.float64)
    view.create_group("CellData")
    steps = view.create_group("Steps")
    steps.attrs["NSteps"] = np.int64(0)


def write_layout(file: h5py.File, layout: str, rows: Mapping[str, int]) -> None:
    """Write what is known at the end: the plan as JSON, and the number of steps for VTK."""
    file[LAYOUT] = fixed(layout)
    if "VTKHDF" in file:
        steps = file["VTKHDF/Steps"]
        steps.attrs["NSteps"] = np.int64(rows[FRAMES])
        steps["Values"] = file[clock_path(FRAMES, "time")]
