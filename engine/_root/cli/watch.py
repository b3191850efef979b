"""``senso watch``: a run that is under way in another terminal."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import click

from sensorium.cli.options import json_option
from sensorium.cli.progress import Rate, span

__all__ = ["command", "look"]

PATIENCE = 25  # looks, a fifth of a second apart
ENDS = ("complete", "stopped", "failed", "killed")


@click.command("watch")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--every", type=click.FloatRange(min=0.05), default=1.0, show_default=True, help="Seconds between looks.")
@click.option("--series", "names", multiple=True, metavar="NAME", help="Series to show too; default the best known.")
@click.option("--once", is_flag=True, help="Look once.")
@json_option
def command(run: Path, every: float, names: tuple[str, ...], once: bool, as_json: bool) -> None:
    """Show how far RUN is, until it ends: steps, speed, ETA, energies. It only reads; the run does not notice."""
    from sensorium.cli.stored import trajectory_of

    path, rate = trajectory_of(run), Rate()
    with ExitStack() as stack:
        show = _shower(stack, as_json)
        while True:
            found = _patient_look(path, names)
            found["steps_per_second"] = rate(found["step"])
            show(found)
            if once or found["state"] in ENDS:
                return
            time.sleep(every)


def _patient_look(path: Path, names: tuple[str, ...]) -> dict[str, Any]:
    """:func:`look`, again when a run that is under way was caught before, or in the middle of, a commit."""
    from sensorium.engine.errors import OutputError
    from sensorium.io.parts import Parts

    for _ in range(PATIENCE):
        try:
            return look(path, names)
        except OutputError:
            if not Parts(path).in_use:
                break
            time.sleep(0.2)
    return look(path, names)


def look(path: Path, names: tuple[str, ...] = ()) -> dict[str, Any]:
    """State, step, populations and last values of the series of the run at `path`.

    Raises
    ------
    OutputError
        If there is no such run.
    """
    from sensorium.io.parts import Parts
    from sensorium.io.run import open as open_run

    with open_run(path) as run:
        status, scenario = run.status, run.scenario
        length = int(scenario.get("run", {}).get("steps", 0))
        wanted = names or tuple(n for n in ("energy/total", "energy/residual", "order/r") if n in run.series_names)
        series = {name: float(run.series(name)[-1]) for name in wanted}
        last = int(run.steps[-1]) if len(run) else 0
        rows = {name: len(p.ids[-1]) for name, p in run.populations.items() if len(p)}
        complete = run.complete
    state = "complete" if complete else str(status.get("state", "running"))
    if state == "running" and not Parts(path).in_use:
        state = "killed"
    return {
        "run": str(path),
        "name": str(scenario.get("name", path.stem)),
        "state": state,
        "step": max(last, int(status.get("step", last))),  # the status may be older than the last commit
        "steps": int(status.get("steps", length)),
        "populations": status.get("populations", rows),
        "series": series,
    }


def _shower(stack: ExitStack, as_json: bool) -> Callable[[dict[str, Any]], None]:
    if as_json:
        return lambda found: click.echo(json.dumps(found))
    if not sys.stdout.isatty():
        return lambda found: click.echo(_line(found))
    from rich.live import Live

    live = stack.enter_context(Live(auto_refresh=False))
    return lambda found: live.update(_table(found), refresh=True)


def _facts(found: dict[str, Any]) -> list[tuple[str, str]]:
    step, steps, speed = found["step"], found["steps"], found["steps_per_second"]
    share = f" ({100 * step // steps}%)" if steps else ""
    facts = [("state", found["state"]), ("step", f"{step} of {steps}{share}")]
    if found["state"] == "running" and speed:
        facts += [("speed", f"{speed:.4g} steps/s"), ("ETA", span((steps - step) / speed))]
    facts += [(name, str(rows)) for name, rows in found["populations"].items()]
    return [*facts, *((name, f"{value:.6g}") for name, value in found["series"].items())]


def _line(found: dict[str, Any]) -> str:
    return f"{found['name']}: " + ", ".join(f"{name} {value}" for name, value in _facts(found))


def _table(found: dict[str, Any]) -> Any:
    from rich.table import Table

    table = Table(title=f"{found['name']}: {found['run']}", show_header=False, title_justify="left")
    for name, value in _facts(found):
        table.add_row(name, value)
    return table
