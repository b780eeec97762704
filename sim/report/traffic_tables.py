"""Traffic tables: what a workload looks like, and how near a generator comes; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

from sim.report.numerals import count, length, percent, significant
from sim.report.table import Table, table
from sim.workload.start import DAY_S

if TYPE_CHECKING:
    from sim.workload.acceptance import Acceptance
    from sim.workload.description import CachedShare, Dependence, Description, Hours, LengthSummary
    from sim.workload.rows import Row

LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95, 0.99)
"""Quantiles of lengths that are shown; the rest is in the JSON."""

HOURS_A_COLUMN = 3


def description_tables(description: Description) -> list[Table]:
    """All that is known of one workload, what it lacks left out."""
    return list(_tables(description))


def acceptance_table(found: Acceptance) -> Table:
    """How near the generator comes to one trace, metric by metric."""
    return rows_table(f"{found.trace}: the generator beside the trace", found.rows)


def rows_table(title: str, rows: Sequence[Row]) -> Table:
    """Metrics beside what is asked of them; NO is what was missed, and below it stands why.

    Metrics that do not apply are told below as well. What the met ones consist of is in the JSON.
    """
    columns = ["<metric", "value", "<asked", "floor", "5 to 95 %", "met"]
    shown = [row for row in rows if row.value is not None]
    missed = [row for row in rows if row.met is False]
    others = [row for row in rows if row.met is None]
    notes = [_told("Missed", missed), _told("Not judged", others)]
    note = " ".join(filter(None, notes))
    return table(title, columns, [_metric(row) for row in shown], note)


def _told(what: str, rows: Sequence[Row]) -> str:
    """The rows' names with their notes, alike ones once, as one sentence; nothing without rows."""
    names: dict[str, list[str]] = {}
    for row in rows:
        names.setdefault(row.note, []).append(row.metric)
    parts = ("; ".join(alike) + (f" ({note})" if note else "") for note, alike in names.items())
    return f"{what}: {'; '.join(parts)}." if rows else ""


def problems_table(found: Sequence[Acceptance]) -> Table:
    """Files that could not be used, and why."""
    rows = [(one.trace, one.problem or "") for one in found]
    return table("Not used", ["<file", "<why"], rows)


def _tables(found: Description) -> Iterator[Table]:
    yield _overview(found)
    if found.dispersion:
        yield _bursts(found)
    sides = {"input": found.input, "output": found.output}
    if any(sides.values()):
        yield _lengths(sides)
    if found.dependence is not None and found.dependence.mean_output_by_input_decile:
        yield _outputs(found.dependence)
    if found.cached is not None:
        yield _cached(found.cached)
    if found.hours is not None:
        yield _hours(found.hours)


def _overview(found: Description) -> Table:
    figures = {
        "requests": found.requests and count(found.requests),
        "over": found.span_s and length(found.span_s),
        "per second": found.rate_per_s and significant(found.rate_per_s),
        "gap CV": found.gap_cv and significant(round(found.gap_cv, 6)),
        "clock's tick": found.tick_s and f"{found.tick_s:g} s",
    }
    known = {head: figure for head, figure in figures.items() if figure}
    notes = [*found.notes, *(["The service is switched on and off."] if found.on_off else [])]
    return table(found.source, list(known), [list(known.values())] if known else [], _text(notes))


def _text(notes: Sequence[str]) -> str:
    """Notes as sentences of one paragraph."""
    return " ".join(f"{note[:1].upper()}{note[1:].rstrip('.')}." for note in notes)


def _bursts(found: Description) -> Table:
    spread, variance, peaks = (
        columns or {} for columns in (found.dispersion, found.rate_variance, found.peak_to_mean)
    )
    windows = sorted({*spread, *peaks})
    columns = ["window", "variance / mean\nof counts", "variance of\nthe rate", "peak / mean"]
    rows = [
        (f"{w:g} s", _figure(spread.get(w)), _figure(variance.get(w)), _figure(peaks.get(w)))
        for w in windows
    ]
    note = "Poisson arrivals have 1 and 0 at every window; the rate's variance is over its mean²."
    return table("Bursts", columns, rows, note)


def _lengths(sides: Mapping[str, LengthSummary | None]) -> Table:
    columns = ["<tokens", "mean", "min", *(f"p{100 * level:g}" for level in LEVELS), "max"]
    return table("Lengths", columns, [_length(n, s) for n, s in sides.items() if s is not None])


def _length(side: str, found: LengthSummary) -> tuple[str, ...]:
    quantiles = (count(found.quantiles.get(level)) for level in LEVELS)
    return side, count(found.mean), count(found.minimum), *quantiles, count(found.maximum)


def _outputs(found: Dependence) -> Table:
    means = found.mean_output_by_input_decile
    columns = ["<tenth of inputs", *(str(number) for number in range(1, len(means) + 1))]
    note = "Tenths go from the shortest inputs to the longest. "
    note += f"Rank correlation of input and output: {_figure(found.spearman)}."
    row = ["mean output", *(count(mean) for mean in means)]
    return table("Output tokens by input length", columns, [row], note)


def _cached(found: CachedShare) -> Table:
    heads = ["unlimited", "unlimited,\nsecond half", *(f"{n:,} blocks" for n in found.by_blocks)]
    figures = (found.unlimited, found.second_half, *found.by_blocks.values())
    note = "Share of input tokens that a cache of 512-token blocks would find: an upper bound."
    return table("Prefix cache", heads, [[percent(figure) for figure in figures]], note)


def _hours(found: Hours) -> Table:
    starts = range(0, 24, HOURS_A_COLUMN)
    columns = ["<hours from", *(f"{hour:02d}" for hour in starts)]
    days = {"weekday": found.weekday, "weekend": found.weekend}
    rows = [
        (day, *(f"{sum(curve[h : h + HOURS_A_COLUMN]) / HOURS_A_COLUMN:.2f}" for h in starts))
        for day, curve in days.items()
        if curve is not None
    ]
    clock = "00:00 of the file" if found.clock == "file" else found.clock
    note = f"Means of {HOURS_A_COLUMN} hours, 1 = mean; clock: {clock}; "
    note += f"{length(found.days * DAY_S)}."
    if found.error is not None:
        note += f" The weekday that the others foretell worst is {percent(found.error)} off."
    return table("Day curve", columns, rows, note)


def _metric(row: Row) -> tuple[str, ...]:
    band = "-" if row.band is None else f"{_short(row.band[0])} to {_short(row.band[1])}"
    met = {True: "yes", False: "NO", None: "-"}[row.met]
    return row.metric, _short(row.value), row.ask or "-", _short(row.floor), band, met


def _figure(value: float | None) -> str:
    return "-" if value is None else significant(value)


def _short(value: float | None) -> str:
    if value is None:
        return "-"
    return count(value) if value == round(value) else significant(value, 2)
