"""SIGINT and SIGTERM: the first one finishes the step and checkpoints, the second one stops at once."""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable
from types import FrameType

import click

__all__ = ["Stopping"]

SIGNALS = (signal.SIGINT, signal.SIGTERM)


class Stopping:
    """Within the context, the first signal calls `stop`; a second one ends the process at once.

    Attributes
    ----------
    received
        The signal that came, or None.
    """

    def __init__(self, stop: Callable[[], None]) -> None:
        self.received: signal.Signals | None = None
        self._stop = stop
        self._before: dict[signal.Signals, object] = {}

    @property
    def exit_code(self) -> int:
        """128 + the number of the signal, or 0."""
        return 0 if self.received is None else 128 + self.received

    def __enter__(self) -> Stopping:
        for number in SIGNALS:
            self._before[number] = signal.signal(number, self._handle)
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._before.items():
            signal.signal(number, handler)  # type: ignore[arg-type]

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self.received is not None:
            # no cleaning up: what is on disk is what the last commit left, and that is whole
            sys.stderr.flush()
            os._exit(128 + number)
        self.received = signal.Signals(number)
        click.echo(f"{self.received.name}: finishing the step; once more stops at once", err=True)
        self._stop()
