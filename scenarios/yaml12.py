"""Strict YAML: the 1.2 core scalars, a mark on every key and value, and no surprises.

PyYAML's own loaders follow YAML 1.1, where ``1e-3`` is text, ``no`` is false, ``1:30`` is ninety and the second of two
equal keys wins silently. Here the parser's events are composed into :class:`~sensorium.scenarios.tree.Node` trees with
the rules of YAML 1.2, and what a scenario never needs is refused: duplicate keys, tags, merge keys, several documents,
deep nesting, huge files, and aliases that expand without bound.
"""

from __future__ import annotations

import pathlib
import re
import stat
from typing import Any

import yaml

from sensorium.scenarios.problems import Problems
from sensorium.scenarios.tree import Entry, Mark, Node, Path, Scalar

__all__ = ["MAX_ALIASED", "MAX_BYTES", "MAX_DEPTH", "parse", "read", "scalar"]

MAX_BYTES = 4 * 1024 * 1024
MAX_DEPTH = 40
MAX_ALIASED = 100_000

_CORE: dict[str, Scalar] = {"": None, "~": None, "null": None, "Null": None, "NULL": None}
_CORE |= {"true": True, "True": True, "TRUE": True, "false": False, "False": False, "FALSE": False}
_INTEGER = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"([-+]?)\.(?:inf|Inf|INF)|\.(nan|NaN|NAN)")
_DIGITS = 100

# libyaml where the wheel has it: the pure Python scanner needs half a minute for 4 MB
_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def scalar(text: str) -> Scalar:
    """The value of a plain (unquoted) scalar by the YAML 1.2 core schema."""
    if text in _CORE:
        return _CORE[text]
    if _INTEGER.fullmatch(text) and len(text) <= _DIGITS:
        return int(text, 0) if text[:2] in ("0o", "0x") else int(text)
    if _FLOAT.fullmatch(text):
        return float(text)
    if special := _SPECIAL.fullmatch(text):
        return float("nan") if special[2] else float(f"{special[1]}inf")
    return text


def read(path: pathlib.Path, problems: Problems, source: str | None = None) -> tuple[Node, str]:
    """Read a scenario file; return its tree and its text.

    Mistakes that leave a tree (duplicate keys, tags ...) go to `problems`; anything else raises
    :class:`~sensorium.scenarios.problems.InvalidScenario` with all that was found.
    """
    source = source or str(path)
    text = _text(path, source, problems)
    return parse(text, source, problems), text


def parse(text: str, source: str, problems: Problems) -> Node:
    """Compose `text` into a tree; `source` names it in messages."""
    composer = _Composer(source, problems)
    try:
        for event in yaml.parse(text, Loader=_Loader):
            composer.take(event)
    except yaml.YAMLError as error:
        _syntax(error, text, source, problems)
    except _Abandon:
        pass
    if composer.root is None and not problems:
        problems.add(Mark(source, 1, 1), "", "the file is empty: a scenario begins with 'sensorium: 1'")
    if composer.root is None or composer.abandoned:
        problems.raise_any()
    assert composer.root is not None
    return composer.root


def _text(path: pathlib.Path, source: str, problems: Problems) -> str:
    mark = Mark(source)
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            problems.add(mark, "", "is a directory, not a scenario file")
        elif not stat.S_ISREG(status.st_mode):
            problems.add(mark, "", "is not a regular file")
        elif status.st_size > MAX_BYTES:
            problems.add(mark, "", f"{status.st_size} bytes are more than a scenario may have ({MAX_BYTES})")
        problems.raise_any()
        data = path.read_bytes()
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        problems.add(mark, "", f"cannot be read: {reason}")
        problems.raise_any()
        raise
    if b"\0" in data:
        run = data.startswith(b"\x89HDF")
        problems.add(mark, "", f"is {'a trajectory' if run else 'a binary file'}, not YAML text")
        problems.raise_any()
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start]
        line, column = before.count(b"\n") + 1, len(before) - before.rfind(b"\n")
        problems.add(Mark(source, line, column), "", f"is not UTF-8 text (byte 0x{data[error.start]:02x})")
        problems.raise_any()
        raise


def _syntax(error: yaml.YAMLError, text: str, source: str, problems: Problems) -> None:
    message, place = "not valid YAML", Mark(source)
    if isinstance(error, yaml.MarkedYAMLError):
        message = str(error.problem or error.context or message)
        if "nesting depth" in message:  # libyaml looks ahead, and since 0.2.6 gives up before our own bound is reached
            message, error.context = f"nested deeper than {MAX_DEPTH} levels", None
        if error.context and error.problem:
            message += f" ({error.context})"
        if mark := error.problem_mark or error.context_mark:
            place = Mark(source, mark.line + 1, mark.column + 1)
            line = text.splitlines()[mark.line : mark.line + 1]
            if line and line[0][mark.column : mark.column + 1] == "\t":
                message += "; indent with spaces, not tabs"
    elif isinstance(error, yaml.reader.ReaderError):
        code = ord(error.character) if isinstance(error.character, str) else error.character
        before = text[: text.find(chr(code))]
        place = Mark(source, before.count("\n") + 1, len(before) - before.rfind("\n"))
        message = f"character U+{code:04X} is not allowed in YAML"
    problems.add(place, "", message)
    problems.raise_any()


class _Abandon(Exception):
    """Reading on would be useless or unbounded."""


class _Composer:
    """Build the tree from parser events with an explicit stack: no recursion, so depth is ours to bound."""

    def __init__(self, source: str, problems: Problems) -> None:
        self.source, self.problems = source, problems
        self.root: Node | None = None
        self.abandoned = False
        self._stack: list[_Open] = []
        self._anchors: dict[str, tuple[Node, int]] = {}
        self._documents = self._aliased = 0

    def take(self, event: Any) -> None:
        """Use one event of the YAML parser."""
        mark = Mark(self.source, event.start_mark.line + 1, event.start_mark.column + 1)
        match event:
            case yaml.DocumentStartEvent():
                self._document(event, mark)
            case yaml.AliasEvent():
                self._alias(str(event.anchor), mark)
            case yaml.ScalarEvent():
                self._refuse_tag(event.tag, mark)
                self._scalar(event, mark)
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                self._refuse_tag(event.tag, mark)
                mapping = isinstance(event, yaml.MappingStartEvent)
                if self._stack and self._stack[-1].expects_key:
                    self._fatal(mark, "a key must be text, not a list or a mapping")
                if len(self._stack) >= MAX_DEPTH:
                    self._fatal(mark, f"nested deeper than {MAX_DEPTH} levels", ())
                self._stack.append(_Open(Node({} if mapping else [], mark), event.anchor))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                done = self._stack.pop()
                self._value(done.node, done.anchor, done.size)

    def _document(self, event: Any, mark: Mark) -> None:
        self._documents += 1
        if self._documents > 1:
            self._fatal(mark, "a second document; a scenario file holds one")
        if event.version not in (None, (1, 2)):
            self.problems.add(mark, "", "scenarios are YAML 1.2")
        if event.tags:
            self.problems.add(mark, "", "%TAG directives are refused")

    def _refuse_tag(self, tag: str | None, mark: Mark) -> None:
        if tag is not None:
            self.problems.add(mark, self._path(), f"tag {tag} is refused; values have no tags in a scenario")

    def _scalar(self, event: Any, mark: Mark) -> None:
        is_plain = not event.style
        if self._stack and self._stack[-1].expects_key:
            self._key(event.value, mark, is_plain)
            return
        value = scalar(event.value) if is_plain else event.value
        self._value(Node(value, mark), event.anchor, 1)

    def _key(self, text: str, mark: Mark, is_plain: bool) -> None:
        level = self._stack[-1]
        if not text:
            self.problems.add(mark, self._path(), "an empty key")
        elif text == "<<" and is_plain:
            self.problems.add(mark, self._path(), "merge keys '<<' are refused; use 'extends' or repeat the values")
        elif text in level.node.entries:
            first = level.node.entries[text].key
            self.problems.add(mark, (*self._path(), text), f"key '{text}' is given twice; first on line {first.line}")
        level.key = (text, mark)

    def _alias(self, anchor: str, mark: Mark) -> None:
        if self._stack and self._stack[-1].expects_key:
            self._fatal(mark, "an alias cannot be a key")
        if anchor not in self._anchors:
            self._fatal(mark, f"alias *{anchor} refers to no finished anchor before it")
        node, size = self._anchors[anchor]
        self._aliased += size
        if self._aliased > MAX_ALIASED:
            self._fatal(mark, f"aliases expand to more than {MAX_ALIASED} values")
        self._value(node, None, size)

    def _value(self, node: Node, anchor: str | None, size: int) -> None:
        if anchor is not None:
            self._anchors[anchor] = (node, size)
        if not self._stack:
            self.root = node
            return
        level = self._stack[-1]
        level.size += size
        if isinstance(level.node.value, list):
            level.node.value.append(node)
        elif level.key is not None:
            text, mark = level.key
            level.key = None
            # of two equal keys the first is kept: both are reported, one is checked further
            level.node.entries.setdefault(text, Entry(mark, node))

    def _path(self) -> Path:
        return tuple(
            level.key[0] if level.key else len(level.node.items)
            for level in self._stack
            if level.key or isinstance(level.node.value, list)
        )

    def _fatal(self, mark: Mark, message: str, path: Path | None = None) -> None:
        self.problems.add(mark, self._path() if path is None else path, message)
        self.abandoned = True
        raise _Abandon


class _Open:
    """A list or mapping whose end has not been read."""

    __slots__ = ("anchor", "key", "node", "size")

    def __init__(self, node: Node, anchor: str | None) -> None:
        self.node, self.anchor = node, anchor
        self.key: tuple[str, Mark] | None = None
        self.size = 1

    @property
    def expects_key(self) -> bool:
        return isinstance(self.node.value, dict) and self.key is None
