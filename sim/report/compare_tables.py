"""Compare tables: two scenarios figure by figure, and what is sure of it; knows no clock."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from sim.report.numerals import MISSING, dollars, hours, percent, seconds, significant
from sim.report.table import Table, table
from sim.studies.compare import BothWays, Comparison, Difference, Kind
from sim.studies.paired import Paired

NO_DIFFERENCE = "no difference shown"


def comparison_tables(both: BothWays) -> list[Table]:
    """A table for the same fleet and, if it was run, one for fleets resized to their SLOs."""
    found = [comparison_table("On the same fleet", both.same_fleet)]
    if both.resized is not None and both.fleets is not None:
        before, after = (
            {
                name: pool.paid_s / r.result.usage.window_s
                for name, pool in r.result.usage.pools.items()
            }
            for r in both.fleets
        )
        found.append(comparison_table("Each fleet resized to its SLOs", both.resized))
        found.append(replicas_table(before, after))
    return found


def comparison_table(title: str, found: Comparison, note: str = "") -> Table:
    """A row per figure; those that are undefined on both sides are left out."""
    rows = [_row(row) for row in found.rows if row.paired is not None]
    heads = ["<", "before", "after", "difference", "<95 % interval"]
    return table(title, heads, rows, " ".join(filter(None, [note, _note(found)])))


def _row(row: Difference) -> tuple[str, ...]:
    assert row.paired is not None
    of, kind = row.paired, row.measure.kind
    told = told_interval(of, kind)
    apart = signed(of.difference, kind) if of.difference else "0"
    return row.measure.label, written(of.before, kind), written(of.after, kind), apart, told


def written(value: float | None, kind: Kind) -> str:
    """A figure in its own unit."""
    return {"usd": dollars, "share": percent, "hours": hours, "seconds": seconds}[kind](value)


def signed(value: float | None, kind: Kind) -> str:
    """A difference in its own unit, with its sign; of shares in percentage points.

    >>> signed(0.5, "usd"), signed(-0.012, "seconds"), signed(0.01, "share"), signed(0.0, "usd")
    ('+$0.500', '-12.0 ms', '+1.0 pt', '$0')
    """
    if value is None:
        return MISSING
    if kind == "share":
        text = f"{significant(100 * value, 2)} pt"
    else:
        text = written(value, kind)
    return f"+{text}" if value > 0 else text


def told_interval(of: Paired, kind: Kind) -> str:
    """The interval of a difference, or in words why there is none."""
    if of.shown is None:
        return "one replication cannot tell"
    if not of.shown:
        return NO_DIFFERENCE
    if of.interval is None:
        return "always the same"
    return f"{signed(of.interval.low, kind)} to {signed(of.interval.high, kind)}"


def _note(found: Comparison) -> str:
    with_interval = [row for row in found.rows if row.paired is not None and row.paired.interval]
    parts = []
    if len(with_interval) > 1 and found.confidence > 0.951:
        parts.append(
            f"The {len(with_interval)} intervals are so wide that all hold together with 95 % "
            f"({percent(found.confidence)} each, Bonferroni)."
        )
    if gain := variance_gain(found):
        parts.append(gain)
    if found.note:
        parts.append(f"{found.note[0].upper()}{found.note[1:]}.")
    return " ".join(parts)


def variance_gain(found: Comparison) -> str:
    """What common random numbers were worth, by the median over the figures; "" if unknown."""
    ratios = sorted(
        row.paired.variance_ratio
        for row in found.rows
        if row.paired is not None and row.paired.variance_ratio is not None
    )
    if not ratios:
        return ""
    middle = ratios[len(ratios) // 2]
    gain = significant(middle, 2)
    return f"Common random numbers: {gain} times less variance than independent runs (median)."


def replicas_table(before: Mapping[str, float], after: Mapping[str, float]) -> Table:
    """Mean paid replicas of each pool of the two resized fleets."""
    names: Sequence[str] = list(dict.fromkeys([*before, *after]))
    rows = [(n, *(_replicas(side.get(n)) for side in (before, after))) for n in names]
    return table("Replicas when resized", ["<pool", "before", "after"], rows)


def _replicas(mean: float | None) -> str:
    return MISSING if mean is None else f"{mean:.4g}"
