"""Gap words: a sentence for each rung of the ladder, made from the run's own figures; no clock."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from sim.report.numerals import clean, count, dollars, percent, significant, tokens
from sim.report.summary import Json

TITLES = {
    "benchmark": "benchmark",
    "real_lengths": "real lengths",
    "prefix_cache": "prefix cache",
    "latency_slo": "latency SLO",
    "whole_replicas": "whole replicas",
    "scaling_and_headroom": "scaling and headroom",
    "cold_starts": "cold starts",
    "redundancy": "redundancy",
    "failures": "failures",
    "clients": "clients",
    "purchase": "purchase",
    "other_lines": "other lines",
    "people": "people",
}
"""Names of the rungs on screen and page."""

NOTHING = 5e-4
"""A share of tokens below this is not worth a word."""

LINES_NAMED = 3


def sentence(rung: Json) -> str:
    """What *rung* is, in words that need no knowledge of serving.

    >>> sentence({"cause": "clients", "usd_per_million": 0.0, "facts": {}})
    'Every request was answered the first time.'
    """
    facts = rung.get("facts") or {}
    return _WORDS[rung["cause"]](rung, facts)


def _lengths(rung: Json, facts: Json) -> str:
    shapes = facts.get("shapes") or []
    if not rung["usd_per_million"]:
        return "Your requests are all alike, as the benchmark's are."
    parts = [_shape(shape, len(shapes) > 1) for shape in shapes]
    told = "; ".join(parts)
    return f"{told[:1].upper()}{told[1:]}."


def _shape(shape: Json, named: bool) -> str:
    """What one pool's benchmark says, and what a full replica does with the real requests."""
    lengths = f"{count(shape['input_tokens'])}/{count(shape['output_tokens'])} tokens"
    whose = "your benchmark" if shape["is_given"] else "the benchmark"
    does = "shows" if shape["shape_unknown"] else f"sends {lengths} over and over and makes"
    pool = f" ({clean(shape['pool'])})" if named else ""
    made, real = count(shape["tokens_per_s"]), count(shape["real_tokens_per_s"])
    return f"{whose}{pool} {does} {made} tokens a second, requests as long as yours {real}"


def _cache(rung: Json, facts: Json) -> str:
    share = facts.get("cached_share") or 0.0
    if not rung["usd_per_million"]:
        return "No cache at work: every prompt is computed whole."
    if rung["usd_per_million"] > 0:
        return f"{percent(share)} of input tokens were found in the cache, at no gain."
    return f"{percent(share)} of input tokens were found in the cache, and need no computing."


def _slo(rung: Json, facts: Json) -> str:
    pools: Sequence[Json] = facts.get("pools") or []
    kept = [pool for pool in pools if pool["requests_per_s"] is not None]
    reasons = [f"{clean(p['pool'])}: {p['reason']}" for p in pools if p["reason"]]
    if not kept:
        return f"Nothing ({'; '.join(reasons)})."
    rates = ", ".join(f"{significant(p['requests_per_s'])} ({clean(p['pool'])})" for p in kept)
    rest = f"; {'; '.join(reasons)}" if reasons else ""
    said = f"A replica that keeps its SLOs takes {rates} requests a second at most"
    if rung["usd_per_million"] < 0:
        return f"{said}, which is less than full but cheaper than the loop{rest}."
    return f"{said}, which leaves it less than full{rest}."


def _whole(rung: Json, facts: Json) -> str:
    need, whole = facts.get("needed_replicas") or 0.0, facts.get("whole_replicas") or 0.0
    return (
        f"You need {_some(need)} on average, but they come whole: {_some(whole)}, even if "
        "scaled perfectly every five minutes."
    )


def _headroom(rung: Json, facts: Json) -> str:
    paid, whole = facts.get("paid_replicas") or 0.0, facts.get("whole_replicas") or 0.0
    if rung["usd_per_million"] < 0:
        return (
            f"{_some(paid)} were paid where {_some(whole)} are needed: "
            "the fleet is too small for its SLO."
        )
    said = f"{_some(paid)} were paid where {_some(whole)} would do"
    if facts.get("quiet_gpu_share") is None or facts["quiet_hours_share"] < 0.1:
        return f"{said}."
    gpus, part = percent(facts["quiet_gpu_share"]), percent(facts["quiet_token_share"])
    quiet = "Quiet hours (less than half the busiest hour's demand):"
    return f"{said}. {quiet} {gpus} of your GPU-hours served {part} of your tokens."


def _some(replicas: float) -> str:
    """So many replicas; whole numbers as such.

    >>> _some(1.0), _some(2.25)
    ('1 replica', '2.25 replicas')
    """
    number = count(replicas) if replicas == round(replicas) else significant(replicas)
    return f"{number} replica{'' if replicas == 1 else 's'}"


def _cold(rung: Json, facts: Json) -> str:
    starts = facts.get("starts") or 0.0
    if not rung["usd_per_million"]:
        return "No replica was started for the load."
    parts = []
    if starts:
        parts.append(f"{significant(starts)} replicas were started, and paid before they served")
    if tails := facts.get("tails_usd"):
        parts.append(f"{dollars(tails)} went to nodes already given back")
    return f"{'; '.join(parts) or 'Replicas were paid before they served'}."


def _redundancy(rung: Json, facts: Json) -> str:
    parts = (
        ("surge_usd", "replicas more than usual during rollouts"),
        ("spares_usd", "spares"),
        ("floor_usd", "replicas held only since the pool may not have fewer"),
    )
    told = [f"{dollars(facts[key])} for {what}" for key, what in parts if facts.get(key)]
    return f"{', '.join(told)}." if told else "No spare replicas, no rollouts, no least number."


def _failures(rung: Json, facts: Json) -> str:
    expected = facts.get("expected_usd_per_month")
    formula = f" By formula {dollars(expected)} a month." if expected is not None else ""
    if not rung["usd_per_million"]:
        none = "Nothing failed." if expected is None else "Nothing failed in this run."
        return f"{none}{formula}"
    deaths = max(facts.get("deaths") or 0.0, facts.get("replacements") or 0.0)
    many = significant(deaths) if deaths < 100 else count(deaths)
    return f"{many} replicas were lost; they, or their successors, were paid unserving.{formula}"


def _clients(rung: Json, facts: Json) -> str:
    lost, waste = facts.get("lost_share") or 0.0, facts.get("waste_usd") or 0.0
    if not rung["usd_per_million"]:
        return "Every request was answered the first time."
    parts = []
    if lost > NOTHING:
        gone = f"{count(facts.get('not_completed'))} requests"
        parts.append(f"{percent(lost)} of the tokens asked for reached nobody ({gone} lost)")
    if waste:
        parts.append(f"{dollars(waste)} of work was for nothing")
    return f"{'; '.join(parts) or 'A few tokens were lost'}."


def _purchase(rung: Json, facts: Json) -> str:
    listed, paid = facts.get("list_usd") or 0.0, facts.get("paid_usd") or 0.0
    if not rung["usd_per_million"]:
        return "All nodes were paid at the list price."
    verb = "less" if paid < listed else "more"
    return (
        f"Nodes of {dollars(listed)} at list price cost {dollars(paid)}: {verb}, as you buy them."
    )


def _other(rung: Json, facts: Json) -> str:
    lines = facts.get("lines") or []
    if not lines:
        return "The bill has no other lines."
    names = [clean(name) for name, _ in lines[:LINES_NAMED]]
    more = f" and {len(lines) - LINES_NAMED} more" if len(lines) > LINES_NAMED else ""
    return f"What is paid beside the nodes: {', '.join(names)}{more}."


def _people(rung: Json, facts: Json) -> str:
    names = [clean(name) for name in facts.get("lines") or []]
    if not names:
        return "Nobody is paid to keep it running."
    return f"{dollars(facts.get('usd_per_month'))} a month for people: {', '.join(names)}."


_WORDS: dict[str, Callable[[Json, Json], str]] = {
    "real_lengths": _lengths,
    "prefix_cache": _cache,
    "latency_slo": _slo,
    "whole_replicas": _whole,
    "scaling_and_headroom": _headroom,
    "cold_starts": _cold,
    "redundancy": _redundancy,
    "failures": _failures,
    "clients": _clients,
    "purchase": _purchase,
    "other_lines": _other,
    "people": _people,
}


def headline(gap: Json) -> str:
    """What the ladder is about: from where to where, over how many tokens."""
    naive, real = gap.get("naive"), gap.get("real")
    factor = gap.get("factor")
    times = "" if factor is None else f", {significant(factor)} times as much"
    useful = tokens(gap.get("useful_tokens"))
    return f"From {dollars(naive)} to {dollars(real)} per 1M tokens{times} ({useful} useful tokens)"
