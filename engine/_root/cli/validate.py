"""``senso validate``: every mistake of a scenario, without running it."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import click

from sensorium.cli.options import json_option, plugin_option, quiet_option, set_option

if TYPE_CHECKING:
    from sensorium.scenarios.problems import Problem

__all__ = ["command"]


@click.command("validate")
@click.argument("scenarios", metavar="SCENARIO...", nargs=-1, required=True)
@set_option
@plugin_option
@quiet_option
@json_option
def command(
    scenarios: tuple[str, ...], assignments: tuple[str, ...], plugins: tuple[str, ...], quiet: bool, as_json: bool
) -> int:
    """Check scenarios and report every mistake as FILE:LINE:COLUMN: PATH: MESSAGE."""
    from sensorium.engine.errors import ScenarioError
    from sensorium.scenarios.override import parse_assignments
    from sensorium.scenarios.problems import InvalidScenario
    from sensorium.scenarios.scenario import read_scenario, registry_of

    overrides, registry = parse_assignments(assignments), registry_of(plugins)
    report, failed = [], False
    for source in scenarios:
        mistakes: list[dict[str, object]] = []
        try:
            read_scenario(source, overrides, plugins=plugins, registry=registry, origin="--set")
        except InvalidScenario as error:
            mistakes = [_row(problem) for problem in error.problems]
            text = str(error)
        except ScenarioError as error:
            text = f"{source}: {error}"
            mistakes = [{"file": source, "line": 0, "column": 0, "path": "", "message": str(error)}]
        failed = failed or bool(mistakes)
        report.append({"scenario": source, "valid": not mistakes, "mistakes": mistakes})
        if as_json:
            continue
        if mistakes:
            click.echo(text, err=True)
        elif not quiet:
            click.echo(f"{source}: valid")
    if as_json:
        click.echo(json.dumps(report, indent=1))
    return ScenarioError.exit_code if failed else 0


def _row(problem: Problem) -> dict[str, object]:
    mark = problem.mark
    return {
        "file": mark.source, "line": mark.line, "column": mark.column, "path": problem.path, "message": problem.message,
    }  # fmt: skip
