"""Space: bytes on the disk are reserved before HDF5 writes them, because a full disk inside HDF5 ends in a crash."""

from __future__ import annotations

import errno
import os
import resource
from collections.abc import Callable
from pathlib import Path

import h5py

__all__ = ["Reservation", "trim"]

SLACK = 256 << 10  # kept free beyond what is asked for: metadata that HDF5 writes when it flushes
GROWTH = 16 << 20  # at most so much is reserved ahead

_UNSUPPORTED = (errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


class Reservation:
    """Room for an open HDF5 file to grow into.

    A failed write leaves HDF5 with caches that it can neither write nor forget; closing that file, or another one
    later, may crash the process. So the disk is asked first, in a way that fails cleanly: blocks are allocated ahead.
    In memory (tmpfs) that would mean to fill pages twice, so there the free space is looked at instead.

    Parameters
    ----------
    file
        Open for writing, with HDF5's default driver.
    """

    def __init__(self, file: h5py.File) -> None:
        self._file = file
        self._handle: int = file.id.get_vfd_handle()
        self._reserved = 0
        self._extend: Callable[[int], None] = self._allocate
        if _in_memory(self._handle) and resource.getrlimit(resource.RLIMIT_FSIZE)[0] == resource.RLIM_INFINITY:
            self._extend = self._look

    def need(self, count: int) -> None:
        """Make sure that `count` more bytes, and metadata for them, can be written; OSError when not."""
        end = self._file.id.get_filesize() + count + SLACK
        if end <= self._reserved:
            return
        try:
            self._extend(end + min(GROWTH, end // 4))
        except OSError as error:
            if error.errno in _UNSUPPORTED:
                self._extend = self._look
            self._extend(end)

    def _allocate(self, end: int) -> None:
        os.posix_fallocate(self._handle, self._reserved, end - self._reserved)
        self._reserved = end

    def _look(self, end: int) -> None:
        disk = os.fstatvfs(self._handle)
        if disk.f_bavail * disk.f_frsize < end - self._file.id.get_filesize():
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        self._reserved = end

    def abandon(self) -> None:
        """Let HDF5 close the file after a failure: what it still wants to write goes to memory, not to the disk."""
        boat = os.memfd_create("abandoned")
        try:
            os.dup2(boat, self._handle)
        finally:
            os.close(boat)


def _in_memory(handle: int) -> bool:
    """Whether a file lies in a file system that is made of memory."""
    device = os.fstat(handle).st_dev
    wanted = f"{os.major(device)}:{os.minor(device)}"
    try:
        mounts = Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return False
    kinds = [line.partition(" - ")[2].split()[0] for line in mounts if line.split()[2] == wanted]
    return any(kind in ("tmpfs", "ramfs") for kind in kinds)


def trim(path: Path) -> None:
    """Cut a closed HDF5 file to its own length, as its superblock tells it."""
    with open(path, "r+b") as raw:
        for start in (0, 512):  # a user block may come first
            raw.seek(start)
            head = raw.read(48)
            if head[:8] == b"\x89HDF\r\n\x1a\n":
                at = {0: 40, 1: 44}.get(head[8], 28)
                raw.truncate(int.from_bytes(head[at : at + 8], "little"))
                return
