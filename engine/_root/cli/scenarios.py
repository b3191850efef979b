"""``senso scenarios``: what runs by name."""

from __future__ import annotations

import json

import click

from sensorium.cli.options import json_option

__all__ = ["command"]


@click.command("scenarios")
@click.argument("name", required=False)
@json_option
def command(name: str | None, as_json: bool) -> None:
    """List the packaged scenarios, or print the YAML of one.

    `senso scenarios NAME > my.yaml` is the way to a scenario of your own.
    """
    from sensorium.engine.errors import ScenarioError
    from sensorium.engine.naming import did_you_mean
    from sensorium.scenarios.library import packaged

    library = packaged()
    if name is not None:
        if name not in library:
            raise ScenarioError(f"no packaged scenario '{name}'{did_you_mean(name, library)}")
        click.echo(library[name].path.read_text(encoding="utf-8"), nl=False)
    elif as_json:
        rows = [{"name": s.name, "summary": s.summary, "origin": s.origin} for s in library.values()]
        click.echo(json.dumps(rows, indent=1))
    else:
        width = max(map(len, library), default=0)
        for scenario in library.values():
            origin = "" if scenario.origin == "built in" else f"  ({scenario.origin})"
            click.echo(f"{scenario.name:<{width}}  {scenario.summary}{origin}")
