import io

import pytest

from sim.report.screen import print_report, print_tables
from sim.report.table import table
from tests.unit.summary_fixture import summary


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def _printed(stream: io.StringIO, **options: bool) -> str:
    print_report(summary(), stream, **options)
    return stream.getvalue()


def test_piped_output_is_plain_and_at_most_100_columns() -> None:
    text = _printed(io.StringIO())
    assert "\x1b" not in text
    assert text.isascii()
    assert max(len(line) for line in text.splitlines()) <= 100
    assert all(line == line.rstrip() for line in text.splitlines())


def test_every_part_of_the_contract_is_there() -> None:
    text = _printed(io.StringIO())
    parts = ("$0.770", "$0.0738", "10.4 times", "$28.91 per hour", "TTFT p50", "by peak")
    titles = ("Prices", "Routes", "SLOs", "Waste", "Utilization", "GPU-hours", "Bill", "Warnings")
    for part in (*parts, *titles):
        assert part in text


def test_first_columns_are_never_squeezed_away() -> None:
    text = _printed(io.StringIO())
    for name in ("input, not cached", "all useful tokens", "nodes (main)", "summaries"):
        assert name in text


def test_brief_is_the_headline_alone() -> None:
    text = _printed(io.StringIO(), brief=True)
    assert "$0.770" in text
    assert "GPU-hours" not in text


def test_a_terminal_gets_styles_but_no_color_is_honoured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert "\x1b[" in _printed(Terminal())
    monkeypatch.setenv("NO_COLOR", "1")
    assert "\x1b[33" not in _printed(Terminal())


def test_long_names_wrap_inside_the_width() -> None:
    document = summary()
    document["routes"] = {"r" * 64: document["routes"]["chat"]}
    stream = io.StringIO()
    print_report(document, stream)
    assert max(len(line) for line in stream.getvalue().splitlines()) <= 100


@pytest.mark.parametrize(("columns", "most"), [("20", 80), ("80", 80), ("110", 110), ("300", 120)])
def test_terminals_of_any_width_lose_no_number(
    columns: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", columns)
    monkeypatch.setenv("NO_COLOR", "1")
    monkeypatch.setenv("TERM", "dumb")
    text = _printed(Terminal())
    assert max(len(line) for line in text.splitlines()) <= most
    for figure in ("2,419,200", "$0.00533", "37.6M", "$21,103", "88.5 %", "672 node-hours"):
        assert figure in text
    assert "..." not in text
    assert "\u2026" not in text


def test_numbers_that_are_wider_than_the_screen_are_not_cut() -> None:
    stream = io.StringIO()
    heads = ["<name", *(str(i) for i in range(12))]
    print_tables([table("T", heads, [["n" * 40, *["$123,456,789"] * 12]])], stream)
    assert stream.getvalue().count("$123,456,789") == 12


def test_brackets_in_text_are_no_markup() -> None:
    stream = io.StringIO()
    print_tables([table("T", ["<a"], [("[bold]x[/bold]",)])], stream)
    assert "[bold]x[/bold]" in stream.getvalue()
