"""Worker: one thread that writes while the run computes, never more than two jobs behind."""

from __future__ import annotations

import queue
import threading
from collections.abc import Callable

__all__ = ["Worker"]

Job = Callable[[], None]


class Worker:
    """Runs jobs in order in a thread of its own; after an error it runs nothing more.

    Parameters
    ----------
    depth
        Jobs that may wait; :meth:`put` blocks beyond it, so that memory stays bounded.

    Attributes
    ----------
    error
        What a job raised, or None.
    """

    def __init__(self, depth: int = 2) -> None:
        self.error: BaseException | None = None
        self._jobs: queue.Queue[Job | None] = queue.Queue(depth)
        self._thread: threading.Thread | None = None

    def put(self, job: Job) -> None:
        """Queue `job`. Raises what an earlier job raised."""
        self.check()
        if self._thread is None:
            # a daemon: an interpreter that ends without closing its writers must not hang
            self._thread = threading.Thread(target=self._work, name="trajectory-writer", daemon=True)
            self._thread.start()
        self._jobs.put(job)

    def drain(self) -> None:
        """Wait until everything queued is done; raises what a job raised."""
        self._jobs.join()
        self.check()

    def check(self) -> None:
        """Raise what a job raised."""
        if self.error is not None:
            raise self.error

    def stop(self) -> None:
        """Finish what is queued and end the thread."""
        if self._thread is not None:
            self._jobs.put(None)
            self._thread.join()
            self._thread = None

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            try:
                if job is None:
                    return
                if self.error is None:
                    job()
            except BaseException as error:  # kept for the main thread, which raises it
                self.error = error
            finally:
                self._jobs.task_done()
