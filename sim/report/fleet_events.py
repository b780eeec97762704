"""Fleet events: what happened to each pool, as a table for people and as CSV; knows no clock."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from sim.ledger.events import FleetEvent
from sim.report.clock import Clock
from sim.report.csv_text import csv_text
from sim.report.happenings import (
    FAILURES,
    NO_CAPACITY,
    NOTICE,
    OUTAGE,
    ROLLOUT,
    SCALE,
    Happening,
    by_weight,
    gather,
    happenings,
)
from sim.report.numerals import significant
from sim.report.table import Table, table
from sim.report.timeseries import Row, Samples, by_pool

COLUMNS = ("t_s", "pool", "kind", "reason", "replicas_wanted", "replicas_ready")
"""Columns of `events.csv`."""

SHOWN = 5
"""Events of a pool that a table tells."""

TOGETHER = 1 / 48
"""Steps that are less than this share of the window apart are told as one."""


def events_csv(events: Iterable[FleetEvent]) -> str:
    """A row per event, those of the warm-up (before 0) and after the window among them."""
    rows = ((e.at_s, e.pool, e.kind, e.reason, e.wanted, e.ready) for e in events)
    return csv_text(COLUMNS, rows)


def told(events: Sequence[FleetEvent], samples: Samples, window_s: float) -> list[Happening]:
    """Return what happened to the pool of *samples* within the window, in time order."""
    mine = [event for event in events if event.pool == samples.pool]
    return happenings(mine, window_s, _wanted_at_first(mine, samples))


def _wanted_at_first(events: Sequence[FleetEvent], samples: Samples) -> int:
    """Replicas wanted as the samples begin, else as the events do."""
    wanted = samples.column("replicas_wanted")
    if wanted.size and wanted[0] == wanted[0]:
        return int(wanted[0])
    return events[0].wanted if events else 0


def what_happened(
    events: Sequence[FleetEvent],
    rows: Sequence[Row],
    starting_s: Mapping[str, float],
    clock: Clock,
    replications: int = 1,
) -> list[Table]:
    """A table per pool to which something happened: the events that matter most, and how many.

    *starting_s*: paid replica-seconds in which replicas were starting, by pool.
    """
    tables = []
    for samples in by_pool(rows):
        found = told(events, samples, clock.window_s)
        if by_weight(found):
            title = f"What happened in pool {samples.pool}"
            if replications > 1:
                title += f" (the first of {replications} replications)"
            note = _note(found, samples, starting_s.get(samples.pool, 0.0))
            heads = ("<when", "<what", "<why", "wanted", "ready")
            tables.append(table(title, heads, _rows(found, clock), note))
    return tables


def _rows(found: Sequence[Happening], clock: Clock) -> Iterable[tuple[str, ...]]:
    shown = by_weight(gather(found, TOGETHER * clock.window_s))[:SHOWN]
    for one in sorted(shown, key=lambda one: one.at_s):
        yield clock.text(one.at_s), one.text, one.reason, str(one.wanted), str(one.ready)


def _note(found: Sequence[Happening], samples: Samples, starting_s: float) -> str:
    """Counts of what happened, then what that came to."""
    steps = [one for one in found if one.kind == SCALE]
    counts = {
        "scale-up": sum(one.change > 0 for one in steps),
        "scale-down": sum(one.change < 0 for one in steps),
        "failure": sum(one.kind in FAILURES for one in found),
        "outage": sum(one.kind == OUTAGE for one in found),
        "spot notice": sum(one.kind == NOTICE for one in found),
        "rollout": sum(one.kind == ROLLOUT for one in found),
        "refused order": sum(one.kind == NO_CAPACITY for one in found),
    }
    parts = [f"{n:,} {what}{'' if n == 1 else 's'}" for what, n in counts.items() if n]
    text = f"In all {_listed(parts)}."
    if (ready := samples.level("replicas_ready")) is not None:
        least, mean, most = ready
        spread = f"{least:.0f} to {most:.0f}, {significant(mean, 2)} on average"
        text += f" Ready replicas: {spread if least < most else f'{most:.0f} at each sample'}"
        text += f"; {significant(starting_s / 3600.0)} replica-hours starting."
    return text


def _listed(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
