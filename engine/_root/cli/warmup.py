"""``senso warmup``: compile now what the first run would compile."""

from __future__ import annotations

import time

import click

from sensorium.cli.options import device_option, environment, plugin_option, quiet_option, set_option, threads_option

__all__ = ["command"]

STEPS = 2


@click.command("warmup")
@click.argument("scenarios", metavar="[SCENARIO]...", nargs=-1)
@device_option
@threads_option
@set_option
@plugin_option
@quiet_option
def command(
    scenarios: tuple[str, ...],
    device: str,
    threads: int | None,
    assignments: tuple[str, ...],
    plugins: tuple[str, ...],
    quiet: bool,
) -> None:
    """Compile the kernels of scenarios (default: all packaged ones) into the cache.

    Two steps of each tell which kernels it launches, and with what types; their serial and parallel forms are compiled.
    """
    environment(device, threads)
    from sensorium.engine.kernel_warmup import warmup
    from sensorium.scenarios.library import packaged
    from sensorium.scenarios.loader import build
    from sensorium.scenarios.override import parse_assignments
    from sensorium.scenarios.scenario import read_scenario, registry_of

    overrides, registry = parse_assignments(assignments), registry_of(plugins)
    for source in scenarios or tuple(packaged()):
        begin = time.perf_counter()
        scenario = read_scenario(source, overrides, plugins=plugins, registry=registry, origin="--set")
        sim = build(scenario, device=device)
        sim.run(STEPS)
        sim.series()
        warmup()
        if not quiet:
            click.echo(f"{scenario.name}: {time.perf_counter() - begin:.1f} s")
