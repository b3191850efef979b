"""``senso schema``: what editors complete and check scenarios with."""

from __future__ import annotations

import json
from pathlib import Path

import click

from sensorium.cli.options import plugin_option

__all__ = ["command"]


@click.command("schema")
@plugin_option
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="Write to this file.")
def command(plugins: tuple[str, ...], output: Path | None) -> None:
    """Print the JSON Schema of scenarios, with every installed system and component.

    \b
    For completion in an editor with the YAML language server, write it to a file
        senso schema -o scenario.schema.json
    and begin the scenario with
        # yaml-language-server: $schema=scenario.schema.json
    """
    from sensorium.scenarios.jsonschema import json_schema
    from sensorium.scenarios.scenario import registry_of

    text = json.dumps(json_schema(registry_of(plugins)), indent=2)
    if output is None:
        click.echo(text)
    else:
        output.write_text(text + "\n", encoding="utf-8")
