"""``senso info``: what a scenario will do, or what a run contains."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sensorium.cli.options import json_option, plugin_option, set_option

if TYPE_CHECKING:
    from sensorium.scenarios.scenario import Scenario

__all__ = ["command"]

TRAJECTORIES = (".h5", ".hdf5", ".h5md", ".parts")


@click.command("info")
@click.argument("source", metavar="SCENARIO|RUN")
@set_option
@plugin_option
@click.option(
    "--measure/--no-measure",
    default=None,
    help="Measure memory on small twins of the scenario, systems and output included; done unless it would take long.",
)
@json_option
def command(
    source: str, assignments: tuple[str, ...], plugins: tuple[str, ...], measure: bool | None, as_json: bool
) -> None:
    """Show what a scenario will do (phases, data flow, memory), or what a run contains."""
    if Path(source).suffix in TRAJECTORIES:
        from sensorium.cli.contents import contents, page

        found = contents(source)
        click.echo(json.dumps(found, indent=1) if as_json else page(found))
        return
    from sensorium.scenarios.override import parse_assignments
    from sensorium.scenarios.scenario import read_scenario

    scenario = read_scenario(source, parse_assignments(assignments), plugins=plugins, origin="--set")
    about = _about(scenario)
    if measure or measure is None:
        about |= _memory(scenario, asked=bool(measure))
    click.echo(json.dumps(about, indent=1) if as_json else _page(about))


def _about(scenario: Scenario) -> dict[str, Any]:
    from sensorium.cli.memory import declared
    from sensorium.engine.schedule import Schedule

    run, box = scenario.document.run, scenario.box
    systems = scenario.make_systems()
    return {
        "name": scenario.name,
        "description": scenario.document.description,
        "run": run.model_dump(),
        "box": None if box is None else {"edges": list(box.edges), "grid": list(box.grid)},
        "constants": {"units": scenario.document.units, **vars(scenario.constants)},
        "populations": declared(scenario),
        "phases": [[phase, [s.instance for s in members]] for phase, members in Schedule(systems)],
        "flow": [
            {
                "system": system.instance,
                "reads": [field.path for field in system.reads],
                "writes": [field.path for field in system.writes],
                "accumulates": [field.path for field in system.accumulates],
            }
            for system in systems
        ],
        "idle": _idle(scenario),
    }


def _memory(scenario: Scenario, *, asked: bool) -> dict[str, Any]:
    """Memory as measured, if that is affordable; a scenario that cannot start is still described."""
    from sensorium.cli.memory import affordable, measured
    from sensorium.engine.errors import SensoriumError

    if not asked and not affordable(scenario):
        return {}
    try:
        held = measured(scenario)
    except SensoriumError as error:
        if asked:
            raise
        return {"refused": str(error)}
    sizes = {"row_bytes": held.per_row, "fixed_bytes": held.fixed, "bytes": held.total}
    return {"memory": {**sizes, "process_bytes": held.process, "peak_bytes": held.process + held.total}}


def _idle(scenario: Scenario) -> list[str]:
    """Systems that find no population with anything they touch."""
    present = {component for plan in scenario.populations for component in plan.components}
    found = []
    for system in scenario.make_systems():
        # carriers are made when a system needs them
        touched = {f.owner for f in (*system.reads, *system.writes, *system.accumulates) if f.owner.name != "carrier"}
        if touched and not touched & present:
            found.append(system.instance)
    return found


def _page(about: dict[str, Any]) -> str:
    run, box = about["run"], about["box"]
    lines = [about["name"] + (f": {about['description']}" if about["description"] else ""), ""]
    lines.append(
        f"run          {run['steps']} steps of {run['dt']:g}, seed {run['seed']}, {run['precision']} precision"
    )
    lines.append(
        "box          " + ("none: open space" if box is None else f"{_by(box['edges'])}, grid {_by(box['grid'])}")
    )
    constants = about["constants"]
    named = "G {gravitational:g}, k_B {boltzmann:g}, hbar {planck_reduced:g}, c_v {specific_heat:g}".format(**constants)
    lines += [f"units        {constants['units']}: {named}", "", "populations"]
    for row in about["populations"]:
        size = f"{row['rows']} rows x {row['row_bytes']} bytes = {_bytes(row['bytes'])}"
        lines.append(f"  {row['name']}: {size} ({', '.join(row['components'])})")
    lines.append(f"  columns together: {_bytes(sum(row['bytes'] for row in about['populations']))}")
    if box is not None:
        cells = box["grid"][0] * box["grid"][1] * box["grid"][2]
        lines.append(f"  one grid field: {_bytes(cells * (4 if run['precision'] == 'single' else 8))}")
    if "memory" in about:
        held = about["memory"]
        rows = sum(row["rows"] for row in about["populations"])
        each = f"{held['bytes'] / max(rows, 1):.0f} bytes per row"
        lines.append(f"  measured, systems, grids and output included: {_bytes(held['bytes'])}, {each}")
        process = f"{_bytes(held['process_bytes'])} of interpreter and kernels"
        lines.append(f"  the whole process, with {process}: {_bytes(held['peak_bytes'])}")
    elif "refused" in about:
        lines += ["", f"note: the run would be refused: {about['refused']}"]
    else:
        lines.append("  systems add workspaces of their own: --measure finds out how much")
    lines += ["", "step"]
    width = max((len(phase) for phase, _ in about["phases"]), default=0)
    lines += [f"  {phase:<{width}}  {', '.join(members)}" for phase, members in about["phases"]]
    lines += ["", "data flow"]
    for row in about["flow"]:
        lines.append(f"  {row['system']}")
        lines += [
            f"    {access:<11} {', '.join(row[access])}" for access in ("reads", "writes", "accumulates") if row[access]
        ]
    for name in about["idle"]:
        lines += ["", f"note: no population has what '{name}' works on; it does nothing"]
    return "\n".join(lines)


def _by(values: list[float]) -> str:
    return " x ".join(f"{value:g}" for value in values)


def _bytes(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000 or unit == "GB":
            break
        count /= 1000
    return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
