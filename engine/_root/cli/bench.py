"""``senso bench``: how fast a scenario runs on this machine, system by system."""

from __future__ import annotations

import json
import time
from typing import Any

import click

from sensorium.cli.options import (
    device_option,
    environment,
    json_option,
    plugin_option,
    scenario_argument,
    set_option,
    threads_option,
)

__all__ = ["command"]


@click.command("bench")
@scenario_argument
@click.option("--steps", type=click.IntRange(min=1), default=100, show_default=True, help="Steps to time.")
@click.option("--warmup", type=click.IntRange(min=1), default=10, show_default=True, help="Steps before that.")
@set_option
@plugin_option
@device_option
@threads_option
@json_option
def command(
    scenario: str,
    steps: int,
    warmup: int,
    assignments: tuple[str, ...],
    plugins: tuple[str, ...],
    device: str,
    threads: int | None,
    as_json: bool,
) -> None:
    """Time SCENARIO without output: steps per second, and the nanoseconds that each system takes for a row.

    The comparison with other engines is `make bench`, in a checkout of the sources.
    """
    environment(device, threads)
    from sensorium.scenarios.loader import build
    from sensorium.scenarios.override import parse_assignments
    from sensorium.scenarios.scenario import read_scenario

    checked = read_scenario(scenario, parse_assignments(assignments), plugins=plugins, origin="--set")
    sim = build(checked, device=device)
    sim.run(warmup)
    before = {name: (spent.seconds, spent.calls) for name, spent in sim.profile().items()}
    wall, cpu = time.perf_counter(), time.process_time()
    sim.run(steps)
    wall, cpu = time.perf_counter() - wall, time.process_time() - cpu
    rows = sum(population.n for population in sim.world.populations)
    systems = {}
    for name, spent in sim.profile().items():
        seconds, calls = before[name]
        systems[name] = {"seconds": spent.seconds - seconds, "calls": spent.calls - calls}
    report = {
        "scenario": checked.name, "device": sim.world.device.kind, "precision": sim.world.precision, "rows": rows,
        "steps": steps, "seconds": wall, "cpu_seconds": cpu, "steps_per_second": steps / wall, "systems": systems,
    }  # fmt: skip
    click.echo(json.dumps(report, indent=1) if as_json else _page(report))


def _page(report: dict[str, Any]) -> str:
    rows, steps = report["rows"], report["steps"]
    speed = f"{report['steps_per_second']:.4g} steps/s"
    each = f"{1e9 * report['seconds'] / steps / max(rows, 1):.3g} ns per row and step"
    where = f"{report['device']}, {report['precision']} precision"
    lines = [
        f"{report['scenario']}: {rows} rows, {steps} steps in {report['seconds']:.2f} s: {speed}, {each}",
        f"{where}; CPU time {report['cpu_seconds']:.2f} s",
        "",
    ]
    width = max((len(name) for name in report["systems"]), default=0)
    for name, row in sorted(report["systems"].items(), key=lambda item: -item[1]["seconds"]):
        cost = 1e9 * row["seconds"] / steps / max(rows, 1)
        lines.append(f"{name:<{width}}  {row['seconds'] / report['seconds']:5.1%}  {cost:9.2f} ns per row and step")
    return "\n".join(lines)
