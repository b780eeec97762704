import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sim.report import numerals as n


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0731, "$0.0731"),
        (1.24, "$1.24"),
        (12345.0, "$12,345"),
        (0.99951, "$1.00"),
        (0.9994, "$0.999"),
        (999.994, "$999.99"),
        (999.996, "$1,000"),
        (-1234.5, "-$1,234"),
        (1e-7, "$0.000000100"),
        (0.0, "$0"),
        (None, "n/a"),
    ],
)
def test_dollars(value: float | None, text: str) -> None:
    assert n.dollars(value) == text


@given(st.floats(min_value=1e-9, max_value=1e14))
def test_dollars_are_off_by_half_a_per_cent_at_most(value: float) -> None:
    shown = float(n.dollars(value).removeprefix("$").replace(",", ""))
    assert math.isclose(shown, value, rel_tol=0.0051)
    assert "e" not in n.dollars(value)


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (9999.4, "9,999"), (9999.6, "10.0k"), (999_999, "1.00M"), (2.5e13, "25.0T")],
)
def test_tokens(value: float, text: str) -> None:
    assert n.tokens(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [(0.0004, "0.400 ms"), (0.9996, "1.00 s"), (599.0, "599 s"), (600.0, "10.0 min")],
)
def test_seconds(value: float, text: str) -> None:
    assert n.seconds(value) == text


@pytest.mark.parametrize(
    ("share", "text"),
    [
        (0.0, "0 %"),
        (-1e-16, "0 %"),
        (1.0, "100 %"),
        (1 + 1e-15, "100 %"),
        (0.99999, "99.999 %"),
        (0.9995, "99.95 %"),
        (1.02, "102.0 %"),
        (-0.004, "-0.40 %"),
        (None, "n/a"),
    ],
)
def test_percent_never_rounds_to_all(share: float | None, text: str) -> None:
    assert n.percent(share) == text


@pytest.mark.parametrize("bad", ["\x1b[2J", "\r", "\x07", "\u202e", "\u200b", "\x9b31m", "\x00"])
def test_clean_lets_no_control_character_through(bad: str) -> None:
    cleaned = n.clean(f"a{bad}b")
    assert cleaned.startswith("a")
    assert cleaned.endswith("b")
    assert cleaned.isprintable()


@given(st.text())
def test_clean_text_is_one_printable_line(text: str) -> None:
    cleaned = n.clean(text)
    assert "\n" not in cleaned
    assert all(c.isprintable() or c.isspace() for c in cleaned)
    assert "\x1b" not in cleaned


def test_every_numeral_says_what_is_missing() -> None:
    writers = (n.dollars, n.count, n.tokens, n.seconds, n.hours, n.percent, n.span)
    assert {write(None) for write in writers} == {n.MISSING}
