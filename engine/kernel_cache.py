"""Compiled kernels on disk, one file per launcher and signature, named by everything that decides its content.

numba's own ``cache=True`` looks at the time stamp of the one file that holds the function, so that editing a callee
returns stale results, and two processes that compile different signatures at once can swap their data files. Here the
name is the key: a file is written whole under a temporary name, moved into place, and never changed again.
"""

from __future__ import annotations

import functools
import hashlib
import os
import pickle
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

__all__ = ["KernelCache", "cache_directory", "environment_key", "write_once"]


@functools.cache
def cache_directory() -> Path | None:
    """Where compiled kernels are kept; None when no place can be written, and each process compiles anew.

    ``$SENSORIUM_CACHE``, else ``$XDG_CACHE_HOME/sensorium/kernels`` (``~/.cache``), else a private directory among the
    temporary files.
    """
    asked = os.environ.get("SENSORIUM_CACHE")
    base = Path(os.environ.get("XDG_CACHE_HOME") or Path("~/.cache").expanduser())
    private = Path(tempfile.gettempdir()) / f"sensorium-kernels-{os.getuid()}"
    for place in ([Path(asked)] if asked else []) + [base / "sensorium" / "kernels", private]:
        try:
            place.mkdir(parents=True, exist_ok=True, mode=0o700)
            if place == private and (place.is_symlink() or place.stat().st_uid != os.getuid()):
                continue
            with tempfile.TemporaryFile(dir=place):
                return place
        except OSError:
            continue
    return None


def write_once(path: Path, content: bytes) -> None:
    """Create `path` with `content` in one step; a file that is there already stays, and failure is no error."""
    if path.exists():
        return
    try:
        with tempfile.NamedTemporaryFile(dir=path.parent, prefix=f".{path.name[:40]}.", delete=False) as file:
            file.write(content)
        os.replace(file.name, path)
    except OSError:
        pass


@functools.cache
def environment_key() -> str:
    """What besides a kernel's own source decides its machine code: versions, processor, and the compiler around it."""
    import llvmlite
    import numba
    import numpy
    from numba.core.registry import cpu_target

    here = Path(__file__).parent
    own = [
        (here / name).read_bytes()
        for name in ("kernel_cpu.py", "kernel_loop.py", "primitives_cpu.py", "primitives_dot.py")
    ]
    processor = cpu_target.target_context.codegen().magic_tuple()
    text = f"{numba.__version__} {llvmlite.__version__} {numpy.__version__} {sys.version} {processor}"
    return hashlib.sha256(b"\n".join([text.encode(), *own])).hexdigest()


class KernelCache:
    """What a numba dispatcher asks for compiled signatures (the interface of ``numba.core.caching._Cache``).

    Parameters
    ----------
    stem
        Path of the launcher's files without extension; its name holds the hash of all that the code depends on.
        None where nothing can be written.
    compiled
        Called after every compilation that found nothing here.
    """

    def __init__(self, stem: Path | None, compiled: Callable[[], None]) -> None:
        self.stem, self.compiled = stem, compiled

    @property
    def cache_path(self) -> str:
        """Directory of the files."""
        return str(self.stem and self.stem.parent)

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """The compile result for `sig`, or None; a damaged file is as good as none."""
        from numba.core.compiler import CompileResult

        target_context.refresh()
        if self.stem is None:
            return None
        path = self._path(self.stem, sig)
        try:
            content = path.read_bytes()
        except OSError:
            return None
        mark, data = content[:32], content[32:]
        if hashlib.sha256(data).digest() != mark:
            path.unlink(missing_ok=True)
            return None
        return CompileResult._rebuild(target_context, *pickle.loads(data))

    def save_overload(self, sig: Any, cres: Any) -> None:
        """Keep `cres` for the next process, unless it holds addresses of this one."""
        from numba.core.serialize import dumps

        self.compiled()
        if self.stem is None or cres.library.has_dynamic_globals or cres.lifted:
            return
        data = dumps(cres._reduce())
        write_once(self._path(self.stem, sig), hashlib.sha256(data).digest() + data)

    @staticmethod
    def _path(stem: Path, sig: Any) -> Path:
        return stem.with_name(f"{stem.name}-{hashlib.sha256(repr(sig).encode()).hexdigest()[:16]}.nbc")

    def enable(self) -> None:
        """Part of numba's interface; the cache is always on."""

    def disable(self) -> None:
        """Part of numba's interface; the cache is always on."""

    def flush(self) -> None:
        """Part of numba's interface; entries are named by content and never go stale."""
