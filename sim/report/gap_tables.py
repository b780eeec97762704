"""Gap tables: the ladder to the real price, and what each cause alone would change; no clock."""

from __future__ import annotations

import math

from sim.report.gap_words import TITLES, sentence
from sim.report.numerals import MISSING, dollars, significant
from sim.report.summary import Json, Summary
from sim.report.table import Table, table

TITLE, WHY = "The gap, rung by rung", "The gap, in words"

ORDER = (
    "Each rung is what one cause adds to all above it, so the order matters: in another one the "
    "same causes would have other prices, and the same sum."
)
THIN = "thin: fewer than 20 incidents, so the rung may be far off."


def ladder_table(summary: Summary) -> Table:
    """A row per rung, those that are nothing named below; empty where no ladder was measured."""
    rungs = summary.rows("gap.rungs")
    if not rungs:
        return Table(TITLE, (), ())
    some = [rung for rung in rungs if rung["usd_per_million"] or rung.get("thin")]
    none = [TITLES[rung["cause"]] for rung in rungs if rung not in some]
    gap = math.fsum(float(rung["usd_per_month"]) for rung in rungs)
    month = summary.number("bill.usd_per_month") or 0.0
    naive = dollars(summary.number("gap.naive"))
    first = (TITLES["benchmark"], naive, "", dollars(month - gap), "")
    rows = [first, *(_row(rung) for rung in some), _last(summary)]
    notes = [f"None: {', '.join(none)}."] if none else []
    notes += [THIN] if any(rung.get("thin") for rung in rungs) else []
    heads = ["$ per 1M", "factor", "$ per\nmonth", "95 % interval\nof $ per 1M"]
    return table(TITLE, ["<rung", *heads], rows, " ".join([*notes, ORDER]), total=True)


def reasons_table(summary: Summary) -> Table:
    """A sentence for the benchmark and for each rung; empty where no ladder was measured."""
    rungs = summary.rows("gap.rungs")
    if not rungs:
        return Table(WHY, (), ())
    told = [(TITLES[rung["cause"]], rung.get("sentence") or sentence(rung)) for rung in rungs]
    first = (TITLES["benchmark"], _start(summary))
    return table(WHY, ["<rung", "<what it is in this run"], [first, *told])


def _start(summary: Summary) -> str:
    pools = {name: summary.part("pools", name) for name in summary.names("pools")}
    told = {name: pool.text("naive.source") for name, pool in pools.items()}
    known = [source if len(told) < 2 else f"{name}: {source}" for name, source in told.items()]
    return f"A full replica, never idle: {'; '.join(source for source in known if source)}."


def _row(rung: Json) -> tuple[str, ...]:
    title = TITLES[rung["cause"]]
    return (
        f"{title} (thin)" if rung.get("thin") else title,
        signed(rung["usd_per_million"]),
        "" if rung["factor"] is None else f"x{significant(rung['factor'])}",
        signed(rung["usd_per_month"]),
        bounds(rung.get("ci95")),
    )


def _last(summary: Summary) -> tuple[str, ...]:
    factor = summary.number("gap.factor")
    return (
        "real",
        dollars(summary.number("gap.real")),
        "" if factor is None else f"x{significant(factor)}",
        dollars(summary.number("bill.usd_per_month")),
        bounds(summary.interval("gap.real")),
    )


def signed(usd: float) -> str:
    """A difference in dollars, with its sign; a plain 0 of nothing.

    >>> signed(0.5), signed(-2.0), signed(0.0)
    ('+$0.500', '-$2.00', '0')
    """
    if not usd:
        return "0"
    return f"+{dollars(usd)}" if usd > 0 else dollars(usd)


def bounds(interval: object) -> str:
    """An interval of dollars, "" if there is none.

    >>> bounds([0.1, 0.2])
    '$0.100 to $0.200'
    """
    if not isinstance(interval, list | tuple) or None in interval:
        return ""
    low, high = interval
    return f"{dollars(low)} to {dollars(high)}"


def removal_table(summary: Summary) -> Table:
    """The real run without one cause at a time; empty where none was tried."""
    rows = [_removed(row) for row in summary.rows("gap.removal")]
    heads = ["$ per 1M\nwithout it", "difference", "95 %\ninterval", "<what the runs show"]
    note = (
        "Each row is a run of its own on the same random numbers, with one cause taken away and "
        "all else as it is. These differences need not sum to the gap."
    )
    if not rows:
        return Table("The real run without one cause", (), ())
    return table("The real run without one cause", ["<without", *heads], rows, note)


def _removed(row: Json) -> tuple[str, ...]:
    difference = row["difference"]
    shown = {True: "a difference", False: "no difference shown", None: "one run cannot tell"}
    return (
        str(row["without"]),
        dollars(row["usd_per_million"]),
        MISSING if difference is None else signed(difference),
        bounds(row.get("ci95")),
        shown[row["shown"]],
    )
