"""The parts of an unfinished run: ``run.h5.parts/`` with segments, checkpoints, status and lock."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import re
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from sensorium.engine.errors import OutputError

__all__ = ["COMPLETE", "Manifest", "Parts", "fsync_directory", "fsync_file", "replacing", "reported"]

LOCK_TRIES = 10
COMPLETE = "complete"  # a durable mark: every segment is sealed, only moving files is left
_SEGMENT = re.compile(r"segment-(\d{4,})\.h5")


def fsync_file(path: Path) -> None:
    """Make the contents of `path` durable."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def fsync_directory(folder: Path) -> None:
    """Make renames in `folder` durable."""
    fsync_file(folder)


@contextmanager
def reported(path: Path, doing: str) -> Iterator[None]:
    """Turn what the operating system or HDF5 says into one sentence and exit code 5."""
    try:
        yield
    except OutputError:
        raise
    except (OSError, RuntimeError, ValueError, KeyError, TypeError, ArithmeticError) as error:
        if doing != "read" and isinstance(error, TypeError | ArithmeticError):
            raise  # a fault of ours; while reading it is what h5py says of damaged types and shapes
        raise OutputError(f"cannot {doing} {path}: {_reason(error)}") from error


@contextmanager
def replacing(output: Path) -> Iterator[Path]:
    """A new file beside `output` that takes its place when the block ends well, and is gone otherwise."""
    fresh = output.with_name(f".{output.stem}.tmp{output.suffix}")
    with reported(output, "write"):
        try:
            yield fresh
            fresh.replace(output)
        finally:
            with suppress(OSError):
                fresh.unlink(missing_ok=True)


def _reason(error: BaseException) -> str:
    number = getattr(error, "errno", None)
    text = str(error)
    if number is None:
        found = re.search(r"errno = (\d+)", text)
        number = int(found.group(1)) if found else None
    if number in (errno.ENOSPC, errno.EDQUOT):
        return "the disk is full"
    if number == errno.EFBIG:
        return "the file is larger than the system allows"
    if "file signature not found" in text:
        return "it is no HDF5 file"
    if number is not None:
        return os.strerror(number).lower()
    return text.splitlines()[0] if text else type(error).__name__


@dataclass(frozen=True)
class Manifest:
    """A sealed segment: file name, size in bytes, and the rows of the run that come after it in each table."""

    name: str
    size: int
    rows: Mapping[str, int]

    def state(self) -> dict[str, Any]:
        """For a checkpoint."""
        return {"name": self.name, "size": self.size, "rows": dict(self.rows)}

    @classmethod
    def restored(cls, state: Mapping[str, Any]) -> Manifest:
        """Inverse of :meth:`state`."""
        rows = {str(table): int(count) for table, count in state["rows"].items()}
        return cls(str(state["name"]), int(state["size"]), rows)


class Parts:
    """The folder beside an output file that holds everything until the run is complete.

    Parameters
    ----------
    output
        The file that the user asked for, ``run.h5``.
    """

    def __init__(self, output: Path) -> None:
        self.output = output
        self.folder = output.with_name(output.name + ".parts")
        self._lock: IO[str] | None = None

    def __repr__(self) -> str:
        return f"<Parts {self.folder}>"

    @property
    def exist(self) -> bool:
        """Whether there is an unfinished run."""
        return self.folder.is_dir()

    def segment(self, number: int) -> Path:
        """Path of a sealed segment."""
        return self.folder / f"segment-{number:04d}.h5"

    def growing(self, number: int) -> Path:
        """Path of a segment that is being written."""
        return self.folder / f"segment-{number:04d}.h5.open"

    def sealed(self) -> list[Path]:
        """Sealed segments in order."""
        found = [path for path in self.folder.glob("segment-*.h5") if _SEGMENT.fullmatch(path.name)]
        return sorted(found, key=_number)

    def open_segment(self) -> Path | None:
        """The segment that is being written, if any."""
        found = sorted(self.folder.glob("segment-*.h5.open"))
        return found[-1] if found else None

    def checkpoints(self) -> list[Path]:
        """Checkpoints, newest first."""
        return sorted(self.folder.glob("checkpoint-*.h5"), reverse=True)

    # ---- life -------------------------------------------------------------------------------------------------

    def claim(self) -> None:
        """Create the folder and keep other writers out as long as this process lives."""
        if self._lock is not None:
            return
        with reported(self.folder, "create"):
            self.folder.mkdir(parents=True, exist_ok=True)
            lock = open(self.folder / "lock", "a+", encoding="utf-8")  # noqa: SIM115
        if not _locked(lock):
            lock.seek(0)
            owner = lock.read().strip() or "unknown"
            lock.close()
            raise OutputError(f"{self.output} is being written by another process ({owner})")
        lock.seek(0)
        lock.truncate()
        lock.write(f"pid {os.getpid()}\n")
        lock.flush()
        self._lock = lock

    def release(self) -> None:
        """Let others write."""
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    @property
    def in_use(self) -> bool:
        """Whether a living process writes here."""
        try:
            with open(self.folder / "lock", encoding="utf-8") as lock:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        return False

    def keep_only(self, names: Iterable[str]) -> None:
        """Delete every segment that is not in `names`: open ones, and those sealed after the checkpoint at hand."""
        wanted = set(names)
        (self.folder / COMPLETE).unlink(missing_ok=True)  # the run goes on: nothing here is ready to be published
        for path in [*self.folder.glob("segment-*"), *self.folder.glob("*.tmp")]:
            if path.name not in wanted:
                path.unlink(missing_ok=True)

    def clear(self, but: Iterable[str] = ("lock",)) -> None:
        """Delete everything but the lock, or the files named."""
        for path in self.folder.iterdir():
            if path.name not in but:
                path.unlink()

    @property
    def empty(self) -> bool:
        """Whether there is a folder with nothing in it that matters."""
        return self.exist and all(path.name in ("lock", "status.json") for path in self.folder.iterdir())

    def remove(self, last: str = "lock") -> None:
        """Delete the folder and all in it, the file `last` at the end: until then it tells what was going on."""
        self.clear(but=(last, "lock"))
        (self.folder / last).unlink(missing_ok=True)
        self.release()
        shutil.rmtree(self.folder, ignore_errors=True)

    # ---- small files ------------------------------------------------------------------------------------------

    def write_text(self, name: str, text: str, *, durable: bool = False) -> None:
        """Replace a small file in one go."""
        path = self.folder / name
        fresh = path.with_name(name + ".tmp")
        with open(fresh, "w", encoding="utf-8") as file:
            file.write(text)
            if durable:
                file.flush()
                os.fsync(file.fileno())
        fresh.replace(path)
        if durable:
            fsync_directory(self.folder)

    def status(self) -> dict[str, Any]:
        """What the writing process last said of itself; empty when it said nothing."""
        try:
            said = json.loads((self.folder / "status.json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        return said if isinstance(said, dict) else {}


def _locked(lock: IO[str]) -> bool:
    """Take the lock; a few tries, because one who only looks holds it for a moment."""
    for _ in range(LOCK_TRIES):
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            time.sleep(0.02)
        else:
            return True
    return False


def _number(path: Path) -> int:
    found = _SEGMENT.fullmatch(path.name)
    return int(found.group(1)) if found else -1
