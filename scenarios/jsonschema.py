"""The JSON Schema of scenarios, with every system and component that is registered: editors complete with it."""

from __future__ import annotations

from typing import Any

from sensorium.engine.component import Component, Field
from sensorium.engine.plugins import Registry
from sensorium.engine.system import System
from sensorium.scenarios.initial import FORMS
from sensorium.scenarios.schema import Document

__all__ = ["json_schema"]

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def json_schema(registry: Registry) -> dict[str, Any]:
    """JSON Schema (draft 2020-12) of the scenarios that this installation can run."""
    schema = Document.model_json_schema(by_alias=True)
    definitions = schema.setdefault("$defs", {})
    names = sorted(registry.systems)
    for name in names:
        definitions[f"system:{name}"] = _system(registry.systems[name], definitions)
    for name, component in sorted(registry.components.items()):
        definitions[f"component:{name}"] = _component(component)
    definitions["Population"] = population = definitions.pop("PopulationSection")
    population["properties"]["components"] = {
        "type": "object",
        "description": "components, and the initial values of their fields",
        "properties": {name: {"$ref": f"#/$defs/component:{name}"} for name in sorted(registry.components)},
        "additionalProperties": False,
    }
    properties = schema["properties"]
    properties["populations"] = {
        "type": "object",
        "description": "tables of entities, by name",
        "patternProperties": {"^[A-Za-z][A-Za-z0-9_-]*$": {"$ref": "#/$defs/Population"}},
        "additionalProperties": False,
    }
    properties["systems"] = {
        "type": "array",
        "description": "systems in order; those of one phase run in this order",
        "items": {"anyOf": [{"enum": names}, *(_entry(name) for name in names)]},
    }
    for axis in ("edges", "grid"):
        sizes = definitions["BoxSection"]["properties"]
        described = {key: sizes[axis].pop(key) for key in ("description", "default") if key in sizes[axis]}
        one = {"type": "number" if axis == "edges" else "integer"}
        sizes[axis] = {**described, "anyOf": [one, sizes[axis]]}
    return {"$schema": DIALECT, **schema, "title": "Sensorium scenario"}


def _entry(name: str) -> dict[str, Any]:
    names = {"anyOf": [{"type": "string"}, {"type": "array", "items": {"type": "string"}}]}
    return {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "name of this instance"},
            "before": names,
            "after": names,
            name: {"anyOf": [{"$ref": f"#/$defs/system:{name}"}, {"type": "null"}]},
        },
        "required": [name],
        "additionalProperties": False,
    }


def _system(system: type[System], definitions: dict[str, Any]) -> dict[str, Any]:
    schema = system.parameters().model_json_schema(ref_template="#/$defs/{model}")
    definitions |= schema.pop("$defs", {})
    schema["title"] = system.name
    schema["description"] = _first_line(system)
    return schema


def _component(component: type[Component]) -> dict[str, Any]:
    return {
        "title": component.name,
        "description": _first_line(component),
        "type": ["object", "null"],
        "properties": {name: _field(field) for name, field in component.fields.items()},
        "additionalProperties": False,
    }


def _field(field: Field) -> dict[str, Any]:
    kind = {"f": "number", "b": "boolean"}.get(field.dtype[0], "integer")
    vector = field.shape == (3,)
    position, velocity = vector and field.name == "position", vector and field.name == "velocity"
    forms = [*FORMS[:4], *(["random", "lattice"] if position else []), *(["maxwell"] if velocity else [])]
    bounds = {key: bound for key, bound in (("exclusiveMinimum", field.gt), ("minimum", field.ge)) if bound is not None}
    constant: list[dict[str, Any]] = [{"type": kind, **bounds}]
    if field.shape:
        size = field.shape[0]
        constant.append({"type": "array", "items": {"type": kind}, "minItems": size, "maxItems": size})
    if position:
        constant.append({"const": "random"})
    values: dict[str, Any] = {form: {} for form in forms}
    values |= {"values": {"type": "array"}, "file": {"type": "string"}}
    if position:
        values |= {
            "lattice": {"enum": ["fcc", "sc", "path"]},
            "jitter": {"type": "number", "minimum": 0, "maximum": 0.5},
            "wave": {"type": "object"},
        }
    unit = "" if field.unit == "1" else f" [{field.unit}]"
    form = {"type": "object", "properties": values, "additionalProperties": False, "minProperties": 1}
    return {"description": f"{field.doc}{unit}", "default": field.default, "anyOf": [*constant, form]}


def _first_line(cls: type) -> str:
    return (cls.__doc__ or "").strip().split("\n")[0]
