"""``senso run``: run a scenario, or go on with it."""

from __future__ import annotations

from pathlib import Path

import click

from sensorium.cli.options import (
    debug_option,
    device_option,
    environment,
    json_option,
    plugin_option,
    quiet_option,
    scenario_argument,
    set_option,
    threads_option,
)

__all__ = ["command"]

SUFFIXES = (".h5", ".hdf5", ".h5md")


@click.command("run")
@scenario_argument
@click.option(
    "-o", "--output", type=click.Path(dir_okay=False, path_type=Path), metavar="FILE",
    help="The trajectory; default runs/NAME.h5 in the current folder.",
)  # fmt: skip
@set_option
@click.option("--steps", type=click.IntRange(min=0), help="Length of the run: short for --set run.steps=N.")
@plugin_option
@device_option
@threads_option
@click.option("--overwrite", is_flag=True, help="Replace a trajectory, or an unfinished run, of that name.")
@click.option("--plot", is_flag=True, help="Draw the run when it is done.")
@click.option("--profile", is_flag=True, help="Print the time that each system took.")
@debug_option
@quiet_option
@json_option
def command(
    scenario: str,
    output: Path | None,
    assignments: tuple[str, ...],
    steps: int | None,
    plugins: tuple[str, ...],
    device: str,
    threads: int | None,
    overwrite: bool,
    plot: bool,
    profile: bool,
    debug: bool,
    quiet: bool,
    as_json: bool,
) -> int:
    """Run SCENARIO, a YAML file or the name of a packaged scenario, into one HDF5 trajectory.

    The same command again goes on where an interrupted run was left, and runs only what is left. The first Ctrl-C
    finishes the step and saves; the second stops at once.
    """
    environment(device, threads)
    from sensorium.cli.running import Request, perform
    from sensorium.scenarios.override import parse_assignments
    from sensorium.scenarios.scenario import read_scenario

    overrides = parse_assignments(assignments)
    if steps is not None:
        overrides["run.steps"] = steps
    checked = read_scenario(scenario, overrides, plugins=plugins, origin="--set")
    path = output or Path("runs") / f"{checked.name}.h5"
    if path.suffix not in SUFFIXES:
        raise click.BadParameter(f"a trajectory is an HDF5 file: name it {path.stem}.h5", param_hint="--output")
    request = Request(
        path, device=device, debug=debug, overwrite=overwrite, quiet=quiet, as_json=as_json, profile=profile, plot=plot
    )
    return perform(checked, request)
