"""Commitment tables: how often how many nodes are needed, and what reserving them costs; no clock.

They read the document of `tokenfleet commitments`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import groupby

from sim.report.numerals import dollars, percent
from sim.report.summary import Json
from sim.report.table import Table, table

HOURS_PER_MONTH = 730.0


def commitment_tables(document: Json) -> list[Table]:
    """Two tables for each pool."""
    return [
        made
        for name, pool in document["pools"].items()
        for made in (needs(name, pool), costs(name, pool))
    ]


def needs(name: str, pool: Json) -> Table:
    """How often so many nodes were paid, and whether each is worth reserving."""
    ratio = pool["reserved_usd_per_hour"] / pool["on_demand_usd_per_hour"]
    rows = [
        (_span(first + pool["owned"], last + pool["owned"]), percent(share), "yes" if yes else "no")
        for first, last, share, yes in _runs(pool["shares"], ratio)
    ]
    note = (
        f"Worth it above {percent(ratio)}: {dollars(pool['reserved_usd_per_hour'])} an hour "
        f"reserved, used or not, over {dollars(pool['on_demand_usd_per_hour'])} on demand."
    )
    if pool["owned"]:
        note += f" Owned: node {_span(1, pool['owned'])}."
    heads = ["<node", "share of time\nthat it is paid", "<reserve it"]
    return table(f"Nodes of {name}", heads, rows, note)


def _runs(shares: Sequence[float], ratio: float) -> Iterator[tuple[int, int, float, bool]]:
    """(first node, last node, share of time, worth reserving), those alike together."""
    numbered = enumerate(shares, 1)
    for (text, yes), group in groupby(numbered, lambda item: (percent(item[1]), item[1] > ratio)):
        members = list(group)
        assert text
        yield members[0][0], members[-1][0], members[0][1], yes


def _span(first: int, last: int) -> str:
    return f"{first}" if first == last else f"{first} to {last}"


def costs(name: str, pool: Json) -> Table:
    """What the pool's nodes cost a month by how many are reserved, and if demand is another."""
    rows = [("none", "0", dollars(_month(pool["usd_per_hour_without"])), "", "")]
    if pool["reserved_nodes"]:
        own = dollars(_month(pool["usd_per_hour_as_is"]))
        rows.append(("as in the file", str(pool["reserved_nodes"]), own, "", ""))
    best = dollars(_month(pool["usd_per_hour"]))
    rows.append(("the best", str(pool["nodes"]), best, "", ""))
    for regret in pool["regrets"]:
        change = f"{regret['demand'] - 1.0:+.0%}".replace("-", "−").replace("%", " %")
        cells = (dollars(_month(regret["usd_per_hour"])), str(regret["best_nodes"]))
        lost = dollars(_month(regret["regret_usd_per_hour"]))
        rows.append((f"the best, demand {change}", str(pool["nodes"]), *cells, lost))
    heads = ["nodes", "$ per\nmonth", "best\nthen", "regret $\nper month"]
    return table(f"Reserved nodes of {name}", ["<reserved", *heads], rows, _spread(pool))


def _month(usd_per_hour: float) -> float:
    return usd_per_hour * HOURS_PER_MONTH


def _spread(pool: Json) -> str:
    found = sorted(pool["nodes_by_replication"])
    saved = f"The best saves {percent(pool['saved_share'])} of what they cost on demand."
    if not pool["nodes"]:
        saved = "No node is worth reserving."
    if len(found) < 2:
        return saved
    return f"{saved} Each replication alone says {_span(found[0], found[-1])}."
