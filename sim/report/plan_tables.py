"""Plan tables: the fleet to have, what else was tried, and how long it will do; no clock."""

from __future__ import annotations

from sim.report.numerals import MISSING, dollars, percent, significant
from sim.report.service_tables import slo_name
from sim.report.summary import Json, Summary
from sim.report.table import Table, table


def plan_tables(summary: Summary) -> list[Table]:
    """All tables of a plan's document, in the order in which one reads them."""
    pools = [summary.part("pools", name) for name in summary.names("pools")]
    names = summary.names("pools")
    tables = [fleets(summary), choices(names, pools)]
    tables += [tried(name, pool) for name, pool in zip(names, pools, strict=True)]
    return [t for t in tables if t.rows or t.note]


def fleets(summary: Summary) -> Table:
    """The fleet as it is beside the planned one."""
    rows = [_fleet(label, summary, key) for label, key in (("now", "now"), ("plan", "planned"))]
    now, planned = (summary.number(f"{k}.usd_per_month") for k in ("now", "planned"))
    note = ""
    if now is not None and planned is not None:
        word = "less" if planned <= now else "more"
        note = f"The plan costs {dollars(abs(now - planned))} a month {word}."
    heads = ["$ a\nmonth", "$ per 1M", "95 %\ninterval", "benchmark\nutilization", "SLOs\nmet"]
    return table("The fleet", ["<", *heads], rows, note)


def _fleet(label: str, summary: Summary, key: str) -> tuple[str, ...]:
    price = f"{key}.usd_per_million_useful_tokens"
    bounds = summary.get(f"{price}.ci95")
    met, of = (summary.number(f"{key}.{k}") for k in ("slos_met", "slos"))
    return (
        label,
        dollars(summary.number(f"{key}.usd_per_month")),
        dollars(summary.number(f"{price}.value")),
        MISSING if not bounds else f"{dollars(bounds[0])} to {dollars(bounds[1])}",
        percent(summary.number(f"{key}.benchmark_utilization")),
        f"{met or 0:.0f} of {of or 0:.0f}",
    )


def choices(names: list[str], pools: list[Summary]) -> Table:
    """A row per pool: what to build it of, what binds, and what comes second."""
    heads = [
        "<choice",
        "<replicas",
        "<what binds",
        "at its\nlimit",
        "<runner-up",
        "dearer by\na month",
    ]
    rows = [(name, *_choice(pool)) for name, pool in zip(names, pools, strict=True)]
    notes = [f"{n}: {p.text('note')}." for n, p in zip(names, pools, strict=True) if p.text("note")]
    note = "At its limit: the 95 % confidence limit of the SLO's figure over its target."
    return table("The plan", ["<pool", *heads], rows, " ".join([note, *notes]))


def _choice(pool: Summary) -> tuple[str, ...]:
    if pool.get("choice") is None:
        return ("stays", "", "", "", "", "")
    second = pool.get("runner_up")
    return (
        pool.text("choice.design"),
        pool.text("choice.size"),
        *_binding(pool.get("choice.binding")),
        "none" if second is None else f"{second['design']}, {second['size']}",
        "" if second is None else _ahead(pool),
    )


def _binding(margin: Json | None) -> tuple[str, str]:
    if margin is None:
        return "", ""
    lost, load = margin["windows_lost"], margin["load"]
    by_windows = lost is None or (load is not None and lost > load)
    what = f"{margin['route']} {slo_name(margin)}{', 5-minute windows' if by_windows else ''}"
    return what, percent(margin["worst"])


def _ahead(pool: Summary) -> str:
    path = "runner_up_dearer_usd_per_month"
    if not pool.get(f"{path}.shown"):
        return "no difference"
    bounds = pool.get(f"{path}.ci95")
    value = dollars(pool.number(f"{path}.value"))
    return value if not bounds else f"{value} ({dollars(bounds[0])} to {dollars(bounds[1])})"


def tried(name: str, pool: Summary) -> Table:
    """Every design and size of a pool that ran whole, and in the note those that did not need to.

    Sizes beyond the choice ran for the frontier alone.
    """
    rows = [row for row in (*pool.rows("tried"), *pool.rows("beyond")) if row["replications"]]
    notes = [_dropped(why, labels) for why, labels in _unrun(pool).items()]
    left = [f"{row['label']} ({row['why']})" for row in pool.rows("left_out")]
    if left:
        notes.append(f"Left out: {'; '.join(left)}.")
    heads = ["<size", "nodes $\na month", "bill $\na month", "nearest\nSLO", "runs", "<verdict"]
    told = [_tried(row) for row in rows]
    return table(f"What was tried for {name}", ["<design", *heads], told, " ".join(notes))


def _unrun(pool: Summary) -> dict[str, list[str]]:
    """Designs that were dropped before they ran whole, by the reason."""
    by_reason: dict[str, list[str]] = {}
    for row in pool.rows("tried"):
        if not row["replications"]:
            usd = dollars(row["nodes_usd_per_month"])
            by_reason.setdefault(row["verdict"], []).append(f"{row['design']} at {usd}")
    return by_reason


def _dropped(why: str, labels: list[str]) -> str:
    return f"Not run whole, since {why}: {'; '.join(labels)}."


def _tried(row: Json) -> tuple[str, ...]:
    binding = row["binding"]
    return (
        str(row["design"]),
        str(row["size"]),
        dollars(row["nodes_usd_per_month"]),
        "-" if row["usd_per_month"] is None else dollars(row["usd_per_month"]),
        "-" if binding is None else percent(binding["worst"]),
        str(row["replications"]),
        "meets every SLO" if row["met"] else str(row["verdict"]),
    )


def headroom_lines(summary: Summary) -> list[str]:
    """What the planned fleet bears beyond today's traffic, in sentences."""
    room = Summary(summary.get("headroom") or {})
    multiple, misses = room.number("multiple"), room.number("misses_at")
    if multiple is None:
        return []
    rps = significant(room.number("rps") or 0.0)
    by = " (judged by its busiest hour)" if room.get("by_peak") else ""
    lines = [f"It bears {multiple:.2f} x today's traffic, {rps} requests per s on average{by}."]
    if misses is not None and room.text("binds"):
        lines.append(f"At {misses:.2f} x, {room.text('binds')} is the first to be missed.")
    if (weeks := room.number("weeks_until_full")) is not None:
        growth = room.number("growth_percent_per_week")
        when = f", on {room.text('full_on')}" if room.get("full_on") else ""
        lines.append(f"At {growth:g} % growth a week it is full in {weeks:.1f} weeks{when}.")
    runs, all_runs = (int(summary.number(k) or 0) for k in ("simulated", "exhaustive"))
    lines.append(f"The race simulated {runs} whole runs; every design at every size: {all_runs}.")
    return lines
