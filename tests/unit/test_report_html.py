import base64
import hashlib
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


def test_nothing_is_fetched_and_only_our_script_runs() -> None:
    html = report_html(summary(), _figures())
    tags = _tags(html)
    policy = next(a for t, a in tags if t == "meta" and a.get("http-equiv"))["content"] or ""
    assert policy.startswith("default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-")
    assert not {"link", "img", "iframe", "object"} & {tag for tag, _ in tags}
    loads = [a for _, a in tags for k in a if k in ("src", "href", "xlink:href", "srcset")]
    assert all((a.get("xlink:href") or a.get("href") or "").startswith("#") for a in loads)
    assert "@import" not in html
    assert not re.search(r"url\((?!#)", html)
    assert not any(k.startswith("on") for _, a in tags for k in a)


def test_the_policy_names_the_script_that_is_there() -> None:
    html = report_html(summary(), {})
    scripts = re.findall(r"<script>(.*?)</script>", html, re.DOTALL)
    assert len(scripts) == 1
    digest = base64.b64encode(hashlib.sha256(scripts[0].encode()).digest()).decode()
    assert f"script-src 'sha256-{digest}'" in html


def test_cells_carry_the_number_by_which_they_are_sorted() -> None:
    html = report_html(summary(), {})
    routes = html[html.index("Routes: what they cost</h2>") :]
    assert 'class="sortable"' in routes[:200]
    chat = routes[routes.index(">chat<") : routes.index(">summaries<")]
    assert 'data-value="2419200.0">2,419,200<' in chat
    assert not re.search(r"data-value[^>]*>chat<", routes)


def test_warnings_come_first_and_doubts_last() -> None:
    document = summary()
    row = {"path": "pools.main.gpu", "says": "it is fast", "source": "a guess", "doubt": "20 %"}
    document["assumptions"] = [row]
    html = report_html(document, _figures())
    order = ["Warnings</h2>", 'class="headline"', "Prices</h2>", "How sure each figure is</h2>"]
    places = [html.index(text) for text in [*order, "Assumptions and their sources</h2>"]]
    assert places == sorted(places)
    assert "it is fast" in html


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
    tags = [tag for tag, _ in _tags(html)]
    assert "img" not in tags
    assert tags.count("script") == 1
    assert "\x1b" not in html
    assert "\u202e" not in html


def test_ids_are_unique() -> None:
    ids = re.findall(r'\bid="([^"]+)"', report_html(summary(), _figures()))
    assert len(ids) == len(set(ids))
