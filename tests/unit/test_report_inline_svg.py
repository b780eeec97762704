import re

from sim.report.canvas import INK, PAPER
from sim.report.hours_figure import hours_figure
from sim.report.inline_svg import inline
from sim.report.summary import Summary
from tests.unit.summary_fixture import summary


def _svg() -> bytes:
    svg = hours_figure(Summary(summary()))
    assert svg is not None
    return svg


def test_ids_are_apart_and_references_follow() -> None:
    text = inline(_svg(), "a", "Label")
    ids = set(re.findall(r'\bid="([^"]+)"', text))
    references = set(re.findall(r'(?:url\(#|href="#)([^")]+)', text))
    assert ids
    assert all(i.startswith("a-") for i in ids)
    assert references <= ids


def test_it_is_one_element_without_prolog_style_sheet_or_fixed_size() -> None:
    text = inline(_svg(), "a", "Label")
    assert text.startswith("<svg ")
    assert 'role="img" aria-label="Label"' in text
    for gone in ("<?xml", "DOCTYPE", "<style", "<metadata", 'width="576'):
        assert gone not in text


def test_colours_follow_the_page() -> None:
    text = inline(_svg(), "a", "Label")
    assert f"var(--ink, {INK})" in text
    assert f"var(--paper, {PAPER})" in text
    assert not re.search(rf"(?<!, ){INK}", text)
