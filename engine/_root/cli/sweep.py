"""``senso sweep``: many runs of one scenario, on the cores of this machine or on a cluster."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensorium.cli.options import (
    device_option,
    environment,
    json_option,
    plugin_option,
    quiet_option,
    scenario_argument,
    set_option,
)

if TYPE_CHECKING:
    from sensorium.scenarios.ensemble import Ensemble
    from sensorium.scenarios.member import Job, Outcome
    from sensorium.scenarios.workers import Workers

__all__ = ["command"]


@click.command("sweep")
@scenario_argument
@click.option(
    "-o", "--output", type=click.Path(file_okay=False, path_type=Path), metavar="DIR",
    help="The folder of the sweep; default runs/NAME-sweep in the current folder.",
)  # fmt: skip
@click.option(
    "--vary", "variations", metavar="PATH=V1,V2", multiple=True,
    help="Values of a parameter: --vary systems.drag.viscosity=0.1,1 --vary 'run.seed={range: 8}'.",
)  # fmt: skip
@set_option
@plugin_option
@device_option
@click.option("--workers", type=click.IntRange(1, 100_000), help="Worker processes, or SLURM jobs; default all cores.")
@click.option(
    "--threads-per-worker", "threads", type=click.IntRange(1, 4096), default=1, show_default=True,
    help="CPU threads of each run.",
)  # fmt: skip
@click.option("--scheduler", metavar="ADDRESS", help="A dask scheduler that runs already: tcp://host:8786.")
@click.option(
    "--slurm", metavar="KEY=VALUE", multiple=True,
    help="Start workers as SLURM jobs: --slurm queue=short --slurm walltime=01:00:00 --slurm memory=4GB.",
)  # fmt: skip
@click.option(
    "--retries", type=click.IntRange(0, 1000), default=3, show_default=True,
    help="How often a member is tried again whose worker died.",
)  # fmt: skip
@click.option("--show", "observables", metavar="SERIES", multiple=True, help="A series to draw; default what varies.")
@click.option("--overwrite", is_flag=True, help="Run every member anew.")
@quiet_option
@json_option
def command(
    scenario: str,
    output: Path | None,
    variations: tuple[str, ...],
    assignments: tuple[str, ...],
    plugins: tuple[str, ...],
    device: str,
    workers: int | None,
    threads: int,
    scheduler: str | None,
    slurm: tuple[str, ...],
    retries: int,
    observables: tuple[str, ...],
    overwrite: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run every member of the sweep of SCENARIO: its section 'sweep', and what --vary says.

    Each member is one run in a folder of its own, named by a hash of its parameters. The same command again skips
    members that are complete and goes on with the others. At the end there are results.csv (and results.parquet with
    pyarrow) with parameters, last values of all series, status and wall time, and sweep.png. A member that fails does
    not stop the others; the exit code is that of the first that failed. Ctrl-C saves what runs.
    """
    if scheduler is not None and slurm:
        raise click.UsageError("--scheduler and --slurm exclude each other")
    environment(device, None)
    from sensorium.scenarios.ensemble import Ensemble, parse_variations
    from sensorium.scenarios.override import parse_assignments
    from sensorium.scenarios.workers import Workers

    ensemble = Ensemble.read(
        scenario, output or "", overrides=parse_assignments(assignments), vary=parse_variations(variations),
        plugins=plugins, device=device, threads=threads,
    )  # fmt: skip
    if output is None:
        ensemble = ensemble.inside(Path("runs") / f"{ensemble.scenario.name}-sweep")
    ensemble.check()
    ensemble.claim(overwrite=overwrite)
    where = Workers(workers, threads, scheduler, parse_assignments(slurm, "--slurm"), retries)
    return _perform(ensemble, where, observables, quiet=quiet, as_json=as_json)


def _perform(ensemble: Ensemble, workers: Workers, observables: tuple[str, ...], *, quiet: bool, as_json: bool) -> int:
    from sensorium.cli.signals import Stopping
    from sensorium.scenarios.workers import farm

    began, jobs = time.perf_counter(), ensemble.jobs()
    told = _Told(len(ensemble.members), len(ensemble.members) - len(jobs), quiet=quiet)
    failed: dict[str, Outcome] = {}

    def done(job: Job, outcome: Outcome) -> None:
        told(job, outcome)
        if outcome.status == "failed":
            failed[job.folder] = outcome

    with Stopping(lambda: None) as stopping:
        farm(jobs, workers, done=done, stopping=lambda: stopping.received is not None)
    outcomes = [failed.get(str(ensemble.folder_of(m).resolve())) or ensemble.outcome(m) for m in ensemble.members]
    report = _report(ensemble, outcomes, observables)
    report |= {"skipped": told.skipped, "seconds": round(time.perf_counter() - began, 3)}
    _close(report, quiet=quiet, as_json=as_json)
    if report["complete"] == report["members"]:
        return 0
    if stopping.received is not None:
        return stopping.exit_code
    # a member that never ran had no worker
    return next((o.exit_code for o in outcomes if o.status == "failed"), 5)


def _report(ensemble: Ensemble, outcomes: list[Outcome], observables: tuple[str, ...]) -> dict[str, Any]:
    """Write the table and the picture; return what the sweep came to."""
    from sensorium.io.plots.sweep import draw_sweep
    from sensorium.io.table import write_table

    folder, paths = ensemble.folder, ensemble.paths
    rows = [
        {
            "member": ensemble.folder_of(outcome.parameters).name, **{p: outcome.parameters.get(p) for p in paths},
            "status": outcome.status, "exit_code": outcome.exit_code, "step": outcome.step,
            "seconds": outcome.seconds, **outcome.series, "message": outcome.message,
        }
        for outcome in outcomes
    ]  # fmt: skip
    tables = write_table(rows, folder / "results")
    complete = [{**o.parameters, **o.series} for o in outcomes if o.status == "complete"]
    picture = None
    if any(outcome.series for outcome in outcomes):
        title = f"{ensemble.scenario.name}: last values of {len(complete)} of {len(outcomes)} runs"
        units = {path: ensemble.unit(path) for path in paths}
        si = ensemble.scenario.document.units == "si"
        picture = draw_sweep(complete, units, folder / "sweep.png", title=title, observables=observables, si=si)
    return {
        "scenario": ensemble.scenario.name,
        "folder": str(folder),
        "tables": [str(table) for table in tables],
        "picture": str(picture) if picture is not None else None,
        "members": len(outcomes),
        **{
            status: sum(o.status == status for o in outcomes) for status in ("complete", "failed", "stopped", "waiting")
        },
        "results": rows,
    }


def _close(report: dict[str, Any], *, quiet: bool, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(report, indent=1))
        return
    for row in report["results"]:
        if row["status"] == "failed":
            click.echo(f"failed: {row['member']}: {row['message']}", err=True)
    if quiet:
        return
    from sensorium.cli.progress import span

    left = report["members"] - report["complete"]
    counts = [f"{report[name]} {name}" for name in ("complete", "failed", "stopped", "waiting") if report[name]]
    skipped = f" ({report['skipped']} of them before)" if report["skipped"] else ""
    click.echo(f"{report['scenario']}: {counts[0]}{skipped}{''.join(f', {c}' for c in counts[1:])}, ", nl=False)
    click.echo(f"in {span(report['seconds'])}" + ("; the same command goes on" if left else ""))
    click.echo(f"table:   {', '.join(report['tables'])}")
    if report["picture"]:
        click.echo(f"picture: {report['picture']}")


class _Told:
    """A line for every member that ends."""

    def __init__(self, members: int, skipped: int, *, quiet: bool) -> None:
        self.members, self.skipped, self._quiet = members, skipped, quiet
        self._ended = skipped

    def __call__(self, job: Job, outcome: Outcome) -> None:
        if outcome.status == "waiting":
            return
        self._ended += outcome.status in ("complete", "failed")
        if not self._quiet:
            values = ", ".join(f"{path}={value}" for path, value in job.parameters.items())
            name = Path(job.folder).name
            click.echo(
                f"{self._ended}/{self.members}  {name}  {outcome.status:<8}  {outcome.seconds:6.1f} s  {values}",
                err=True,
            )
