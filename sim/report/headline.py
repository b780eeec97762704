"""Headline: the real price of a token beside the naive one, each with the formula it comes from.

Knows no clock.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from sim.report.cost_tables import per_thousand, useful_tokens
from sim.report.hosted_tables import api_line
from sim.report.numerals import clean, count, dollars, length, significant, span, tokens
from sim.report.service_tables import requests
from sim.report.summary import Json, Summary


@dataclass(frozen=True)
class Headline:
    """The figures that a report opens with, as text; `notes` are formulas and companions."""

    title: str
    subtitle: str
    real: str
    interval: str
    naive: str
    factor: str
    notes: tuple[tuple[str, str], ...]
    hosted: tuple[str, str] | None = None
    """The price at a hosted API, and whose it is."""


def headline(summary: Summary) -> Headline:
    """The opening of a report."""
    bounds = summary.interval("cost.usd_per_million_useful_tokens")
    factor = summary.number("gap.factor")
    return Headline(
        title=clean(summary.title),
        subtitle=_subtitle(summary),
        real=dollars(summary.number("cost.usd_per_million_useful_tokens.value")),
        interval=f"95 % interval {span(bounds)}" if bounds else _no_interval(summary),
        naive=dollars(summary.number("naive.usd_per_million_tokens")),
        factor="" if factor is None else f"{significant(factor)} times",
        notes=tuple(_notes(summary)),
        hosted=api_line(summary),
    )


def _subtitle(summary: Summary) -> str:
    runs = int(summary.number("replications") or 1)
    seed = summary.text("seed")
    days = length(summary.number("window_s"))
    told = f"{days}, {runs} replication{'s' if runs != 1 else ''}"
    if summary.get("precision.converged") is False:
        told += " that have NOT CONVERGED to the precision asked for"
    return f"{told}, seed {seed}"


def _no_interval(summary: Summary) -> str:
    if summary.number("cost.usd_per_million_useful_tokens.value") is None:
        return "no useful tokens"
    one = (summary.number("replications") or 1) < 2
    return "no interval from one replication" if one else "the same in every replication"


def _notes(summary: Summary) -> list[tuple[str, str]]:
    notes = [("real", _real_formula(summary)), *_naive_formulas(summary)]
    notes += [("1,000 requests", _per_thousand(summary))]
    if summary.rows("slo"):
        notes += [("goodput", _goodput(summary))]
    month = dollars(summary.number("bill.usd_per_month"))
    notes.append(("bill", f"{dollars(summary.number('bill.total_usd'))}, or {month} a month"))
    return [*notes, ("traffic", requests(summary))]


def _real_formula(summary: Summary) -> str:
    usd, per_hour = summary.number("bill.usd_per_hour"), summary.number("tokens.useful_per_hour")
    value = dollars(summary.number("cost.usd_per_million_useful_tokens.value"))
    return f"{dollars(usd)} per hour / {tokens(per_hour)} useful tokens per hour = {value} per 1M"


def _naive_formulas(summary: Summary) -> list[tuple[str, str]]:
    """The benchmark's division for each pool, and over several pools the price that they make."""
    pools = {name: summary.part("pools", name) for name in summary.names("pools")}
    if len(pools) < 2:
        return [("naive", _naive_formula(pool)) for pool in pools.values()]
    usd = dollars(summary.number("naive.usd_per_million_tokens"))
    formulas = [(f"  {clean(name)}", _naive_formula(pool)) for name, pool in pools.items()]
    return [("naive", f"{usd} per 1M, the pools weighted by their tokens"), *formulas]


def _naive_formula(pool: Summary) -> str:
    per_s, usd = (pool.number(f"naive.{k}") for k in ("tokens_per_s", "usd_per_million_tokens"))
    if per_s is None or usd is None:
        return "n/a: nobody asked for anything, so no benchmark has a shape"
    price = dollars(usd * per_s * 3600 / 1e6)
    made = f"{tokens(per_s * 3600)} tokens per hour ({count(per_s)} per s, never idle)"
    source = clean(pool.text("naive.source"))
    return f"{price} per replica-hour / {made} = {dollars(usd)} per 1M; {source}"


def _per_thousand(summary: Summary) -> str:
    real = summary.number("cost.usd_per_thousand_requests.value")
    bounds = summary.interval("cost.usd_per_thousand_requests")
    naive = per_thousand(
        summary, summary.number("naive.usd_per_million_tokens"), useful_tokens(summary)
    )
    return f"{dollars(real)}{f' ({span(bounds)})' if bounds else ''}; naive {naive}"


def _goodput(summary: Summary) -> str:
    value = summary.number("cost.usd_per_million_goodput_tokens.value")
    if value is None:
        return "n/a: no request was answered inside its SLO"
    return f"{dollars(value)} per 1M tokens of requests inside their SLO"


_UNSEEN = re.compile(
    r"^(hosted|intervals)$|cached_input|\.p99$|^cost\.by_peak\.|^pools\..*\.(utilization|naive)\."
    r"|^routes\..*\.cost\.(by_peak\.|usd_per_million_(input|output|visible_output|goodput))"
)
"""Paths of undefined figures that a report does not show, so that nobody asks why."""

_WHY_NULL = ("undefined", "thin-tail", "no-hosted", "one-replication", "same-replications")


def notable(rows: Sequence[Json]) -> list[Json]:
    """Warnings without those that explain a null which only the JSON has."""
    return [
        row
        for row in rows
        if row.get("code") not in _WHY_NULL or not _UNSEEN.search(row.get("path") or "")
    ]


def warnings(rows: Sequence[Json], shown: int = 3) -> list[str]:
    """Warnings as text, each kind once, with the first few places that it is about.

    >>> warnings([{"path": "a.p99", "text": "thin"}, {"path": "b.p99", "text": "thin"}], shown=1)
    ['thin (a.p99 and 1 more)']
    """
    places: dict[str, list[str]] = {}
    for row in rows:
        paths = places.setdefault(clean(row["text"]), [])
        path = clean(row.get("path") or "")
        if path and path not in paths:
            paths.append(path)
    return [f"{text}{_places(paths, shown)}" for text, paths in places.items()]


def _places(paths: Sequence[str], shown: int) -> str:
    if not paths:
        return ""
    more = f" and {len(paths) - shown} more" if len(paths) > shown else ""
    return f" ({', '.join(paths[:shown])}{more})"
