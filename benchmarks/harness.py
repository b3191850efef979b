"""Fair timing: both sides in one run, interleaved, medians, CPU time beside wall time, and no other process busy."""

from __future__ import annotations

import json
import os
import platform
import resource
import statistics
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

__all__ = ["RESULTS", "Row", "Timing", "interleaved", "report", "wait_until_idle"]

RESULTS = Path(__file__).parent / "results"


@dataclass(frozen=True)
class Timing:
    """Median seconds per call, on the wall and of all threads together."""

    wall: float
    cpu: float


@dataclass(frozen=True)
class Row:
    """One line of the performance table.

    Attributes
    ----------
    part, peer
        What was timed, and what it was timed against.
    ours, theirs
        Figures in `unit`; `theirs` is None where there is only a bound.
    ratio
        How many times faster we are (or the figure itself where it is a bound).
    must, stretch
        The ratio (or bound) to reach.
    lower_is_better
        True where `ratio` is a bound from above.
    """

    part: str
    peer: str
    ours: float
    theirs: float | None
    unit: str
    ratio: float
    must: float
    stretch: float
    lower_is_better: bool = False

    @property
    def reached(self) -> bool:
        """Whether the ratio that must be reached is reached."""
        return self.ratio <= self.must if self.lower_is_better else self.ratio >= self.must


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def interleaved(sides: Mapping[str, Callable[[], Any]], *, repeats: int = 7, calls: int = 1) -> dict[str, Timing]:
    """Time every side in turn, `repeats` times over, `calls` calls at a time; medians per call."""
    for side in sides.values():
        side()
    wall: dict[str, list[float]] = {name: [] for name in sides}
    cpu: dict[str, list[float]] = {name: [] for name in sides}
    for _ in range(repeats):
        for name, side in sides.items():
            start, used = time.perf_counter(), _cpu()
            for _ in range(calls):
                side()
            wall[name].append((time.perf_counter() - start) / calls)
            cpu[name].append((_cpu() - used) / calls)
    return {name: Timing(statistics.median(wall[name]), statistics.median(cpu[name])) for name in sides}


def wait_until_idle(limit: float = 0.25, patience: float = 60.0) -> None:
    """Wait until other processes use less than `limit` of one core; refuse to time after `patience` seconds."""
    deadline = time.monotonic() + patience
    while (busy := _others_busy()) > limit:
        if time.monotonic() > deadline:
            sys.exit(f"other processes use {busy:.2f} cores: timings would mean nothing (set BENCH_ANYWAY=1 to go on)")
        time.sleep(1)


def _others_busy(window: float = 0.5) -> float:
    if os.environ.get("BENCH_ANYWAY") or not Path("/proc/stat").exists():
        return 0.0
    before, own = _busy_jiffies(), _cpu()
    time.sleep(window)
    return (_busy_jiffies() - before) / os.sysconf("SC_CLK_TCK") / window - (_cpu() - own) / window


def _busy_jiffies() -> int:
    user, nice, system = Path("/proc/stat").read_text().split()[1:4]
    return int(user) + int(nice) + int(system)


def report(name: str, rows: list[Row], **details: Any) -> None:
    """Print the rows and write ``results/<name>.json``."""
    for row in rows:
        verdict = "reached" if row.reached else "MISSED"
        theirs = "" if row.theirs is None else f" against {row.theirs:.4g} {row.unit} ({row.peer})"
        sign = "<=" if row.lower_is_better else ">="
        print(f"{row.part}: {row.ours:.4g} {row.unit}{theirs}: {row.ratio:.2f} (must {sign} {row.must:g}: {verdict})")
    RESULTS.mkdir(exist_ok=True)
    machine = {"python": platform.python_version(), "machine": platform.machine(), "cores": os.cpu_count()}
    body = {"name": name, "machine": machine, "rows": [{**asdict(r), "reached": r.reached} for r in rows], **details}
    (RESULTS / f"{name}.json").write_text(json.dumps(body, indent=1, default=float))
