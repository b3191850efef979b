"""Publish: the file that the user asked for appears, whole and atomically, when the run is complete."""

from __future__ import annotations

from collections.abc import Sequence

from sensorium.io.master import MANIFEST, write_master
from sensorium.io.merge import merge
from sensorium.io.parts import COMPLETE, Manifest, Parts, fsync_directory, fsync_file

__all__ = ["finish", "publish"]


def publish(parts: Parts, sealed: Sequence[Manifest], *, keep: bool) -> None:
    """Make the output file from sealed segments.

    One segment is renamed, several are merged; with `keep` they stay beside a master file of virtual datasets.
    """
    paths = [parts.folder / manifest.name for manifest in sealed]
    if not paths:
        parts.remove()
        return
    fresh = parts.folder / "merged.h5.tmp"
    fresh.unlink(missing_ok=True)
    if keep:
        write_master(parts, sealed, fresh)
    elif len(paths) > 1:
        merge(paths, fresh)
    else:
        fresh = paths[0]
    parts.write_text(COMPLETE, fresh.name, durable=True)
    finish(parts)


def finish(parts: Parts) -> bool:
    """Do what is left after the mark was written; False when there is no mark. Safe to repeat."""
    mark = parts.folder / COMPLETE
    if not mark.is_file():
        if parts.empty and parts.output.is_file():
            parts.remove()
        return False
    fresh = parts.folder / mark.read_text(encoding="utf-8")
    if fresh.is_file():
        fsync_file(fresh)
        fresh.replace(parts.output)
        fsync_directory(parts.output.parent)
    if (parts.folder / MANIFEST).is_file():
        for path in (*parts.checkpoints(), parts.folder / "status.json", mark):
            path.unlink(missing_ok=True)
        parts.release()
    else:
        parts.remove(last=COMPLETE)
    return True
