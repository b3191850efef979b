"""Source: the files behind a run, one or many, sealed or still growing, seen as one."""

from __future__ import annotations

import json
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import numpy.typing as npt

from sensorium.engine.errors import OutputError
from sensorium.io.guard import open_file, plain, safe_attribute, safe_get
from sensorium.io.layout import clock_path
from sensorium.io.master import MANIFEST
from sensorium.io.parts import Parts, reported
from sensorium.io.spec import TABLES

__all__ = ["Source"]

Array = npt.NDArray[Any]

OPEN_FILES = 16


class _Piece:
    """One file: its clocks and the rows of the run that it holds."""

    def __init__(self, path: Path, first: dict[str, int], clocks: dict[str, tuple[Array, Array]]) -> None:
        self.path, self.first, self.clocks = path, first, clocks
        self.after = {table: first[table] + len(clocks[table][0]) for table in TABLES}


class Source:
    """Datasets of a run by path, whatever files they lie in.

    Parameters
    ----------
    path
        A trajectory, or the name that it will have: then its parts are read.

    Attributes
    ----------
    steps, times
        Committed steps and times of each table; datasets may be longer, what is beyond does not count.
    complete
        Whether the run was published.

    Raises
    ------
    OutputError
        If there is nothing, or it is not a trajectory of this engine, or a part is missing.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        if self.path.suffix == ".parts" and self.path.is_dir():
            self.path = self.path.with_suffix("")
        self.parts = Parts(self.path)
        self._open: OrderedDict[Path, h5py.File] = OrderedDict()
        self._known: dict[Path, dict[str, h5py.Dataset]] = {}
        self.complete = self.path.is_file()
        self._pieces: list[_Piece] = []
        first = dict.fromkeys(TABLES, 0)
        for file in self._files():
            piece = self._piece(file, first)
            if piece is not None:
                self._pieces.append(piece)
                first = piece.after
        if not self._pieces:
            raise OutputError(f"{self.path}: nothing was written yet")
        self.steps, self.times = (
            {table: np.concatenate([piece.clocks[table][k] for piece in self._pieces]) for table in TABLES}
            for k in (0, 1)
        )
        self._ends = {table: [piece.after[table] for piece in self._pieces] for table in TABLES}

    def _files(self) -> list[Path]:
        if self.complete:
            manifest = self.parts.folder / MANIFEST
            return self._kept(manifest) if manifest.is_file() else [self.path]
        if self.path.exists():
            raise OutputError(f"{self.path} is not a file")
        if not self.parts.exist:
            raise OutputError(f"{self.path} does not exist")
        growing = self.parts.open_segment()
        return [*self.parts.sealed(), *([growing] if growing else [])]

    def _kept(self, manifest: Path) -> list[Path]:
        """Segments beside a master file; virtual datasets would show a missing one as fill values."""
        with reported(manifest, "read"):
            listed = json.loads(manifest.read_text(encoding="utf-8"))["segments"]
            paths = [self.parts.folder / Path(str(entry["name"])).name for entry in listed]
            for entry, path in zip(listed, paths, strict=True):
                if not path.is_file() or path.stat().st_size != entry["size"]:
                    raise OutputError(f"{self.path}: its part {path} is missing or damaged")
        return paths

    def _piece(self, path: Path, first: dict[str, int]) -> _Piece | None:
        growing = path.name.endswith(".open")
        try:
            with reported(path, "read"):
                clocks = {table: self._clocks(path, table) for table in TABLES}
        except OutputError:
            if growing:
                return None  # killed before its first commit, or caught in the middle of one
            raise
        return _Piece(path, dict(first), clocks)

    def _clocks(self, path: Path, table: str) -> tuple[Array, Array]:
        file = self._file(path)
        found = []
        for name in ("step", "time"):
            dataset = safe_get(file, clock_path(table, name))
            if not isinstance(dataset, h5py.Dataset) or dataset.ndim != 1:
                raise OutputError(f"{path} is not a trajectory of sensorium")
            found.append(plain(dataset)[()])
        rows = min(len(values) for values in found)
        return found[0][:rows], found[1][:rows]

    def _file(self, path: Path) -> h5py.File:
        file = self._open.pop(path, None)
        if file is None:
            file = open_file(path, growing=not self.complete)
        self._open[path] = file
        if len(self._open) > OPEN_FILES:
            oldest, old = self._open.popitem(last=False)
            self._known.pop(oldest, None)
            old.close()
        return file

    def close(self) -> None:
        """Close every file."""
        self._known.clear()
        while self._open:
            self._open.popitem()[1].close()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """Report damage as one sentence."""
        with reported(self.path, "read"):
            yield

    # ---- looking ----------------------------------------------------------------------------------------------

    @property
    def last(self) -> h5py.File:
        """The newest file: it knows every dataset."""
        return self._file(self._pieces[-1].path)

    def get(self, path: str) -> h5py.Group | h5py.Dataset | None:
        """The object at `path` in the newest file."""
        with self.reading():
            return safe_get(self.last, path)

    def names(self, path: str) -> list[str]:
        """Members of the group at `path`, in its order."""
        with self.reading():
            group = safe_get(self.last, path)
            return list(group) if isinstance(group, h5py.Group) else []

    def elements(self, path: str) -> list[str]:
        """Paths, below `path`, of groups that have a ``value``."""
        found: list[str] = []
        stack = [path]
        while stack:
            here = stack.pop()
            members = self.names(here)
            if "value" in members:
                found.append(here.removeprefix(f"{path}/"))
            elif here.count("/") < path.count("/") + 8:
                stack += [f"{here}/{name}" for name in reversed(members) if name not in ("step", "time")]
        return found

    def shape(self, path: str, table: str) -> tuple[int, ...]:
        """Rows of the run, and the longest row of any file."""
        with self.reading():
            shapes = [self._dataset(piece, path).shape[1:] for piece in self._holding(path)]
            if not shapes or len({len(shape) for shape in shapes}) != 1:
                raise OutputError(f"{self.path}: '{path}' is damaged")
            return (len(self.steps[table]), *(max(axis) for axis in zip(*shapes)))

    def _holding(self, path: str) -> list[_Piece]:
        return [piece for piece in self._pieces if self._holds(piece, path)]

    def _dataset(self, piece: _Piece, path: str) -> h5py.Dataset:
        file = self._file(piece.path)
        known = self._known.setdefault(piece.path, {})
        if path not in known:
            dataset = safe_get(file, path)
            if not isinstance(dataset, h5py.Dataset) or dataset.ndim == 0:
                raise OutputError(f"{self.path}: '{path}' is not a dataset of rows")
            known[path] = plain(dataset)
        return known[path]

    def _holds(self, piece: _Piece, path: str) -> bool:
        file = self._file(piece.path)
        return path in self._known.get(piece.path, ()) or safe_get(file, path) is not None

    # ---- reading ----------------------------------------------------------------------------------------------

    def rows(self, path: str, table: str, begin: int, end: int, step: int = 1, rest: tuple[Any, ...] = ()) -> Array:
        """Rows ``begin:end:step`` of the dataset at `path`, each cut by `rest`; shorter rows are padded."""
        with self.reading():
            blocks = []
            while begin < end:
                piece = self._pieces[bisect_right(self._ends[table], begin)]
                stop = min(end, piece.after[table])
                blocks.append(self._block(piece, path, table, slice(begin, stop, step), rest))
                begin += step * len(range(begin, stop, step))
            return _stacked(blocks)

    def _block(self, piece: _Piece, path: str, table: str, rows: slice, rest: tuple[Any, ...]) -> Array:
        first = piece.first[table]
        if not self._holds(piece, path):  # it had not appeared yet
            later = self._dataset(self._holding(path)[0], path)
            count = len(range(rows.start, rows.stop, rows.step))
            row = np.full(later.shape[1:], later.fillvalue)[rest]
            return np.broadcast_to(row, (count, *np.shape(row)))
        dataset = self._dataset(piece, path)
        here = slice(rows.start - first, rows.stop - first, rows.step)
        if dataset.shape[0] < here.stop:
            raise OutputError(f"{self.path}: '{path}' is damaged: it is shorter than its steps")
        cut: Array = dataset[(here, *rest)]
        return cut

    def fill(self, path: str) -> Any:
        """What stands where nothing was written."""
        with self.reading():
            return self._dataset(self._holding(path)[0], path).fillvalue

    def attributes(self, path: str, *names: str) -> dict[str, Any]:
        """Those of the attributes `names` that the object at `path` has; texts as str."""
        found = self.get(path)
        if found is None:
            return {}
        with self.reading():
            return {name: safe_attribute(found, name) for name in names if name in found.attrs}


def _stacked(blocks: list[Array]) -> Array:
    if len(blocks) == 1:
        return blocks[0]
    shape = tuple(max(axis) for axis in zip(*(block.shape[1:] for block in blocks)))
    out = np.empty((sum(len(block) for block in blocks), *shape), blocks[0].dtype)
    out[...] = _dead(out.dtype)
    row = 0
    for block in blocks:
        out[(slice(row, row + len(block)), *(slice(0, k) for k in block.shape[1:]))] = block
        row += len(block)
    return out


def _dead(dtype: np.dtype[Any]) -> Any:
    """What marks a dead row: NaN, -1, or the largest unsigned value."""
    return {"f": np.nan, "u": np.iinfo(dtype).max if dtype.kind == "u" else 0, "S": b""}.get(dtype.kind, -1)
