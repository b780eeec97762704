import re
from html.parser import HTMLParser

from sim.report.curve_figure import curve_figure
from sim.report.hours_figure import hours_figure
from sim.report.html import report_html
from sim.report.summary import Summary
from sim.report.table import table
from tests.unit.summary_fixture import summary


class Tags(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.seen: list[tuple[str, dict[str, str | None]]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.seen.append((tag, dict(attrs)))


def _tags(html: str) -> list[tuple[str, dict[str, str | None]]]:
    parser = Tags()
    parser.feed(html)
    return parser.seen


def _figures() -> dict[str, bytes]:
    s = Summary(summary())
    drawn = {"utilization-vs-cost": curve_figure(s, []), "gpu-hours": hours_figure(s)}
    return {name: svg for name, svg in drawn.items() if svg}


def test_nothing_is_fetched_and_nothing_runs() -> None:
    html = report_html(summary(), _figures())
    tags = _tags(html)
    policy = next(a for t, a in tags if t == "meta" and a.get("http-equiv"))
    assert (policy["content"] or "").startswith("default-src 'none'; style-src 'unsafe-inline'")
    assert not {"script", "link", "img", "iframe", "object"} & {tag for tag, _ in tags}
    loads = [a for _, a in tags for k in a if k in ("src", "href", "xlink:href", "srcset")]
    assert all((a.get("xlink:href") or a.get("href") or "").startswith("#") for a in loads)
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    assert not any(k.startswith("on") for _, a in tags for k in a)


def test_every_table_and_figure_is_on_the_page() -> None:
    html = report_html(summary(), _figures())
    assert html.count("<svg ") == 2
    for text in ("$0.770", "$0.0738", "Prices", "GPU-hours", "Bill", "Warnings", "numpy 2.4.6"):
        assert text in html


def test_the_story_comes_before_the_other_tables() -> None:
    html = report_html(summary(), _figures(), [table("What happened", ["<what"], [("<b>",)])])
    assert html.index("What happened") < html.index("Prices")
    assert "&lt;b&gt;" in html


def test_hostile_names_are_text() -> None:
    document = summary()
    evil = '<script>alert(1)</script>"><img src=x onerror=alert(1)>\x1b[31m\u202e'
    document["scenario"] = evil
    document["routes"] = {evil: document["routes"]["chat"]}
    document["warnings"] = [{"code": "x", "path": evil, "text": evil}]
    document["versions"] = {evil: evil}
    document["pools"] = {evil: document["pools"]["main"]}
    figure = hours_figure(Summary(document))
    assert figure is not None
    html = report_html(document, {"gpu-hours": figure})
    assert not {"script", "img"} & {tag for tag, _ in _tags(html)}
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_ids_are_unique() -> None:
    ids = re.findall(r'\bid="([^"]+)"', report_html(summary(), _figures()))
    assert len(ids) == len(set(ids))
