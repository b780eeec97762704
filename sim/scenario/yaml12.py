"""YAML text -> plain data, with YAML 1.2's scalars and the place of every value; knows no clock.

YAML 1.1, which PyYAML speaks, reads ``no`` as false, ``1:30`` as 90, ``010`` as 8 and ``1e3`` as
text, and keeps the last of two equal keys. Here ``no`` and ``1:30`` are text, ``010`` is 10,
``1e3`` is 1000.0 (the core schema of YAML 1.2), and two equal keys are an error.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

import yaml

MAX_NODES = 10_000
"""Values that a document may have once its aliases are written out."""

MAX_DEPTH = 50
"""Levels of nesting that a document may have."""

Path = tuple[str | int, ...]
"""Keys and list indices from the top of the document down to a value."""

_INT = re.compile(r"[-+]?[0-9]+|0o[0-7]+|0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?")
_WORDS: dict[str, Any] = {"": None, "~": None}
for _word, _value in (("null", None), ("true", True), ("false", False)):
    _WORDS |= {_word: _value, _word.capitalize(): _value, _word.upper(): _value}
for _inf in (".inf", ".Inf", ".INF"):
    _WORDS |= {_inf: float("inf"), "+" + _inf: float("inf"), "-" + _inf: float("-inf")}
_WORDS |= dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan"))

_LINE_BREAK = re.compile("\r\n|[\n\r\x85\u2028\u2029]")

_PLAIN = "tag:tokenfleet:plain"
_CORE = "tag:yaml.org,2002:"


class YamlError(ValueError):
    """Text that is no YAML, or YAML that a scenario may not use. Lines and columns from 1."""

    def __init__(self, message: str, line: int, column: int) -> None:
        super().__init__(message, line, column)
        self.message = message
        self.line = line
        self.column = column

    def __str__(self) -> str:
        return self.message


@dataclass(frozen=True)
class Place:
    """Where a value stands: of its key (or itself, in a list) and of the value; from 1."""

    line: int
    column: int
    key_line: int
    key_column: int


@dataclass
class Tree:
    """A document as plain data, and the place of every value in it."""

    data: Any
    places: dict[Path, Place] = field(default_factory=dict)
    twins: list[YamlError] = field(default_factory=list)
    """Keys that are given twice: all of them are reported, with everything else."""


class _Loader(getattr(yaml, "CSafeLoader", yaml.SafeLoader)):  # type: ignore[misc]
    """Composes nodes without guessing types: a plain scalar gets a tag of our own."""

    yaml_implicit_resolvers: dict[Any, Any] = {None: [(_PLAIN, re.compile(""))]}  # noqa: RUF012


def scalar(text: str) -> Any:
    """Return what a plain (unquoted) scalar means in YAML 1.2.

    >>> [scalar(text) for text in ("no", "1e3", "1:30", "010", "~", "true", "0x1f")]
    ['no', 1000.0, '1:30', 10, None, True, 31]
    """
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        base = {"0o": 8, "0x": 16}.get(text[:2], 10)
        return int(text[2:] if base != 10 else text, base) if len(text) < 400 else float(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def parse(text: str) -> Tree:
    """Parse one YAML document; raises YamlError. Empty text gives a tree whose data is None."""
    try:
        _check_depth(text)
        loader = _Loader(text)
        try:
            node = loader.get_single_node()
        finally:
            loader.dispose()
    except (yaml.reader.ReaderError, UnicodeEncodeError):
        raise _unreadable(text) from None
    except yaml.MarkedYAMLError as error:
        raise _malformed(text, error) from None
    tree = Tree(None)
    if node is not None:
        tree.data = _Builder(tree).value(node, (), None)
    return tree


def _check_depth(text: str) -> None:
    """Walk the events without recursion, so that deep nesting cannot exhaust the stack."""
    depth = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1
        if depth > MAX_DEPTH:
            raise _at(event.start_mark, f"is nested more than {MAX_DEPTH} levels deep")


@dataclass
class _Builder:
    """Turns nodes into data. Aliases are written out, and counted, as it goes."""

    tree: Tree
    nodes: int = 0

    def value(self, node: Any, path: Path, key: Any) -> Any:
        """Return the data of *node*, which stands at *path* under the key node *key*."""
        self.nodes += 1
        if self.nodes > MAX_NODES:
            raise _at(node.start_mark, f"is more than {MAX_NODES} values, aliases written out")
        if len(path) > MAX_DEPTH:  # only through aliases: an anchor that holds itself
            raise _at(node.start_mark, f"is nested more than {MAX_DEPTH} levels deep")
        self._note(node, path, key)
        if isinstance(node, yaml.MappingNode):
            _check_tag(node, _CORE + "map")
            return self._mapping(node, path)
        if isinstance(node, yaml.SequenceNode):
            _check_tag(node, _CORE + "seq")
            return [self.value(n, (*path, i), None) for i, n in enumerate(node.value)]
        return _scalar_value(node)

    def _note(self, node: Any, path: Path, key: Any) -> None:
        own = node.start_mark
        named = key.start_mark if key is not None else own
        shown = named if isinstance(node, yaml.CollectionNode) and not node.flow_style else own
        self.tree.places[path] = Place(
            shown.line + 1, shown.column + 1, named.line + 1, named.column + 1
        )

    def _mapping(self, node: Any, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        lines: dict[str, int] = {}
        for key_node, value_node in node.value:
            key = _key(key_node)
            if key in data:
                twin = f"the key {key!r} is given twice (first at line {lines[key]})"
                self.tree.twins.append(_at(key_node.start_mark, twin))
                continue
            lines[key] = key_node.start_mark.line + 1
            data[key] = self.value(value_node, (*path, key), key_node)
        return data


def _key(node: Any) -> str:
    """Return a key as it is written: ``no`` and ``0.50`` stay what they look like."""
    if not isinstance(node, yaml.ScalarNode) or node.tag not in (_PLAIN, _CORE + "str"):
        raise _at(node.start_mark, "a key must be plain text")
    if node.value == "<<":
        raise _at(node.start_mark, "merge keys (<<) are not part of YAML 1.2; use an alias (*name)")
    return str(node.value)


def _scalar_value(node: Any) -> Any:
    if node.tag == _PLAIN and not node.style:  # libyaml says '' where PyYAML says None
        return scalar(node.value)
    if node.tag not in (_PLAIN, _CORE + "str"):
        _check_tag(node, _CORE + "str")
    return node.value


def _check_tag(node: Any, allowed: str) -> None:
    if node.tag != allowed:
        name = str(node.tag).replace(_CORE, "!!")[:60]
        raise _at(node.start_mark, f"the tag {name!r} is not allowed; write plain values")


def _at(mark: Any, message: str) -> YamlError:
    return YamlError(message, mark.line + 1, mark.column + 1)


def _malformed(text: str, error: yaml.MarkedYAMLError) -> YamlError:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line, mark.column) if mark else (0, 0)
    what = error.problem or "not understood"
    if what == "but found another document":
        what = "a scenario is one document; remove the second (after '---')"
    elif "cannot start any token" in what and _character(text, line, column) == "\t":
        what = "a tab cannot indent; use spaces"
    elif error.context and error.context_mark:
        what = f"{error.context}, {what} (started at line {error.context_mark.line + 1})"
    return YamlError(f"not valid YAML: {what}", line + 1, column + 1)


def _character(text: str, line: int, column: int) -> str:
    """Return the character there, as libyaml and PyYAML count lines; empty beyond the end."""
    lines = lines_of(text, line + 1)
    return lines[line][column : column + 1] if line < len(lines) else ""


def lines_of(text: str, most: int) -> list[str]:
    """Return the first *most* lines of *text* (and the rest as one), as YAML counts lines."""
    return _LINE_BREAK.split(text, most)


def _unreadable(text: str) -> YamlError:
    """Say which character YAML forbids; the libraries count its position differently."""
    bad = next((i for i, character in enumerate(text) if _forbidden(character)), 0)
    line, start = text.count("\n", 0, bad) + 1, text.rfind("\n", 0, bad) + 1
    what = f"not valid YAML: the character U+{ord(text[bad]):04X} is not allowed"
    return YamlError(what, line, bad - start + 1)


def _forbidden(character: str) -> bool:
    code = ord(character)
    control = code < 0x20 or 0x7F <= code < 0xA0
    return (
        (control and character not in "\t\n\r\x85")
        or 0xD800 <= code < 0xE000
        or code in (0xFFFE, 0xFFFF)
    )
