"""Waste table: requests that came to nothing, and tokens computed for nobody; knows no clock."""

from __future__ import annotations

from sim.report.numerals import count, dollars, tokens
from sim.report.summary import Summary
from sim.report.table import Table, table

LOST = {
    "rejected": "turned away before any work (a warning says why)",
    "timed_out": "the client gave up",
    "failed": "a replica died, or the answer was an error",
    "cancelled": "the client left",
    "preempted": "computed again after the KV cache was full",
    "retried": "earlier attempts of requests tried again",
    "escalated": "answers that were not good enough: the next pool was asked",
    "not_useful": "health checks and the like, of use to nobody",
}
"""Causes of waste: a request's final state, or (the last four) work inside requests."""


def waste(summary: Summary) -> Table:
    """Requests that came to nothing, and tokens that were computed for nobody."""
    rows = [row for cause in LOST if (row := _waste(summary, cause))]
    none = [cause.replace("_", " ") for cause in LOST if not _waste(summary, cause)]
    heads = ["requests", "input\ntokens", "output\ntokens", "$ of\nthe bill"]
    note = f"None: {', '.join(none)}." if none else ""
    columns = [
        "<cause",
        *heads,
        "<meaning",
    ]
    return table("Waste", columns, rows, note)


def _waste(summary: Summary, cause: str) -> tuple[str, ...] | None:
    """A row, or None if this cause took nothing."""
    requests = summary.number(f"requests.{cause}")  # None for preempted: those are no requests
    wasted = [summary.number(f"tokens.wasted.{cause}.{kind}") for kind in ("input", "output")]
    if not requests and not any(wasted):
        return None
    cells = [tokens(n) if n is not None else "-" for n in wasted]
    usd = dollars(waste_usd(summary, cause)) if any(wasted) else "$0"
    label = cause.replace("_", " ")
    return label, "-" if requests is None else count(requests), *cells, usd, LOST[cause]


def waste_usd(summary: Summary, cause: str) -> float | None:
    """Dollars of the bill, by use, that *cause* took; None where that is not known.

    What a route paid for prefill or for decode holds the waste of that kind, so a cause has its
    part of all tokens that were computed so. Context rent is not in it: recomputation pays none.
    """
    parts = [
        _waste_part(place, cause, kind)
        for name in summary.names("routes")
        for place in _places(summary.part("routes", name))
        for kind in ("input", "output")
    ]
    return None if None in parts else sum(p for p in parts if p is not None)


def _places(route: Summary) -> list[Summary]:
    """A route, or it on each of its pools: a token is not as dear on one as on another."""
    if len(route.pools) < 2:
        return [route]
    return [route.part("pools", pool) for pool in route.pools]


def _waste_part(route: Summary, cause: str, kind: str) -> float | None:
    wasted = _computed(route, cause)[kind]
    if not wasted:
        return 0.0
    useful = _served(route, kind)
    paid = route.number(f"cost.components_usd.{'prefill' if kind == 'input' else 'decode'}")
    if paid is None or useful is None:
        return None
    every = sum(_computed(route, c)[kind] for c in LOST)
    return paid * wasted / (useful + every)


def _served(route: Summary, kind: str) -> float | None:
    """Useful tokens that the fleet computed: input that was not cached, or output."""
    names = {"input": ("input", "cached_input"), "output": ("output",)}[kind]
    useful = [route.number(f"tokens.useful.{name}") for name in names]
    hosted = [route.number(f"tokens.hosted.{name}") or 0.0 for name in names]
    if None in useful:
        return None
    own = [max(0.0, (u or 0.0) - h) for u, h in zip(useful, hosted, strict=True)]
    return own[0] - sum(own[1:])


def _computed(route: Summary, cause: str) -> dict[str, float]:
    """Wasted tokens by how they were computed: after a preemption all of them as input."""
    tokens_in, tokens_out = (
        route.number(f"tokens.wasted.{cause}.{kind}") or 0.0 for kind in ("input", "output")
    )
    if cause == "preempted":
        return {"input": tokens_in + tokens_out, "output": 0.0}
    return {"input": tokens_in, "output": tokens_out}
