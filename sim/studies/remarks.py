"""Remarks: what happened in runs that their user should know beside the numbers; knows no clock."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from sim.scenario.arrivals import TraceArrivals
from sim.scenario.document import Scenario
from sim.scenario.notice import Notice
from sim.simulation import DRAIN_LIMIT_S, Run
from sim.studies.warmup import warmup_remarks
from sim.units import format_duration

SHOWN = 3
"""Reasons for refusals that are told; the rest is counted."""

COMPLETE = 0.99
"""A trace that fills this share of the horizon is taken to fill it."""


def remarks_of(scenario: Scenario, runs: Sequence[Run]) -> Iterator[Notice]:
    """Gaps in traces, backlogs, refusals and too short a warm-up, in the scenario's order."""
    for name in scenario.routes:
        yield from _trace(name, scenario, runs[0])
        yield from _backlog(name, runs)
    for name in scenario.pools:
        yield from _refused(name, runs)
    yield from warmup_remarks(scenario, runs[0].timeseries)


def _trace(name: str, scenario: Scenario, run: Run) -> Iterator[Notice]:
    arrivals, report = scenario.routes[name].arrivals, run.trace_reports.get(name)
    if report is None or not isinstance(arrivals, TraceArrivals):
        return
    path = f"routes.{name}.arrivals.trace"
    dropped = sum(report.dropped.values())
    if dropped:
        reasons = _listed(Counter(report.dropped))
        text = f"{dropped:,} of {report.rows_read:,} rows were dropped: {reasons}"
        yield Notice("trace-rows-dropped", path, text)
    last_s = (report.last_at_s or 0.0) / arrivals.speedup
    if not arrivals.repeat and last_s < COMPLETE * scenario.horizon:
        ends, whole = format_duration(round(last_s)), format_duration(scenario.horizon)
        text = f"the trace ends after {ends}, but the fleet is paid for {whole}"
        yield Notice("trace-ends-early", path, text)


def _backlog(name: str, runs: Sequence[Run]) -> Iterator[Notice]:
    """A fleet that cannot keep up: what it still owed when waiting for it was given up."""
    left = sum(run.usage.routes[name].requests.in_flight for run in runs) / len(runs)
    if left:
        wait = format_duration(DRAIN_LIMIT_S)
        text = f"{left:,.0f} requests had not ended {wait} after the horizon: the fleet does not"
        text += " keep up, and latencies are of those that it finished"
        yield Notice("backlog", f"routes.{name}", text)


def _refused(name: str, runs: Sequence[Run]) -> Iterator[Notice]:
    reasons: Counter[str] = Counter()
    for run in runs:
        reasons.update(run.refused.get(name, {}))
    if reasons:
        of = "the run" if len(runs) == 1 else f"all {len(runs)} runs"
        text = f"refused, in {of} with warm-up: {_listed(reasons)}"
        yield Notice("refused", f"pools.{name}", text)


def _listed(reasons: Counter[str]) -> str:
    """The most frequent reasons with their counts."""
    shown = [f"{count:,} x {reason}" for reason, count in reasons.most_common(SHOWN)]
    rest = reasons.total() - sum(count for _, count in reasons.most_common(SHOWN))
    return "; ".join([*shown, f"{rest:,} for other reasons"] if rest else shown)
