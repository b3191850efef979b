"""Text formats of particle programs: extended XYZ (ASE, OVITO) and LAMMPS dumps."""

from __future__ import annotations

from pathlib import Path
from typing import IO, Any

import numpy as np
import numpy.typing as npt

from sensorium.io.run import PopulationRun, Run

__all__ = ["write_extxyz", "write_lammps"]

Array = npt.NDArray[Any]

# readers of extended XYZ want names of elements; the number of a population stands for one
ELEMENTS = ("X", "H", "He", "Li", "Be", "B", "C", "N", "O", "F", "Ne", "Na", "Mg", "Al", "Si", "P", "S", "Cl", "Ar")
_XYZ_NAMES = {"position": "pos", "velocity": "velo"}
_OWN = frozenset({"position", "species"})


def _flat(name: str, values: Array) -> dict[str, Array]:
    """Columns of scalars: vectors are taken apart."""
    if values.ndim == 1:
        return {name: values}
    ends = "xyz" if values.shape[1] == 3 else [str(k) for k in range(values.shape[1])]
    return {f"{name}_{end}": values[:, k] for k, end in enumerate(ends)}


def _lines(file: IO[str], columns: list[Array]) -> None:
    """One line per row; numbers as short as they can be and still come back as they were."""
    parts = [[repr(x) if isinstance(x, float) else str(x) for x in column.tolist()] for column in columns]
    file.writelines(" ".join(row) + "\n" for row in zip(*parts, strict=True))


def write_extxyz(run: Run, population: PopulationRun, output: Path) -> None:
    """Extended XYZ: every column as a property, box and time in the comment."""
    with open(output, "w", encoding="ascii") as file:
        for k in range(len(run)):
            frame = population.frame(k)
            edges = run.edges[k]
            properties = ["species:S:1", "pos:R:3"]
            columns: list[Array] = [np.array(ELEMENTS)[np.minimum(frame["species"], len(ELEMENTS) - 1)]]
            columns += list(frame["position"].astype(float).T)
            for name, values in frame.items():
                if name in _OWN:
                    continue
                kind = "R" if values.dtype.kind == "f" else "I"
                wide = values.reshape(len(values), -1)
                properties.append(f"{_XYZ_NAMES.get(name, name)}:{kind}:{wide.shape[1]}")
                columns += list(wide.astype(float if kind == "R" else np.int64).T)
            lattice = f"{edges[0]} 0 0 0 {edges[1]} 0 0 0 {edges[2]}"
            file.write(
                f'{len(frame["id"])}\nLattice="{lattice}" Properties={":".join(properties)} pbc="T T T" '
                f"Time={run.times[k]} Step={run.steps[k]}\n"
            )
            _lines(file, columns)


def write_lammps(run: Run, population: PopulationRun, output: Path) -> None:
    """LAMMPS dump, style custom: ``id type x y z``, what LAMMPS knows by its names, other columns as ``c_name``."""
    known = {"id": "id", "species": "type", "radius": "radius", "mass": "mass"}
    known |= {f"position_{a}": a for a in "xyz"} | {f"velocity_{a}": f"v{a}" for a in "xyz"}
    known |= {f"image_{a}": f"i{a}" for a in "xyz"}
    with open(output, "w", encoding="ascii") as file:
        for k in range(len(run)):
            columns: dict[str, Array] = {}
            for name, values in population.frame(k).items():
                for flat, column in _flat(name, values).items():
                    columns[known.get(flat, f"c_{flat}")] = column
            columns["id"] = columns["id"] + 1  # LAMMPS counts from 1
            first = [name for name in ("id", "type", "x", "y", "z") if name in columns]
            order = [*first, *(name for name in columns if name not in first)]
            bounds = "".join(f"0 {edge}\n" for edge in run.edges[k])
            file.write(
                f"ITEM: TIMESTEP\n{run.steps[k]}\nITEM: NUMBER OF ATOMS\n{len(columns['id'])}\n"
                f"ITEM: BOX BOUNDS pp pp pp\n{bounds}ITEM: ATOMS {' '.join(order)}\n"
            )
            floats = {n: v.astype(float) if v.dtype.kind == "f" else v for n, v in columns.items()}
            _lines(file, [floats[name] for name in order])
