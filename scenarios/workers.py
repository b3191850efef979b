"""Workers: the processes that a sweep runs on, here or on a cluster, through dask.distributed."""

from __future__ import annotations

import logging
import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from sensorium.engine.errors import OutputError, ScenarioError
from sensorium.scenarios.member import Job, Outcome, failure, run_member, stop_members

if TYPE_CHECKING:
    from distributed import Client, Future

__all__ = ["Workers", "farm"]

POLL_SECONDS = 0.2


@dataclass(frozen=True)
class Workers:
    """Where members run.

    Attributes
    ----------
    count
        Processes (local) or jobs (SLURM); None for as many as the cores give with `threads` each.
    threads
        CPU threads of each.
    scheduler
        Address of a dask scheduler that runs already, instead.
    slurm
        Options of ``dask_jobqueue.SLURMCluster``, to start workers as SLURM jobs instead.
    retries
        How often a member is tried again whose worker died, or whose files could not be written.
    """

    count: int | None = None
    threads: int = 1
    scheduler: str | None = None
    slurm: Mapping[str, Any] = field(default_factory=dict)
    retries: int = 3

    @property
    def local(self) -> int:
        """Number of local processes."""
        cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
        return self.count or max(1, cores // self.threads)


def farm(
    jobs: Sequence[Job],
    workers: Workers,
    *,
    done: Callable[[Job, Outcome], None],
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Run `jobs`, each in a worker process; the failure of one does not stop the others.

    A member whose worker dies is given to another worker, which resumes it from its checkpoint.

    Parameters
    ----------
    jobs
        The members to run.
    workers
        Where.
    done
        Called in this thread with every outcome, as they come.
    stopping
        Asked a few times a second; once it is true, members that run save and stop, and no other begins.

    Raises
    ------
    ScenarioError
        If dask is not installed.
    OutputError
        If no worker can be started or reached.
    """
    if not jobs:
        return
    with _client(workers) as client:
        finished: queue.SimpleQueue[Future] = queue.SimpleQueue()
        keys = [f"member-{job.sweep}-{k}" for k, job in enumerate(jobs)]
        futures = client.map(run_member, list(jobs), key=keys, retries=workers.retries)
        job_of = dict(zip(keys, jobs, strict=True))
        for future in futures:
            future.add_done_callback(finished.put)
        told = False
        while job_of:
            if stopping() and not told:
                told = True
                _stop(client, futures, jobs[0].sweep)
            try:
                future = finished.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            job = job_of.pop(future.key, None)
            if job is not None:
                done(job, _outcome(future, job))


def _outcome(future: Future, job: Job) -> Outcome:
    """What a future has come to."""
    if future.status == "finished":
        outcome: Outcome = future.result()
        return outcome
    if future.status == "cancelled":
        return Outcome(job.parameters, "waiting")
    error = future.exception()
    if type(error).__name__ == "KilledWorker":
        return Outcome(job.parameters, "failed", OutputError.exit_code, "its worker process died time and again")
    return failure(job.parameters, error)


def _stop(client: Client, futures: Sequence[Future], sweep: str) -> None:
    """Cancel what has not begun, and let the rest save."""
    running = {key for keys in client.processing().values() for key in keys}
    client.run(stop_members, sweep)
    client.cancel([future for future in futures if future.key not in running and not future.done()])


@contextmanager
def _client(workers: Workers) -> Iterator[Client]:
    """A client of the workers, which are started, unless they run already, and stopped at the end."""
    try:
        import dask
        import distributed
    except ImportError:
        raise ScenarioError("sweeps need dask.distributed: pip install 'sensorium-engine[sweep]'") from None
    logging.getLogger("distributed").setLevel(logging.CRITICAL)
    settings = {
        "distributed.scheduler.allowed-failures": workers.retries,
        # one member each: what waits for a worker that dies is not counted among what it died of
        "distributed.scheduler.worker-saturation": 1.0,
        "distributed.admin.tick.limit": "60s",
    }
    with ExitStack() as stack:
        stack.enter_context(dask.config.set(settings))
        try:
            cluster = stack.enter_context(_cluster(workers))
            client = stack.enter_context(distributed.Client(cluster, set_as_default=False))
            client.register_plugin(_quiet_plugin(), name="sensorium")
        except (OSError, TimeoutError, RuntimeError) as error:
            reason = " ".join(str(error).split()).rstrip(".")
            # distributed does not hand on why a process did not start
            hint = "; are memory, processes or /dev/shm used up?" if isinstance(error, RuntimeError) else ""
            raise OutputError(f"no workers for the sweep: {reason}{hint}") from error
        yield client


@contextmanager
def _cluster(workers: Workers) -> Iterator[Any]:
    if workers.scheduler is not None:
        yield workers.scheduler
        return
    if workers.slurm:
        cluster = _slurm(workers)
    else:
        from distributed import LocalCluster

        # memory: a run takes what it takes; killing it at a share of the machine would help nobody
        cluster = LocalCluster(
            n_workers=workers.local, threads_per_worker=1, processes=True, dashboard_address=None, host="127.0.0.1",
            memory_limit=None, silence_logs=logging.CRITICAL, env={"NUMBA_NUM_THREADS": str(workers.threads)},
        )  # fmt: skip
    with cluster:
        yield cluster


def _slurm(workers: Workers) -> Any:
    try:
        from dask_jobqueue import SLURMCluster
    except ImportError:
        raise ScenarioError("SLURM needs dask-jobqueue: pip install 'sensorium-engine[sweep]'") from None
    # one process with one member at a time; its cores are for the threads of the run
    options = {"cores": 1, "processes": 1, "job_cpu": workers.threads, "memory": "4GB", **workers.slurm}
    try:
        cluster = SLURMCluster(**options)
    except (TypeError, ValueError) as error:
        raise ScenarioError(f"SLURM: {str(error).split('. ')[0]}") from None
    cluster.scale(jobs=workers.count or 1)
    return cluster


def _quiet_plugin() -> Any:
    from distributed import WorkerPlugin

    class Quiet(WorkerPlugin):  # type: ignore[misc]
        """Ctrl-C reaches every process of the terminal; here it is the sweep that says when to stop."""

        def setup(self, worker: Any) -> None:
            if threading.current_thread() is threading.main_thread():
                signal.signal(signal.SIGINT, signal.SIG_IGN)

    return Quiet()
