"""Progress of a run: a bar with steps/s and ETA on a terminal, a line now and then elsewhere, or nothing."""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Protocol

import click

if TYPE_CHECKING:
    from sensorium.engine.simulation import Simulation

__all__ = ["Progress", "Rate", "progress", "span"]

LINE_SECONDS = 5.0
WINDOW_SECONDS = 3.0


class Progress(Protocol):
    """Called after each step."""

    def __call__(self, sim: Simulation) -> None: ...


def span(seconds: float) -> str:
    """A duration to read: ``12 s``, ``3 min 20 s``, ``5 h 02 min``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02d} s"
    return f"{whole // 3600} h {whole % 3600 // 60:02d} min"


class Rate:
    """Steps per second over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def __call__(self, step: int) -> float:
        now = time.monotonic()
        self._seen.append((now, step))
        while len(self._seen) > 2 and now - self._seen[1][0] > WINDOW_SECONDS:
            self._seen.popleft()
        (begin, first), (end, last) = self._seen[0], self._seen[-1]
        return (last - first) / (end - begin) if end > begin else 0.0


@contextmanager
def progress(last: int, *, quiet: bool) -> Iterator[Progress | None]:
    """How a run to step `last` reports itself, on the standard error."""
    if quiet:
        yield None
    elif sys.stderr.isatty():
        with _bar(last) as shown:
            yield shown
    else:
        yield _Lines(last)


class _Lines:
    def __init__(self, last: int) -> None:
        self._last, self._rate, self._said = last, Rate(), 0.0

    def __call__(self, sim: Simulation) -> None:
        now, step = time.monotonic(), sim.world.clock.step
        if not self._said:
            self._rate(step)  # where the clock of the first line starts: the first step compiles
            self._said = now
        if now - self._said < LINE_SECONDS:
            return
        self._said = now
        rate = self._rate(step)
        eta = f", ETA {span((self._last - step) / rate)}" if rate else ""
        click.echo(f"step {step}/{self._last} ({100 * step // self._last}%)  {rate:.4g} steps/s{eta}", err=True)


@contextmanager
def _bar(last: int) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"), TextColumn("ETA"), TimeRemainingColumn(),
    )  # fmt: skip
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("step", total=last, rate="compiling")
        rate, drawn = Rate(), 0.0

        def show(sim: Simulation) -> None:
            nonlocal drawn
            now = time.monotonic()
            if now - drawn > 0.1:
                drawn = now
                step = sim.world.clock.step
                bar.update(task, completed=step, rate=f"{rate(step):.4g} steps/s")

        yield show
