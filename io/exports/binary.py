"""Binary formats of particle programs: GSD (OVITO, freud) and VTKHDF PolyData (ParaView)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from sensorium.engine.errors import OutputError
from sensorium.io.run import PopulationRun, Run

__all__ = ["write_gsd", "write_vtkhdf"]

Array = npt.NDArray[Any]

_GSD_OWN = frozenset({"position", "velocity", "mass", "image", "species", "radius"})


def write_gsd(run: Run, population: PopulationRun, output: Path) -> None:
    """GSD, HOOMD schema: the box is centred on the origin there, other columns go to the log of the particles."""
    try:
        import gsd.hoomd
    except ImportError as error:
        raise OutputError(
            f"exporting GSD needs the package gsd, which is not installed (pip install gsd): {error}"
        ) from None
    with gsd.hoomd.open(str(output), "w") as file:
        for k in range(len(run)):
            rows, edges = population.frame(k), np.asarray(run.edges[k])
            frame = gsd.hoomd.Frame()
            frame.configuration.step = int(run.steps[k])
            frame.configuration.box = [*edges, 0, 0, 0]
            particles = frame.particles
            particles.N = len(rows["id"])
            particles.types = [population.name]
            particles.position = (rows["position"] - 0.5 * edges).astype(np.float32)
            if "velocity" in rows:
                particles.velocity = rows["velocity"].astype(np.float32)
            if "mass" in rows:
                particles.mass = rows["mass"].astype(np.float32)
            if "image" in rows:
                particles.image = rows["image"].astype(np.int32)
            if "radius" in rows and np.any(rows["radius"]):
                particles.diameter = (2 * rows["radius"]).astype(np.float32)
            frame.log = {f"particles/{name}": values for name, values in rows.items() if name not in _GSD_OWN}
            file.append(frame)


def write_vtkhdf(run: Run, population: PopulationRun, output: Path) -> None:
    """VTKHDF PolyData with time steps: a vertex per particle, every column as point data."""
    names = [name for name in population.columns if name != "position"]
    with h5py.File(output, "w") as file:
        root = file.create_group("VTKHDF")
        root.attrs["Version"] = np.array([2, 3], np.int64)
        root.attrs.create("Type", np.bytes_("PolyData"))
        counts = population.counts.astype(np.int64)
        starts = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        total, frames = int(starts[-1]), len(run)
        root["NumberOfPoints"] = counts
        points = root.create_dataset("Points", (total, 3), "f4", chunks=_chunk(total, 3))
        data = root.create_group("PointData")
        columns = {}
        for name in names:
            column = population[name]
            shape = (total, *column.shape[2:])
            columns[name] = data.create_dataset(name, shape, column.dtype, chunks=_chunk(*shape))
        for k in range(frames):
            here = slice(starts[k], starts[k + 1])
            points[here] = population["position"][k]
            for name, dataset in columns.items():
                dataset[here] = population[name][k]
        _cells(root, counts)
        _steps(root, run, starts, columns)


def _chunk(total: int, *width: int) -> tuple[int, ...] | None:
    return (min(total, 1 << 14), *width) if total else None


def _cells(root: h5py.Group, counts: Array) -> None:
    frames = len(counts)
    for kind in ("Vertices", "Lines", "Polygons", "Strips"):
        group = root.create_group(kind)
        wanted = kind == "Vertices"
        group["NumberOfCells"] = counts if wanted else np.zeros(frames, np.int64)
        group["NumberOfConnectivityIds"] = counts if wanted else np.zeros(frames, np.int64)
        ids = np.concatenate([np.arange(n) for n in counts]) if wanted and frames else np.zeros(0)
        offsets = np.concatenate([np.arange(n + 1) for n in counts]) if wanted and frames else np.zeros(frames)
        group["Connectivity"], group["Offsets"] = ids.astype(np.int64), offsets.astype(np.int64)


def _steps(root: h5py.Group, run: Run, starts: Array, columns: dict[str, h5py.Dataset]) -> None:
    frames = len(run)
    steps = root.create_group("Steps")
    steps.attrs["NSteps"] = np.int64(frames)
    steps["Values"] = np.asarray(run.times)
    steps["PartOffsets"] = np.arange(frames, dtype=np.int64)
    steps["NumberOfParts"] = np.ones(frames, np.int64)
    steps["PointOffsets"] = starts[:-1]
    cells = np.zeros((frames, 4), np.int64)  # vertices, lines, polygons, strips
    cells[:, 0] = starts[:-1]
    steps["CellOffsets"] = steps["ConnectivityIdOffsets"] = cells
    offsets = steps.create_group("PointDataOffsets")
    for name in columns:
        offsets[name] = starts[:-1]
