"""Survey: the plan of a file that was never sealed, read off its datasets."""

from __future__ import annotations

from typing import Any

import h5py

from sensorium.io.guard import children, plain, safe_attribute
from sensorium.io.layout import BOX, box_link
from sensorium.io.spec import EVENTS, FRAMES, SERIES, Plan, Spec

__all__ = ["survey"]

_ROOTS = ((BOX, FRAMES), ("particles", FRAMES), ("fields", FRAMES), ("observables", FRAMES), ("engine/series", SERIES))
_BULK = ("particles/", "fields/")


def survey(file: h5py.File) -> Plan:
    """Header and datasets of a trajectory, as far as the file shows them."""
    plan = Plan(header=_header(file))
    for root, table in _ROOTS:
        if root in file:
            _elements(file[root], root, table, plan)
    if "engine/events" in file:
        for name, dataset in children(file["engine/events"]):
            if name not in ("step", "time") and isinstance(dataset, h5py.Dataset):
                plan.add(_spec(dataset, f"engine/events/{name}", EVENTS, element=False))
    return plan


def _elements(group: h5py.Group, path: str, table: str, plan: Plan) -> None:
    for name, child in children(group):
        here = f"{path}/{name}"
        if not isinstance(child, h5py.Group) or name == "box" or here == "particles/trajectory":
            continue
        value = child.get("value")
        if isinstance(value, h5py.Dataset):
            plan.add(_spec(value, here, table))
        else:
            _elements(child, here, table, plan)


def _spec(dataset: h5py.Dataset, path: str, table: str, *, element: bool = True) -> Spec:
    bulk = path.startswith(_BULK)
    shape = dataset.shape[1:]
    text = {name: str(safe_attribute(dataset, name)) for name in sorted(dataset.attrs)}
    links: list[tuple[str, str]] = []
    rank = 0
    if path.startswith("particles/"):
        population = path.split("/")[1]
        rank = list(dataset.file["particles"]).index(population)
        if path.endswith("/id"):
            links.append(box_link(population))
            if rank == 0 and population != "trajectory":
                links.append((f"particles/{population}", "particles/trajectory"))
    if path.startswith("fields/"):
        links.append((f"{path}/value", f"VTKHDF/CellData/{path.removeprefix('fields/')}"))
    codec = "gzip" if dataset.compression == "gzip" else "raw"
    return Spec(
        path, table, dataset.dtype.str, shape, dataset.chunks[1:] if dataset.chunks else shape, bulk=bulk,
        codec=codec, fill=_fill(dataset), grows=path.startswith("particles/"), rank=rank, element=element,
        attributes=text, links=tuple(links),
    )  # fmt: skip


def _fill(dataset: h5py.Dataset) -> Any:
    value = dataset.fillvalue
    if dataset.dtype.kind == "f":
        return "nan" if value != value else float(value)
    return value.decode() if isinstance(value, bytes) else int(value)


def _header(file: h5py.File) -> dict[str, Any]:
    texts = {
        name: plain(item).asstr()[()]
        for name, item in children(file["parameters"])
        if isinstance(item, h5py.Dataset) and item.shape == ()
    }
    grid = None
    if "fields" in file and "VTKHDF" in file:
        about = file["fields"].attrs
        nz, ny, nx = (int(k) for k in file["VTKHDF"].attrs["WholeExtent"][1::2])
        grid = {
            "cells": [nx, ny, nz],
            "spacing": about["spacing"].tolist(),
            "origin": about["origin"].tolist(),
            "centering": str(safe_attribute(file["fields"], "centering")),
        }
    return {
        "author": str(file["h5md/author"].attrs["name"]),
        "version": str(file["h5md/creator"].attrs["version"]),
        "commit": str(file["engine"].attrs["commit"]),
        "parameters": texts,
        "boundary": [str(kind) for kind in file[BOX].attrs["boundary"]],
        "grid": grid,
    }
