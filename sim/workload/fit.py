"""Fit: a workload's parameters, ready to paste under a route, and how good they are; no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace

from sim.workload.arrival_fit import ArrivalFit, can_be_fitted, fit_arrivals
from sim.workload.arrival_rows import arrival_rows
from sim.workload.block import Block
from sim.workload.cached import CachedShare, cached_share
from sim.workload.cached_rows import cached_rows
from sim.workload.hour_rows import hour_rows
from sim.workload.hours import LEAST_DAYS, hours_of, rates_in
from sim.workload.length_fit import fit_lengths
from sim.workload.length_rows import is_dependent, length_rows, weight_rows
from sim.workload.parts import Part
from sim.workload.requests import Requests
from sim.workload.rows import Progress, Row
from sim.workload.slow_fit import slow_bursts
from sim.workload.start import DAY_S
from sim.workload.stretch import stretch_of
from sim.workload.tables import Rates, Weights
from sim.workload.token_table import TokenTable, share_of, table_of

__all__ = ["SEEDS", "ArrivalFit", "Fit", "TokenTable", "fit"]

SEEDS = 60
"""Replicates of the trace's own span and rate behind every band."""

_STAGES = ("lengths", "arrivals", "tests of arrivals", "hours and prefixes")


@dataclass(frozen=True)
class Fit:
    """Parameters of one part; None where its file has no such data."""

    source: str
    seen: str
    """How much was seen: requests, span and rate, in words."""
    arrivals: ArrivalFit | None = None
    input: TokenTable | None = None
    output: TokenTable | None = None
    output_given_input: tuple[TokenTable, ...] | None = None
    """A table for each tenth of the input's ranks, where that beats independence."""
    cached: CachedShare | None = None
    goodness: tuple[Row, ...] = ()
    notes: tuple[str, ...] = ()

    def block(self) -> str:
        """Return YAML to paste under a route: arrivals and lengths, sources in comments."""
        text = Block()
        text.comment(f"Fitted to {self.source}: {self.seen}.")
        for note in self.notes:
            text.comment(f"{note[:1].upper()}{note[1:]}.")
        if self.cached is not None:
            share = f"up to {self.cached.unlimited:.1%} of the input"
            text.comment(f"A prefix cache would find {share}; what is below has no prefixes.")
        text.goodness(self.goodness)
        text.arrivals(self.arrivals)
        text.lengths("input_tokens", self.input, None)
        text.lengths("output_tokens", self.output, self.output_given_input)
        return text.written()


def fit(part: Part, *, seeds: int = SEEDS, progress: Progress | None = None) -> Fit:
    """Return the parameters of *part*, tested on the halves that they were not fitted on."""
    if isinstance(part, Rates):
        return _of_rates(part)
    if isinstance(part, Weights):
        return _of_weights(part)
    return _of_requests(part, seeds, progress or _silent)


def _of_requests(part: Requests, seeds: int, progress: Progress) -> Fit:
    def tell(stage: int) -> None:
        progress(f"{part.source}: {_STAGES[stage]}", stage, len(_STAGES))

    tell(0)
    lengths = fit_lengths(part, is_dependent(part))
    rows = length_rows(part, lengths, seeds)
    tell(1)
    stretch, note = stretch_of(part)
    hours = hours_of(rates_in(part)) if part.span_s >= LEAST_DAYS * DAY_S else None
    arrivals = fit_arrivals(stretch, hours) if can_be_fitted(stretch) else None
    tell(2)
    rows += arrival_rows(stretch, arrivals or ArrivalFit(1.0), seeds, hours if note else None)
    tell(3)
    cached = cached_share(part)
    rows += [*hour_rows(hours), *cached_rows(part.path, cached)]
    rate_per_s = part.rate_per_s
    if arrivals is not None and rate_per_s is not None:
        arrivals = arrivals.at_rate(rate_per_s, part.start, part.span_s)
    return Fit(
        source=part.source,
        seen=_seen(part),
        arrivals=arrivals,
        input=lengths.input,
        output=lengths.output,
        output_given_input=lengths.output_given_input,
        cached=cached,
        goodness=tuple(rows),
        notes=(*part.notes, note) if note else part.notes,
    )


def _of_rates(part: Rates) -> Fit:
    hours = hours_of(part, least_days=1.0)
    mean_per_s = part.rate_per_s
    arrivals = None
    if mean_per_s > 0.0:
        arrivals = ArrivalFit(mean_per_s, hours=hours)
        if hours is not None:
            start = part.start
            arrivals = arrivals.at_rate(mean_per_s, start, part.span_s)
            arrivals = replace(arrivals, bursts=slow_bursts(part, hours))
    return Fit(
        source=part.name,
        seen=f"mean rates in windows of {part.window_s:g} s over {_days(part.span_s)}",
        arrivals=arrivals,
        goodness=tuple(hour_rows(hours)),
        notes=(*part.notes, f"swings faster than {part.window_s:g} s are not in the file"),
    )


def _of_weights(part: Weights) -> Fit:
    table = table_of(share_of(part.tokens, part.probability))
    return Fit(
        source=part.source,
        seen=f"{len(part.tokens):,} token counts with probabilities",
        input=table if part.field == "input" else None,
        output=table if part.field == "output" else None,
        goodness=tuple(weight_rows(part)),
        notes=part.notes,
    )


def _seen(part: Requests) -> str:
    if part.rate_per_s is None:
        return f"{len(part):,} requests"
    return f"{len(part):,} requests over {_days(part.span_s)} at {part.rate_per_s:.4g} a second"


def _days(seconds: float) -> str:
    """Return a span in the unit that suits it.

    >>> _days(3501.7), _days(604_800.0)
    ('58.4 min', '7 d')
    """
    for unit, size_s in (("d", DAY_S), ("h", 3600.0), ("min", 60.0)):
        if seconds >= 1.5 * size_s:
            return f"{seconds / size_s:.3g} {unit}"
    return f"{seconds:.3g} s"


def _silent(what: str, done: int, total: int) -> None:
    """Say nothing."""
