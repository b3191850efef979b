"""State files: nested dictionaries in HDF5, written whole or not at all, with a digest. No pickle."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import h5py
import numpy as np

from sensorium.engine.errors import OutputError
from sensorium.io.guard import children, plain
from sensorium.io.parts import fsync_directory, reported
from sensorium.io.space import Reservation, trim

__all__ = ["DamagedState", "State", "load_state", "save_state", "state_facts"]

BLOCK = 512  # user block in front of the HDF5 data: one line of JSON with the digest of what follows
LONGEST_ATTRIBUTE = 4096
State = dict[str, Any]


class DamagedState(OutputError):
    """A state file whose content does not fit its digest."""


def _write(group: h5py.Group, state: Mapping[str, Any]) -> None:
    for key, value in state.items():
        name = quote(key, safe=" ,:;+-=@()[]") or "%"
        if isinstance(value, Mapping):
            _write(group.create_group(name), value)
        elif value is None:
            group.attrs[name] = h5py.Empty("f8")
        elif isinstance(value, str) and len(value) > LONGEST_ATTRIBUTE:
            group[name] = value
        elif isinstance(value, bool | int | float | str | np.generic):
            group.attrs[name] = value
        else:
            array = np.asarray(value)
            if array.dtype.kind not in "biufcS":
                raise TypeError(f"state '{key}' of type {type(value).__name__} cannot be stored")
            group[name] = array


def _read(group: h5py.Group) -> State:
    state: State = {}
    for name, value in group.attrs.items():
        key = unquote(name) if name != "%" else ""
        if isinstance(value, h5py.Empty):
            state[key] = None
        elif isinstance(value, np.bool_ | np.int64 | np.float64):
            state[key] = value.item()
        else:
            state[key] = value
    for name, child in children(group):
        key = unquote(name) if name != "%" else ""
        if isinstance(child, h5py.Group):
            state[key] = _read(child)
        else:
            value = plain(child)[()]
            state[key] = value.decode() if isinstance(value, bytes) else value
    return state


def _size(state: Mapping[str, Any]) -> int:
    """An upper bound of what `state` takes in a file, without HDF5's slack."""
    held = 0
    for key, value in state.items():
        held += 4096 + len(key)
        held += _size(value) if isinstance(value, Mapping) else int(np.asarray(value).nbytes)
    return held


def _write_file(path: Path, state: Mapping[str, Any]) -> None:
    file = h5py.File(path, "x", userblock_size=BLOCK, locking=False)
    space = Reservation(file)
    try:
        space.need(_size(state))
        _write(file, state)
        file.flush()
    except BaseException:
        space.abandon()
        raise
    finally:
        file.close()
    trim(path)


def save_state(path: Path, state: Mapping[str, Any], about: Mapping[str, Any]) -> None:
    """Write `state` to `path`: to a temporary file, to the disk, and then under its name.

    Parameters
    ----------
    path
        The file; an older one of that name stays until the new one is complete.
    state
        Nested dictionaries of arrays, numbers and texts; dtypes and bits are kept.
    about
        Short facts readable without HDF5: step, time, ...

    Raises
    ------
    OutputError
        If the disk refuses.
    """
    fresh = path.with_name(path.name + ".tmp")
    with reported(path, "write"):
        fresh.unlink(missing_ok=True)
        try:
            _write_file(fresh, state)
            with open(fresh, "r+b") as raw:
                raw.seek(BLOCK)
                digest = hashlib.file_digest(raw, "sha256").hexdigest()
                line = json.dumps({"sha256": digest, "size": fresh.stat().st_size, **about}) + "\n"
                raw.seek(0)
                raw.write(line.encode())
                raw.flush()
                os.fsync(raw.fileno())
            fresh.replace(path)
            fsync_directory(path.parent)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise


def state_facts(path: Path) -> dict[str, Any]:
    """The line in front of a state file: step, time, digest. Empty when there is none."""
    try:
        with open(path, "rb") as raw:
            told = json.loads(raw.read(BLOCK).split(b"\n", 1)[0])
    except (OSError, ValueError):
        return {}
    return told if isinstance(told, dict) else {}


def load_state(path: Path) -> State:
    """Read what :func:`save_state` wrote.

    Raises
    ------
    OutputError
        If the file cannot be read; :class:`DamagedState` if its digest does not fit its content.
    """
    told = state_facts(path)
    with reported(path, "read"):
        with open(path, "rb") as raw:
            raw.seek(BLOCK)
            digest = hashlib.file_digest(raw, "sha256").hexdigest()
        if told.get("sha256") != digest:
            raise DamagedState(f"{path} is damaged: its content does not fit its digest")
        with h5py.File(path, "r", locking=False) as file:
            return _read(file)
