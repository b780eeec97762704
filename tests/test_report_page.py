"""The report in a real browser: nothing on its console, its tables sort; skipped without one."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from sim.report.hours_figure import hours_figure
from sim.report.html import report_html
from sim.report.summary import Summary
from tests.unit.summary_fixture import summary

BROWSER = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "chrome"))), None)

pytestmark = pytest.mark.skipif(
    BROWSER is None or "CI" in os.environ, reason="there is no browser to look at the page with"
)

PRESS = """
const heads = [...document.querySelectorAll("table.sortable")].map((t) => t.tHead.rows[0].cells);
for (const cells of heads) for (const cell of cells) cell.querySelector("button").click();
const routes = [...document.querySelectorAll("section")].find(
  (s) => s.querySelector("h2")?.textContent === "Routes: what they cost");
const button = routes.querySelectorAll("th button")[1];
const names = () => [...routes.querySelectorAll("tbody tr")].map((r) => r.cells[0].textContent);
button.click();
const down = names();
button.click();
document.title = JSON.stringify([down, names()]);
"""


def looked_at(page: Path, width: int) -> tuple[str, str]:
    """The page's text after its scripts ran, and what the browser said meanwhile."""
    assert BROWSER is not None
    profile = page.parent / f"profile-{width}"
    command = [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--enable-logging=stderr"]
    command += [f"--user-data-dir={profile}", f"--window-size={width},900", "--dump-dom"]
    done = subprocess.run(
        [*command, page.as_uri()], capture_output=True, text=True, timeout=60, check=True
    )
    return done.stdout, done.stderr


def page_of(folder: Path, script: str = "") -> Path:
    figure = hours_figure(Summary(summary()))
    assert figure is not None
    html = report_html(summary(), {"gpu-hours": figure})
    if script:  # a policy that lets a second script run, which presses the heads
        html = re.sub(r"script-src '[^']*'", "script-src 'unsafe-inline'", html)
        html = html.replace("</body>", f"<script>{script}</script></body>")
    page = folder / "report.html"
    page.write_text(html, encoding="utf-8")
    return page


@pytest.mark.parametrize("width", [390, 1280])
def test_nothing_is_on_the_console(tmp_path: Path, width: int) -> None:
    dom, said = looked_at(page_of(tmp_path), width)
    assert "Routes: what they cost" in dom
    assert "CONSOLE" not in said


def test_an_error_would_be_seen(tmp_path: Path) -> None:
    _, said = looked_at(page_of(tmp_path, "null.missing;"), 800)
    assert "CONSOLE" in said


def test_tables_sort_by_the_head_that_is_pressed(tmp_path: Path) -> None:
    dom, said = looked_at(page_of(tmp_path, PRESS), 800)
    assert "CONSOLE" not in said
    title = re.search(r"<title>(.*?)</title>", dom)
    assert title is not None
    down, up = json.loads(title[1])
    assert {"chat", "summaries"} <= set(down)
    assert down.index("chat") < down.index("summaries")  # ten times as many requests
    assert up.index("chat") > up.index("summaries")
