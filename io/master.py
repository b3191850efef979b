"""Master file: the segments of a run too large to merge, seen as one file through virtual datasets."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import h5py

from sensorium.io.layout import clock_path, label, write_header, write_layout
from sensorium.io.merge import Joined
from sensorium.io.parts import Manifest, Parts
from sensorium.io.spec import FRAMES, TABLES, Spec

__all__ = ["MANIFEST", "write_master"]

MANIFEST = "manifest.json"  # readers trust virtual datasets only with it: a missing part reads as fill values


def write_master(parts: Parts, sealed: Sequence[Manifest], target: Path) -> None:
    """Write `target`, to be moved to the output's place, and the manifest beside the segments."""
    joined = Joined([parts.folder / manifest.name for manifest in sealed])
    try:
        with h5py.File(target, "x", locking=False) as file:
            write_header(file, joined.plan.header)
            for table in TABLES:
                file[clock_path(table, "step")] = joined.steps[table]
                file[clock_path(table, "time")] = joined.times[table]
            for spec in joined.plan.specs.values():
                _write(file, spec, joined, parts)
            write_layout(file, joined.plan.to_json(), {table: len(joined.steps[table]) for table in TABLES})
    finally:
        joined.close()
    listed = [manifest.state() for manifest in sealed]
    parts.write_text(MANIFEST, json.dumps({"segments": listed}, indent=1), durable=True)


def _write(file: h5py.File, spec: Spec, joined: Joined, parts: Parts) -> None:
    rows = len(joined.steps[spec.table])
    if spec.bulk:
        layout = h5py.VirtualLayout((rows, *spec.shape), spec.dtype)
        for source in joined.sources:
            shape = source.shape(spec)
            if shape is None or not shape[0]:
                continue
            first = source.first[FRAMES]
            # relative to the master's final place, beside the folder of parts
            name = f"{parts.folder.name}/{source.path.name}"
            layout[(slice(first, first + shape[0]), *(slice(0, k) for k in shape[1:]))] = h5py.VirtualSource(
                name, spec.dataset, shape, spec.dtype
            )
        dataset = file.create_virtual_dataset(spec.dataset, layout, fillvalue=spec.filled)
    else:
        dataset = file.create_dataset(spec.dataset, data=joined.block(spec, 0, rows), dtype=spec.dtype)
    label(dataset, spec.attributes)
    if spec.element:
        group = dataset.parent
        group["step"], group["time"] = (file[clock_path(spec.table, name)] for name in ("step", "time"))
    for existing, new in spec.links:
        file[new] = file[existing]
