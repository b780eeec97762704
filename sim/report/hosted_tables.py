"""Hosted tables: the same traffic at an API, beside this run; knows no clock."""

from __future__ import annotations

from sim.report.numerals import clean, count, dollars, percent, significant
from sim.report.summary import Summary
from sim.report.table import Table, table

TITLE = "The same traffic at the API"


def at_the_api(summary: Summary) -> Table:
    """A row per route that could go to an API, what remains to be paid, and all of it."""
    hosted = summary.part_of("hosted")
    if hosted is None:
        return table(TITLE, ["<route"], [])
    rows = [_route(summary, name) for name in hosted.names("by_route")]
    remains = hosted.number("remaining_usd") or 0.0
    if remains:
        rows.append(("what remains (people)", "", "", "", dollars(remains), "", ""))
    rows.append(_total(summary, hosted))
    heads = ["requests", "input\ncached", "$", "$ per 1M", "here $\nper 1M"]
    return table(TITLE, ["<route", "<API", *heads], rows, _note(summary, hosted), total=True)


def _route(summary: Summary, name: str) -> tuple[str, ...]:
    route, own = summary.part("hosted.by_route", name), summary.part("routes", name)
    return (
        name,
        api_name(route),
        count(route.number("requests")),
        percent(route.number("cached_share")),
        dollars(route.number("usd")),
        dollars(route.number("usd_per_million_useful_tokens")),
        dollars(own.number("cost.usd_per_million_useful_tokens.value")),
    )


def api_name(route: Summary) -> str:
    """What a route's API is called: provider and model, or whose contract it is."""
    return f"{route.text('provider')} {route.text('model')}".strip()


def _total(summary: Summary, hosted: Summary) -> tuple[str, ...]:
    routes = [summary.part("hosted.by_route", n) for n in hosted.names("by_route")]
    requests = sum(route.number("requests") or 0.0 for route in routes)
    whole = not hosted.rows("missing")
    own = summary.number("cost.usd_per_million_useful_tokens.value") if whole else None
    price = dollars(hosted.number("usd_per_million_useful_tokens"))
    usd = dollars(hosted.number("usd"))
    return "all", "", count(requests), "", usd, price, dollars(own) if whole else ""


def _note(summary: Summary, hosted: Summary) -> str:
    parts = ["Priced request by request: those that this fleet answered."]
    arrived, usd = hosted.number("arrived_usd") or 0.0, hosted.number("usd") or 0.0
    if arrived > usd * (1.0 + 1e-9):
        parts.append(f"Had the API answered all that arrived: {dollars(arrived)}.")
    if any(summary.part("hosted.by_route", n).number("cache_write_usd") for n in
           hosted.names("by_route")):  # fmt: skip
        parts.append("Writing into its cache is billed.")
    if missing := hosted.rows("missing"):
        parts.append(f"No API is named for {', '.join(clean(n) for n in missing)}.")
    parts.append(f"A month: {_month(summary, hosted)}. Prices: {origin(hosted)}.")
    return " ".join(parts)


def _month(summary: Summary, hosted: Summary) -> str:
    there = dollars(hosted.number("usd_per_month"))
    if hosted.rows("missing"):
        return there
    return f"{there}; this fleet {dollars(summary.number('bill.usd_per_month'))}"


def origin(hosted: Summary) -> str:
    """Where the prices come from, and as of when."""
    source, as_of = hosted.text("source"), hosted.text("as_of")
    return clean(source if source == as_of else f"{source}, as of {as_of}")


def api_line(summary: Summary) -> tuple[str, str] | None:
    """The API's $ per 1M useful tokens, and in words what it is; None if there is none to show."""
    hosted = summary.part_of("hosted")
    usd = None if hosted is None else hosted.number("usd_per_million_useful_tokens")
    if hosted is None or usd is None:
        return None
    names = dict.fromkeys(
        api_name(summary.part("hosted.by_route", n)) for n in hosted.names("by_route")
    )
    api = clean(next(iter(names))) if len(names) == 1 else f"{len(names)} models"
    return dollars(usd), f"the same traffic at the API ({api}{_compared(hosted, summary)})"


def _compared(hosted: Summary, summary: Summary) -> str:
    factor = hosted.number("factor")
    if factor is None:
        return ", of routes that have one" if hosted.rows("missing") else ""
    bounds = summary.interval("hosted.factor")
    sure = f", {significant(bounds[0])} to {significant(bounds[1])}" if bounds else ""
    return f"; the real price is {significant(factor)} times that{sure}"


def api_usd(summary: Summary) -> float | None:
    """The API's $ per 1M useful tokens."""
    return summary.number("hosted.usd_per_million_useful_tokens")
