from typing import TYPE_CHECKING
from xml.etree import ElementTree

import matplotlib as mpl
import pytest

from sim.report.canvas import svg

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def _draw(figure: "Figure") -> None:
    axes = figure.add_subplot()
    axes.plot([0, 1], [0, 1], marker="o")
    axes.set_title("from $1 to $2 <b>")


def test_the_same_drawing_gives_the_same_bytes_whatever_the_user_has_set() -> None:
    plain = svg(_draw)
    with mpl.rc_context({"font.size": 30.0, "svg.fonttype": "path", "lines.linewidth": 9.0}):
        assert svg(_draw) == plain
    assert b"<dc:date>" not in plain


def test_text_stays_text_and_dollars_are_no_formulas() -> None:
    texts = [e.text for e in ElementTree.fromstring(svg(_draw)).iter() if e.tag.endswith("}text")]
    assert "from $1 to $2 <b>" in texts


def test_a_name_in_a_script_without_a_font_does_not_stop_the_report() -> None:
    def draw(figure: "Figure") -> None:
        figure.text(0.5, 0.5, "\u8ba2\u5355 \U0001f680")

    assert "\u8ba2\u5355".encode() in svg(draw)


def test_the_user_s_settings_are_given_back() -> None:
    before = mpl.rcParams["axes.titleweight"]
    svg(_draw)
    assert mpl.rcParams["axes.titleweight"] == before


def test_png_is_for_looking(monkeypatch: pytest.MonkeyPatch) -> None:
    assert svg(_draw, form="png").startswith(b"\x89PNG")
