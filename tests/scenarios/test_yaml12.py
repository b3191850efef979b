"""Strict YAML: 1.2 scalars, marks, and everything that is refused."""

from __future__ import annotations

import math
import os
from pathlib import Path
from typing import Any

import pytest

from sensorium.scenarios.problems import InvalidScenario, Problems
from sensorium.scenarios.tree import find, plain
from sensorium.scenarios.yaml12 import MAX_BYTES, MAX_DEPTH, parse, read, scalar


def loaded(text: str) -> Any:
    problems = Problems()
    found = plain(parse(text, "x.yaml", problems))
    problems.raise_any()
    return found


def complaint(text: str) -> str:
    with pytest.raises(InvalidScenario) as caught:
        loaded(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 1e-3), ("1E5", 1e5), (".5", 0.5), ("-.5e1", -5.0), ("1.", 1.0), ("+1.5", 1.5), ("0", 0), ("-7", -7),
        ("010", 10), ("0o17", 15), ("0x1F", 31), ("true", True), ("False", False), ("null", None), ("~", None),
        ("no", "no"), ("Yes", "Yes"), ("on", "on"), ("1:30", "1:30"), ("1_000", "1_000"), ("2026-11-21", "2026-11-21"),
        ("0b11", "0b11"), ("1e", "1e"), ("e5", "e5"), ("--1", "--1"), ("0o8", "0o8"), ("nan", "nan"), ("inf", "inf"),
        (".inf", math.inf), ("-.Inf", -math.inf), ("", None), ("1 2", "1 2"),
    ],
)  # fmt: skip
def test_core_scalars(text: str, value: object) -> None:
    found = scalar(text)
    assert found == value
    assert type(found) is type(value)


def test_nan_and_quotes() -> None:
    assert math.isnan(loaded("a: .nan")["a"])
    assert loaded("{a: '1', b: \"no\", c: 'null'}") == {"a": "1", "b": "no", "c": "null"}


def test_huge_integers_do_not_hang() -> None:
    assert loaded("a: " + "9" * 5000)["a"] == math.inf


def test_block_scalars_are_text() -> None:
    assert loaded("a: |\n  12\n  13\n")["a"] == "12\n13\n"


def test_aliases_share_values() -> None:
    assert loaded("a: &x [1, 2]\nb: *x") == {"a": [1, 2], "b": [1, 2]}


def test_every_node_and_key_has_a_mark() -> None:
    root = parse("a: 1\nbb:\n  - 2\n  - c: 3\n", "f.yaml", Problems())
    assert str(find(root, ("bb", 1, "c"))) == "f.yaml:4:8"
    assert str(find(root, ("bb", 1, "c"), key=True)) == "f.yaml:4:5"
    assert str(find(root, ("bb",), key=True)) == "f.yaml:2:1"
    assert str(find(root, ("bb", 1, "no", "such"))) == "f.yaml:4:5"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", "x.yaml:1:1: the file is empty"),
        ("# only a comment\n", "the file is empty"),
        ("a: 1\nb: 2\na: 3\n", "x.yaml:3:1: a: key 'a' is given twice; first on line 1"),
        ("r: {a: 1, a: 2}", "x.yaml:1:11: r.a: key 'a' is given twice"),
        ("a: !!str 3", "x.yaml:1:4: a: tag tag:yaml.org,2002:str is refused"),
        ("a: !!python/object:os.system {}", "is refused"),
        ("a: ! 3", "tag ! is refused"),
        ("a: {<<: {b: 1}}", "merge keys '<<' are refused"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1: a second document"),
        ("[" * 5000, f"nested deeper than {MAX_DEPTH} levels"),
        ("a: &x {b: *x}", "alias *x refers to no finished anchor"),
        ("a: *y", "alias *y refers to no finished anchor"),
        ("? [1]\n: 2", "a key must be text"),
        ("{[1]: 2}", "a key must be text"),
        ("a: &x 1\n*x : 2", "an alias cannot be a key"),
        ('"": 2', "an empty key"),
        ("%YAML 1.1\n---\na: 1", "scenarios are YAML 1.2"),
        ("a:\n\t- 1", "indent with spaces, not tabs"),
        ("a: 'x", "x.yaml:1:6: found unexpected end of stream"),
        ("a: b: c", "x.yaml:1:5: mapping values are not allowed"),
        ("a: \x01", "x.yaml:1:4: character U+0001 is not allowed"),
        ("a: [1, 2", "x.yaml:2:1: did not find expected"),
        ("a: @x", "cannot start any token"),
    ],
)
def test_refused(text: str, expected: str) -> None:
    assert expected in complaint(text)


def test_nesting_up_to_the_limit_is_fine() -> None:
    assert loaded("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None
    assert "deeper" in complaint("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1))


def test_alias_bomb_is_refused_before_it_grows() -> None:
    lines = ["a: &a [" + ",".join(["1"] * 10) + "]"]
    for here, before in zip("bcdefghij", "abcdefghi", strict=True):
        lines.append(f"{here}: &{here} [" + ",".join([f"*{before}"] * 10) + "]")
    assert "aliases expand to more than" in complaint("\n".join(lines))


def test_several_mistakes_are_reported_together() -> None:
    said = complaint("a: 1\na: 2\nb: !x 1\n<<: 3\n")
    assert len(said.splitlines()) == 3


@pytest.mark.parametrize(
    "kind", ["missing", "directory", "binary", "trajectory", "latin", "huge", "fifo", "unreadable"]
)
def test_files_that_are_no_text(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "s.yaml"
    expected = {
        "missing": "cannot be read: No such file", "directory": "is a directory", "binary": "is a binary file",
        "trajectory": "is a trajectory, not YAML text",
        "latin": "s.yaml:2:4: is not UTF-8 text (byte 0xe9)", "huge": "more than a scenario may have",
        "fifo": "is not a regular file", "unreadable": "cannot be read: Permission denied",
    }[kind]  # fmt: skip
    if kind == "directory":
        path.mkdir()
    elif kind == "binary":
        path.write_bytes(b"\x89PNG\r\n\x1a\n\0\0\0")
    elif kind == "trajectory":
        path.write_bytes(b"\x89HDF\r\n\x1a\n\0\0\0")
    elif kind == "latin":
        path.write_bytes(b"a: 1\nb: \xe9\n")
    elif kind == "huge":
        path.write_bytes(b" " * (MAX_BYTES + 1))
    elif kind == "fifo":
        os.mkfifo(path)
    elif kind == "unreadable":
        path.write_text("a: 1")
        path.chmod(0)
        if os.access(path, os.R_OK):
            pytest.skip("this user reads everything")
    with pytest.raises(InvalidScenario) as caught:
        read(path, Problems())
    assert expected in str(caught.value)
    assert len(str(caught.value).splitlines()) == 1


def test_a_byte_order_mark_is_no_content(tmp_path: Path) -> None:
    path = tmp_path / "s.yaml"
    path.write_bytes(b"\xef\xbb\xbfa: 1\n")
    assert plain(read(path, Problems())[0]) == {"a": 1}
