"""Guard: HDF5 from strangers. What is not a plain dataset inside the file itself is refused."""

from __future__ import annotations

import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import h5py

from sensorium.engine.errors import OutputError

__all__ = ["children", "open_file", "plain", "safe_attribute", "safe_get"]

LARGEST_FILL = 1 << 34  # bytes that a dataset may claim beyond what is stored; more is not a trajectory
LARGEST_PIECES = 4096  # chunks of one row that may be missing: reading takes time for each, there or not
LARGEST_RATIO = 2000  # claimed bytes per stored byte: gzip reaches about 1000
PLAIN_TYPES = frozenset(
    (h5py.h5t.INTEGER, h5py.h5t.FLOAT, h5py.h5t.STRING, h5py.h5t.ENUM, h5py.h5t.COMPOUND)  # truth values, complex
)


def safe_get(group: h5py.Group, name: str) -> h5py.Group | h5py.Dataset | None:
    """The object at the path `name` below `group`, followed link by link; None when there is none.

    Raises
    ------
    OutputError
        If a link leads out of the file.
    """
    here: Any = group
    for part in name.strip("/").split("/"):
        if not isinstance(here, h5py.Group):
            return None
        link = here.get(part, getlink=True)
        if link is None:
            return None
        if not isinstance(link, h5py.HardLink):
            raise OutputError(f"{group.file.filename}: '{here.name}/{part}' is a link of a kind that is not followed")
        here = here.get(part)
    return here


def children(group: h5py.Group) -> Iterator[tuple[str, h5py.Group | h5py.Dataset]]:
    """Members of `group`, in its own order."""
    for name in group:
        child = safe_get(group, name)
        if isinstance(child, h5py.Group | h5py.Dataset):
            yield name, child


def _of_plain_type(found: Any, where: str) -> None:
    """Refuse what is neither number nor text: the library crashes on damaged types of other kinds."""
    if found.get_type().get_class() not in PLAIN_TYPES:
        raise OutputError(f"{where} is neither number nor text: refused")


def safe_attribute(holder: h5py.Group | h5py.Dataset, name: str) -> Any:
    """The attribute `name` of `holder`; texts as str.

    Raises
    ------
    OutputError
        If it is neither number nor text.
    """
    _of_plain_type(holder.attrs.get_id(name), f"{holder.file.filename}: attribute '{name}' of '{holder.name}'")
    value = holder.attrs[name]
    return value.decode() if isinstance(value, bytes) else value


def plain(dataset: h5py.Dataset, *, virtual: bool = False) -> h5py.Dataset:
    """`dataset`, after a look at where its bytes are and how many it claims.

    Raises
    ------
    OutputError
        If it is neither number nor text, stored elsewhere, virtual without leave, or claims a shape that its storage
        cannot hold.
    """
    where = f"{dataset.file.filename}: '{dataset.name}'"
    _of_plain_type(dataset.id, where)
    if dataset.external:
        raise OutputError(f"{where} is stored outside the file: refused")
    if dataset.is_virtual and not virtual:
        raise OutputError(f"{where} is a virtual dataset without a manifest: refused")
    claimed = math.prod(dataset.shape) * dataset.dtype.itemsize
    stored = 0 if dataset.is_virtual else dataset.id.get_storage_size()
    if claimed > LARGEST_FILL and claimed > LARGEST_RATIO * max(stored, 1) and not dataset.is_virtual:
        raise OutputError(f"{where} claims {claimed / 2**30:.0f} GiB and stores {stored} bytes: refused")
    pieces = math.prod(-(-n // c) for n, c in zip(dataset.shape[1:], dataset.chunks[1:])) if dataset.chunks else 1
    if pieces > LARGEST_PIECES and pieces > LARGEST_PIECES + dataset.id.get_num_chunks():
        raise OutputError(f"{where} claims {pieces} chunks in a row: refused")
    return dataset


def open_file(path: Path, *, growing: bool = False) -> h5py.File:
    """Open an HDF5 file for reading.

    A growing run may be written by another process meanwhile, so its parts are read without locks. A published file
    is opened as every other reader opens it: HDF5 refuses two ways of locking one file in one process.
    """
    return h5py.File(path, "r", **({"locking": False} if growing else {}))
