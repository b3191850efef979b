"""Run a simulation from the command line: writers, signals, progress, and the closing words."""

from __future__ import annotations

import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensorium.cli.progress import progress, span
from sensorium.cli.signals import Stopping

if TYPE_CHECKING:
    from sensorium.engine.simulation import Simulation
    from sensorium.scenarios.scenario import Scenario

__all__ = ["Request", "perform"]


@dataclass(frozen=True)
class Request:
    """What the user asked for beside the scenario."""

    path: Path
    device: str = "auto"
    debug: bool = False
    overwrite: bool = False
    quiet: bool = False
    as_json: bool = False
    profile: bool = False
    plot: bool = False
    notes: dict[str, Any] = field(default_factory=dict)

    def say(self, text: str) -> None:
        """Print, unless quiet or JSON was asked for."""
        if not (self.quiet or self.as_json):
            click.echo(text)


def perform(scenario: Scenario, request: Request) -> int:
    """Run `scenario` into the file of `request`, or go on with it; return the exit code."""
    from sensorium.scenarios.launch import launch

    for sentence in scenario.registry.broken:
        click.echo(f"warning: not loaded: {sentence}", err=True)
    sim = launch(scenario, request.path, device=request.device, debug=request.debug, overwrite=request.overwrite)
    if sim is None:
        return _already(scenario, request)
    first = sim.world.clock.step
    if first:
        request.say(f"{scenario.name}: going on from step {first}")
    return _go(sim, scenario, request, first)


def _go(sim: Simulation, scenario: Scenario, request: Request, first: int) -> int:
    began = time.perf_counter()
    quiet = request.quiet or request.as_json
    with Stopping(sim.stop) as stopping, progress(sim.steps, quiet=quiet) as shown:

        def each(sim: Simulation) -> None:
            # a signal that came while the kernels were compiled must stop the run, too
            if stopping.received is not None:
                sim.stop()
            if shown is not None:
                shown(sim)

        sim.run(progress=each)
    seconds = time.perf_counter() - began
    done = sim.world.clock.step - first
    stopped = stopping.received is not None and sim.world.clock.step < sim.steps
    picture = _picture(request) if request.plot and not stopped else None
    report: dict[str, Any] = {
        "scenario": scenario.name,
        "trajectory": str(request.path),
        "picture": picture,
        "complete": not stopped,
        "first_step": first,
        "step": sim.world.clock.step,
        "steps": sim.steps,
        "seconds": round(seconds, 3),
        "steps_per_second": round(done / seconds, 3) if seconds else 0.0,
        "energy_residual": sim.ledger.residual,
        "signal": stopping.received.name if stopping.received else None,
    }
    if request.profile:
        report["profile"] = {name: asdict(spent) for name, spent in sim.profile().items()}
    _close(report, request)
    return stopping.exit_code if stopped else 0


def _close(report: dict[str, Any], request: Request) -> None:
    if request.as_json:
        click.echo(json.dumps(report, indent=1))
        return
    if "profile" in report:
        request.say(_table(report["profile"]))
    done = report["step"] - report["first_step"]
    speed = f"{report['steps_per_second']:.4g} steps/s"
    balance = f"energy residual {report['energy_residual']:.1e}"
    name = report["scenario"]
    if not report["complete"]:
        request.say(f"{name}: stopped at step {report['step']} of {report['steps']}; the same command goes on")
        return
    request.say(f"{name}: {done} steps in {span(report['seconds'])} ({speed}), {balance}")
    request.say(f"trajectory: {report['trajectory']}")
    if report["picture"]:
        request.say(f"picture:    {report['picture']}")


def _already(scenario: Scenario, request: Request) -> int:
    """Say that the run is there, complete."""
    picture = _picture(request) if request.plot else None
    if request.as_json:
        told = {"scenario": scenario.name, "trajectory": str(request.path), "picture": picture, "complete": True}
        click.echo(json.dumps({**told, "first_step": scenario.document.run.steps, "step": scenario.document.run.steps}))
        return 0
    request.say(f"{scenario.name}: complete already; senso run --overwrite runs it again")
    request.say(f"trajectory: {request.path}")
    if picture:
        request.say(f"picture:    {picture}")
    return 0


def _picture(request: Request) -> str:
    from sensorium.cli.plot import draw

    return str(draw(request.path, None))


def _table(profile: dict[str, dict[str, float]]) -> str:
    total = sum(row["seconds"] for row in profile.values()) or 1.0
    width = max((len(name) for name in profile), default=6)
    lines = [f"{'system':<{width}}   seconds  share     us/call"]
    for name, row in sorted(profile.items(), key=lambda item: -item[1]["seconds"]):
        each = 1e6 * row["seconds"] / row["calls"] if row["calls"] else 0.0
        lines.append(f"{name:<{width}}  {row['seconds']:8.3f}  {row['seconds'] / total:5.1%}  {each:10.1f}")
    return "\n".join(lines)
