"""Route tables: which pools answer the routes that have several; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator

from sim.report.cost_tables import useful_tokens
from sim.report.numerals import count, dollars, percent, tokens
from sim.report.summary import Summary
from sim.report.table import Table, table


def routes_pools(summary: Summary) -> Table:
    """A row for each route and pool; empty if every route has one pool."""
    routes = {name: summary.part("routes", name) for name in summary.names("routes")}
    several = {name: route for name, route in routes.items() if len(route.pools) > 1}
    rows = [row for name, route in several.items() for row in _rows(name, route)]
    heads = ["requests\nsent", "share", "escalated", "useful\ntokens", "$ by use", "$ per 1k\nsent"]
    note = "Escalated: answered, but not well enough, so that the next pool was asked."
    cascades = any(r.number("requests.escalated") for r in several.values())
    return table("Routes: where they go", ["<route", "<pool", *heads], rows, note * cascades)


def _rows(name: str, route: Summary) -> Iterator[tuple[str, ...]]:
    for pool in route.pools:
        part = route.part("pools", pool)
        sent, usd = part.number("requests.sent"), part.number("usd")
        each = usd / sent * 1e3 if sent and usd is not None else None
        yield (
            name,
            pool,
            count(sent),
            percent(part.number("requests.sent_share")),
            count(part.number("requests.escalated")),
            tokens(useful_tokens(part)),
            dollars(usd),
            dollars(each),
        )
