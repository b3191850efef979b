"""Say what pydantic found in the words of a scenario: where it is written, what is wrong, what may have been meant."""

from __future__ import annotations

import json
import math
import types
import typing
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from sensorium.engine.naming import did_you_mean
from sensorium.scenarios.problems import Problems
from sensorium.scenarios.tree import Node, Path, describe, find, plain

__all__ = ["check", "settled"]

M = TypeVar("M", bound=BaseModel)


def settled(value: Any) -> Any:
    """Plain values with whole floats as integers, so that ``steps: 1e5`` is a number of steps."""
    match value:
        case dict():
            return {key: settled(item) for key, item in value.items()}
        case list():
            return [settled(item) for item in value]
        case float() if math.isfinite(value) and value == int(value) and abs(value) < 2**63:
            return int(value)
        case _:
            return value


def check(model: type[M], node: Node, path: Path, problems: Problems) -> M | None:
    """Validate `node` against `model`, strictly; every mistake goes to `problems`, at its line and column.

    `path` is where the node is in the scenario, for messages. Returns None when there was a mistake.
    """
    if not isinstance(node.value, dict):
        problems.add(node.mark, path, f"must be a mapping of keys to values, not {node.kind}")
        return None
    try:
        # JSON mode: lists serve as tuples, but text is still no number and 1 is still not true
        return model.model_validate_json(json.dumps(settled(plain(node))), strict=True)
    except ValidationError as error:
        for found in _best(_closest(error.errors(include_url=False), node), node):
            _explain(found, model, node, path, problems)
        return None


def _closest(errors: list[Any], node: Node) -> list[Any]:
    """Where a union takes mappings and one was given, only what the mapping that is most like it complains of."""
    unions: dict[Path, dict[Any, list[Any]]] = {}
    for error in errors:
        fork = _fork(error, node)
        if fork is not None:
            unions.setdefault(error["loc"][:fork], {}).setdefault(error["loc"][fork], []).append(error)
    dropped: list[Any] = []
    for where, members in unions.items():
        mappings = {m: found for m, found in members.items() if all(len(e["loc"]) > len(where) + 1 for e in found)}
        if mappings:
            nearest = min(mappings, key=lambda m: sum(e["type"] in ("missing", "extra_forbidden") for e in mappings[m]))
            dropped += [error for member, found in members.items() if member != nearest for error in found]
    return [error for error in errors if not any(error is one for one in dropped)]


def _fork(error: Any, node: Node) -> int | None:
    """Index of the first step of pydantic's location that names a member of a union, if one does."""
    here: Node = node
    for index, step in enumerate(error["loc"]):
        if isinstance(here.value, dict) and here.get(str(step)) is not None:
            here = here.entries[str(step)].node
        elif isinstance(here.value, list) and isinstance(step, int) and step < len(here.value):
            here = here.value[step]
        else:
            missing = error["type"] == "missing" and index == len(error["loc"]) - 1
            return index if isinstance(step, str) and step != "[key]" and not missing else None
    return None


def _best(errors: list[Any], node: Node) -> list[Any]:
    """What several alternatives say of one place, as one complaint."""
    groups: dict[tuple[Any, ...], list[Any]] = {}
    for error in errors:
        groups.setdefault(_real(error["loc"], node), []).append(error)
    return [group[0] if len(group) == 1 else _united(group) for group in groups.values()]


def _united(group: list[Any]) -> Any:
    if all(error["type"] == "missing" and isinstance(error["loc"][-1], int) for error in group):
        return group[-1]  # of the items that a list lacks, the last one says how many there should be
    wanted = list(dict.fromkeys(_message(error, ()) for error in group))
    specific = [error for error in group if not error["type"].endswith("_type")]
    if len(specific) == 1:
        return specific[0]
    return {**group[0], "type": "united", "msg": " or ".join(wanted).replace(" or must be", " or")}


def _real(loc: tuple[Any, ...], node: Node) -> Path:
    """The part of pydantic's location that exists in the file; the names of union members do not."""
    path: list[str | int] = []
    here: Node | None = node
    for index, step in enumerate(loc):
        after = None
        if here is not None and isinstance(here.value, dict):
            after = here.get(str(step))
        elif here is not None and isinstance(here.value, list) and isinstance(step, int) and step < len(here.value):
            after = here.value[step]
        if after is not None:
            here = after
            path.append(step)
        elif (
            index == len(loc) - 1
            and isinstance(step, str)
            and step != "[key]"
            and here is not None
            and isinstance(here.value, dict)
        ):
            path.append(step)  # a missing key
    return tuple(path)


def _explain(error: Any, model: type[BaseModel], node: Node, path: Path, problems: Problems) -> None:
    loc = _real(error["loc"], node)
    if error["type"] == "extra_forbidden":
        known = _keys(model, loc[:-1])
        hint = did_you_mean(str(loc[-1]), known) or f" (known: {', '.join(known)})" * bool(known)
        said = f"unknown key '{loc[-1]}'{hint}" if loc[-1] not in known else f"'{loc[-1]}' does not go with the others"
        problems.add(find(node, loc, key=True), (*path, *loc), said)
    elif error["type"] == "missing" and isinstance(error["loc"][-1], str):
        problems.add(find(node, loc[:-1], key=True), (*path, *loc), f"required key '{loc[-1]}' is missing")
    elif "[key]" in error["loc"]:
        problems.add(find(node, loc, key=True), (*path, *loc), f"the name {error['input']!r} {_rule(error)}")
    else:
        problems.add(find(node, loc), (*path, *loc), _message(error, loc))


def _message(error: Any, loc: Path) -> str:
    context: dict[str, Any] = error.get("ctx", {})
    given = error["input"]
    shown = f", not {describe(given)}" + ("" if isinstance(given, dict | list) or given is None else f" ({given!r})")
    match error["type"]:
        case "united":
            return str(error["msg"])
        case "int_type" | "int_from_float" | "int_parsing":
            kind = "must be a whole number"
            return f"{kind}, not {given!r}" if isinstance(given, float) else kind + shown
        case "float_type" | "float_parsing":
            return "must be a number" + shown
        case "string_type":
            return "must be text" + shown
        case "bool_type" | "bool_parsing":
            return "must be true or false" + shown
        case "model_type" | "dict_type" | "model_attributes_type":
            return "must be a mapping of keys to values" + shown
        case "list_type" | "tuple_type":
            return "must be a list" + shown
        case "none_required":
            return "must be null" + shown
        case "literal_error":
            hint = did_you_mean(given, _options(context)) if isinstance(given, str) else ""
            return f"must be {context['expected']}, not {given!r}{hint}"
        case "finite_number":
            return "must be a finite number"
        case "greater_than" | "greater_than_equal" | "less_than" | "less_than_equal":
            sign, bound = next((s, context[k]) for k, s in _BOUNDS.items() if k in context)
            return f"must be {sign} {bound:g}, not {given!r}"
        case "string_pattern_mismatch" | "string_too_long" | "string_too_short":
            return f"{given!r} {_rule(error)}"
        case "missing":
            return f"must have {error['loc'][-1] + 1} items, not {len(given)}"
        case "too_long" | "too_short":
            limit = context.get("max_length", context.get("min_length"))
            bound = "most" if error["type"] == "too_long" else "least"
            return f"must have at {bound} {limit} items, not {context['actual_length']}"
        case _:
            text = str(error["msg"])
            return text[0].lower() + text[1:]


_BOUNDS = {"gt": ">", "ge": ">=", "lt": "<", "le": "<="}


def _rule(error: Any) -> str:
    if error["type"] == "string_pattern_mismatch":
        return "must begin with a letter and have only letters, digits, - and _"
    return str(error["msg"]).replace("String should", "should")


def _options(context: dict[str, Any]) -> list[str]:
    return [part.strip("'") for part in context["expected"].replace(" or ", ", ").split(", ")]


def _keys(model: type[BaseModel], loc: Path) -> list[str]:
    """The keys that a mapping at `loc` of `model` may have."""
    kinds: list[Any] = [model]
    for step in loc:
        kinds = [inner for kind in kinds for inner in _inside(kind, step)]
    return [key for kind in kinds if _is_model(kind) for key in _aliases(kind)]


def _inside(kind: Any, step: str | int) -> list[Any]:
    if _is_model(kind):
        for name, info in kind.model_fields.items():
            if step in (name, info.alias):
                return _members(info.annotation)
        return []
    return [member for inner in typing.get_args(kind)[-1:] for member in _members(inner)]


def _members(kind: Any) -> list[Any]:
    if typing.get_origin(kind) in (typing.Union, types.UnionType):
        return [inner for member in typing.get_args(kind) for inner in _members(member)]
    if typing.get_origin(kind) is typing.Annotated:
        return _members(typing.get_args(kind)[0])
    return [kind]


def _is_model(kind: Any) -> bool:
    return isinstance(kind, type) and issubclass(kind, BaseModel)


def _aliases(kind: type[BaseModel]) -> list[str]:
    return [info.alias or name for name, info in kind.model_fields.items()]
