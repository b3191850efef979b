"""``senso resume``: go on with an interrupted run, from what its parts say."""

from __future__ import annotations

from pathlib import Path

import click

from sensorium.cli.options import debug_option, device_option, environment, json_option, quiet_option, threads_option

__all__ = ["command"]


@click.command("resume")
@click.argument("run", metavar="RUN", type=click.Path(path_type=Path))
@click.option("--steps", type=click.IntRange(min=0), help="New length of the run.")
@device_option
@threads_option
@click.option("--plot", is_flag=True, help="Draw the run when it is done.")
@click.option("--profile", is_flag=True, help="Print the time that each system took.")
@debug_option
@quiet_option
@json_option
def command(
    run: Path,
    steps: int | None,
    device: str,
    threads: int | None,
    plot: bool,
    profile: bool,
    debug: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Go on with the interrupted run RUN (the .h5 file that it was to become), without its scenario file."""
    environment(device, threads)
    from sensorium.cli.running import Request, perform
    from sensorium.cli.stored import Stored, trajectory_of
    from sensorium.scenarios.scenario import read_scenario

    path = trajectory_of(run)
    stored = Stored.read(path)
    overrides = {} if steps is None else {"run.steps": steps}
    folder = stored.parameters.get("folder") or None
    scenario = read_scenario(stored.resolved, overrides, plugins=stored.plugins, folder=folder, origin="--steps")
    request = Request(path, device=device, debug=debug, quiet=quiet, as_json=as_json, profile=profile, plot=plot)
    return perform(scenario, request)
