"""``senso systems``: what a scenario may name, and what each system does."""

from __future__ import annotations

import inspect
import json
import types
import typing
from typing import TYPE_CHECKING, Any

import click

from sensorium.cli.options import json_option, plugin_option

if TYPE_CHECKING:
    from sensorium.engine.plugins import Registry
    from sensorium.engine.system import System

__all__ = ["command"]


@click.command("systems")
@click.argument("name", required=False)
@plugin_option
@json_option
def command(name: str | None, plugins: tuple[str, ...], as_json: bool) -> None:
    """List the systems that scenarios may name, or describe one: phase, parameters, what it reads and writes."""
    from sensorium.scenarios.scenario import registry_of

    registry = registry_of(plugins)
    names = sorted(registry.systems) if name is None else [registry.system(name).name]
    if as_json:
        click.echo(json.dumps([_described(registry.systems[n], registry) for n in names], indent=1, default=str))
    elif name is not None:
        click.echo(_page(_described(registry.systems[names[0]], registry)))
    else:
        rows = [_described(registry.systems[each], registry) for each in names]
        width = max((len(row["name"]) for row in rows), default=0)
        phases = max((len(", ".join(row["phases"])) for row in rows), default=0)
        for row in rows:
            origin = "" if row["origin"] == "built in" else f"  ({row['origin']})"
            click.echo(f"{row['name']:<{width}}  {', '.join(row['phases']):<{phases}}  {row['summary']}{origin}")
    for sentence in registry.broken:
        click.echo(f"warning: not loaded: {sentence}", err=True)


def _described(system: type[System], registry: Registry) -> dict[str, Any]:
    text = inspect.cleandoc(system.__doc__ or "")
    return {
        "name": system.name,
        "summary": text.split("\n")[0],
        "doc": text,
        "origin": registry.origins[system],
        "phases": list(system.phase_names()),
        "reads": [field.path for field in system.reads],
        "writes": [field.path for field in system.writes],
        "accumulates": [field.path for field in system.accumulates],
        "parameters": [_parameter(info.alias or name, info) for name, info in system.parameters().model_fields.items()],
    }


def _parameter(name: str, info: Any) -> dict[str, Any]:
    from pydantic_core import PydanticUndefined, to_jsonable_python

    bounds = [f"{sign} {getattr(m, key)}" for m in info.metadata for key, sign in _SIGNS.items() if hasattr(m, key)]
    extra = info.json_schema_extra if isinstance(info.json_schema_extra, dict) else {}
    default = None if info.default is PydanticUndefined else to_jsonable_python(info.default)
    required = info.default is PydanticUndefined and info.default_factory is None
    return {
        "name": info.alias or name, "type": _words(info.annotation), "default": default, "required": required,
        "bounds": bounds, "unit": extra.get("unit", "1"), "doc": info.description or "",
    }  # fmt: skip


def _words(kind: Any) -> str:
    """A type as a scenario would write its values."""
    inner, arguments = typing.get_origin(kind), typing.get_args(kind)
    if inner is typing.Literal:
        return " | ".join(map(str, arguments))
    if inner in (typing.Union, types.UnionType):
        return " | ".join(_words(member) for member in arguments if member is not types.NoneType)
    if inner is typing.Annotated:
        return _words(arguments[0])
    if inner is tuple:
        return f"[{', '.join(map(_words, arguments))}]"
    if inner is list:
        return f"list of {_words(arguments[0])}"
    if inner is dict:
        return f"mapping of {_words(arguments[0])} to {_words(arguments[1])}"
    if fields := getattr(kind, "model_fields", None):
        parts = (f"{info.alias or name}: {_words(info.annotation)}" for name, info in fields.items())
        return "{" + ", ".join(parts) + "}"
    return str(getattr(kind, "__name__", kind))


_SIGNS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def _page(about: dict[str, Any]) -> str:
    lines = [
        f"{about['name']}  ({about['origin']})",
        "",
        about["doc"],
        "",
        f"phase        {', '.join(about['phases'])}",
    ]
    for access in ("reads", "writes", "accumulates"):
        if about[access]:
            lines.append(f"{access:<12} {', '.join(about[access])}")
    if about["parameters"]:
        lines += ["", "parameters"]
    for parameter in about["parameters"]:
        given = "optional" if parameter["default"] is None else f"default {_yaml(parameter['default'])}"
        default = "required" if parameter["required"] else given
        unit = "" if parameter["unit"] == "1" else f" [{parameter['unit']}]"
        facts = ", ".join([parameter["type"], *parameter["bounds"], default])
        lines.append(f"  {parameter['name']}{unit}: {facts}")
        if parameter["doc"]:
            lines.append(f"      {parameter['doc']}")
    entry = f"  - {about['name']}"
    shown = {p["name"]: p["name"].upper() for p in about["parameters"] if p["required"]}
    shown |= {p["name"]: _yaml(p["default"]) for p in about["parameters"] if p["default"] is not None}
    if shown:
        entry += ": {" + ", ".join(f"{key}: {value}" for key, value in shown.items()) + "}"
    return "\n".join([*lines, "", "in a scenario", entry])


def _yaml(value: Any) -> str:
    """A value as it would be written in a flow mapping; JSON is YAML."""
    return value if isinstance(value, str) and value.replace("-", "").replace("_", "").isalpha() else json.dumps(value)
