"""YAML: the core schema of 1.2, places of every value, and documents that are refused."""

import math
import time

import pytest

from sim.scenario.yaml12 import MAX_NODES, Place, YamlError, parse, scalar


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("Off", "Off"),
        ("1:30", "1:30"),
        ("2026-11-09", "2026-11-09"),
        ("1_000", "1_000"),
        ("010", 10),
        ("0o10", 8),
        ("0x1F", 31),
        ("-12", -12),
        ("1e3", 1000.0),
        ("1e-3", 0.001),
        (".5", 0.5),
        ("1.", 1.0),
        ("true", True),
        ("FALSE", False),
        ("tRue", "tRue"),
        ("null", None),
        ("~", None),
        ("", None),
        ("-.inf", -math.inf),
        ("1e400", math.inf),
        ("8k", "8k"),
    ],
)
def test_scalars(text: str, value: object) -> None:
    got = scalar(text)
    assert got == value
    assert type(got) is type(value)
    assert parse(f"a: {text}").data == {"a": value}


def test_quoted_scalars_are_text() -> None:
    assert parse("""{a: "1e3", b: 'true', c: "~"}""").data == {"a": "1e3", "b": "true", "c": "~"}
    assert parse("a: |\n  12\n").data == {"a": "12\n"}
    assert parse("a: !!str 12").data == {"a": "12"}


def test_numbers_of_many_digits() -> None:
    assert parse("a: " + "9" * 300).data == {"a": int("9" * 300)}
    assert parse("a: " + "9" * 10_000).data == {"a": math.inf}
    assert math.isnan(parse("a: .NaN").data["a"])


def test_keys_are_text_as_written() -> None:
    assert parse("{0.50: 1, no: 2, 1e3: 3, true: 4}").data == {
        "0.50": 1,
        "no": 2,
        "1e3": 3,
        "true": 4,
    }


def test_places() -> None:
    places = parse("a:\n  b: {c: 1}\n  d:\n    - e: é\n      f: 2\n").places
    assert places[("a", "b")] == Place(2, 6, key_line=2, key_column=3)
    assert places[("a", "b", "c")] == Place(2, 10, key_line=2, key_column=7)
    assert places[("a", "d")] == Place(3, 3, key_line=3, key_column=3)  # a block: at its key
    assert places[("a", "d", 0)] == Place(4, 7, key_line=4, key_column=7)
    assert places[("a", "d", 0, "f")] == Place(5, 10, key_line=5, key_column=7)


def test_nothing_is_none() -> None:
    assert parse("").data is None
    assert parse("# only a comment\n").data is None


def test_aliases_are_written_out() -> None:
    tree = parse("a: &x {b: 1}\nc: *x\n")
    assert tree.data == {"a": {"b": 1}, "c": {"b": 1}}
    assert tree.data["a"] is not tree.data["c"]  # changing one must not change the other


def test_all_twins_are_found() -> None:
    tree = parse("a: 1\nb: {c: 1, c: 2}\na: 3\n")
    assert tree.data == {"a": 1, "b": {"c": 1}}
    assert [(str(twin), twin.line, twin.column) for twin in tree.twins] == [
        ("the key 'c' is given twice (first at line 2)", 2, 11),
        ("the key 'a' is given twice (first at line 1)", 3, 1),
    ]


@pytest.mark.parametrize(
    ("text", "message", "line", "column"),
    [
        ("a: !!python/name:os.system x", "the tag '!!python/name:os.system' is not allowed", 1, 4),
        ("a: !mine x", "the tag '!mine' is not allowed", 1, 4),
        ("a: !!int 3", "the tag '!!int' is not allowed", 1, 4),
        ("a: !!set {b}", "the tag '!!set' is not allowed", 1, 4),
        ("? [a]\n: 1", "a key must be plain text", 1, 3),
        ("a: 1\n<<: {b: 1}", "merge keys (<<) are not part of YAML 1.2", 2, 1),
        ("a: *b", "not valid YAML: found undefined alias", 1, 4),
        ("a: b: c", "not valid YAML: mapping values are not allowed", 1, 5),
        ("é:\n\tb: 1", "not valid YAML: a tab cannot indent; use spaces", 2, 1),
        ("a: 1\n---\nb: 1", "not valid YAML: a scenario is one document", 2, 1),
        ("a: 1\nb: \x07", "not valid YAML: the character U+0007 is not allowed", 2, 4),
        ("a: 😀\ud800", "not valid YAML: the character U+D800 is not allowed", 1, 5),
        ("a: 'b", "not valid YAML: while scanning a quoted scalar", 1, 6),
    ],
)
def test_refused(text: str, message: str, line: int, column: int) -> None:
    with pytest.raises(YamlError) as caught:
        parse(text)
    assert str(caught.value).startswith(message)
    assert (caught.value.line, caught.value.column) == (line, column)


def test_depth_is_bounded() -> None:
    assert parse("[" * 49 + "]" * 49).data
    for text in ("[" * 51 + "]" * 51, "[" * 200_000, "&a [*a]", "a: &a {b: *a}"):
        with pytest.raises(YamlError, match="nested more than 50 levels deep"):
            parse(text)


def test_size_is_bounded_before_aliases_explode() -> None:
    rows = ["a: &a [x, x, x, x, x, x, x, x, x, x]"]
    for before, after in zip("abcdefgh", "bcdefghi", strict=True):
        rows.append(f"{after}: &{after} [{', '.join([f'*{before}'] * 10)}]")
    started = time.perf_counter()
    with pytest.raises(YamlError, match=f"more than {MAX_NODES} values"):
        parse("\n".join(rows))  # 10^9 values, were they all written out
    assert time.perf_counter() - started < 5.0
