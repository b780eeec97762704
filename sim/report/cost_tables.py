"""Cost tables: prices of tokens, and what routes pay; knows no clock."""

from __future__ import annotations

from sim.report.numerals import count, dollars, tokens
from sim.report.summary import Summary
from sim.report.table import Table, table


def per_thousand(summary: Summary, usd_per_million: float | None, n: float | None) -> str:
    """What *n* tokens at a price per million come to, per 1,000 completed requests."""
    completed = summary.number("requests.completed")
    if usd_per_million is None or n is None or not completed:
        return dollars(None)
    return dollars(usd_per_million * n / 1e6 / completed * 1e3)


def uncached_input(summary: Summary) -> float | None:
    """Useful input tokens that were not found in the prefix cache."""
    whole, cached = (summary.number(f"tokens.useful.{k}") for k in ("input", "cached_input"))
    return None if whole is None or cached is None else whole - cached


def useful_tokens(summary: Summary) -> float | None:
    """Useful tokens, input and output together."""
    both = [summary.number(f"tokens.useful.{k}") for k in ("input", "output")]
    return None if None in both else sum(n for n in both if n is not None)


def prices(summary: Summary) -> Table:
    """Input, cached input and output prices by use and by peak, beside the naive ones."""
    kinds = (
        ("input, not cached", "input", uncached_input(summary)),
        ("input, cached", "cached_input", summary.number("tokens.useful.cached_input")),
        ("output", "output", summary.number("tokens.useful.output")),
    )
    # Of no cached tokens there is nothing to say; of no others there is, since money is lost.
    shown = [kind for kind in kinds if kind[1] != "cached_input" or kind[2] != 0]
    rows = [_price(summary, label, key, n) for label, key, n in shown]
    rows.append(_price_of_all(summary))
    heads = ["useful\ntokens", "real $\nper 1M", "real $ per\n1k requests", "by peak $\nper 1M"]
    heads += ["naive $\nper 1M", "naive $ per\n1k requests"]
    return table("Prices", ["<tokens", *heads], rows, _price_note(summary), total=True)


def _price(summary: Summary, label: str, key: str, n: float | None) -> tuple[str, ...]:
    path = f"usd_per_million_{key}_tokens"
    real, naive = summary.number(f"cost.{path}"), summary.number(f"naive.{path}")
    peak = summary.number(f"cost.by_peak.{path}")
    # The benchmark runs without a prefix cache, so it has no price for cached input.
    none = key == "cached_input"
    return (
        *(label, tokens(n), dollars(real), per_thousand(summary, real, n), dollars(peak)),
        "-" if none else dollars(naive),
        "-" if none else per_thousand(summary, naive, n),
    )


def _price_of_all(summary: Summary) -> tuple[str, ...]:
    real = summary.number("cost.usd_per_million_useful_tokens.value")
    per_request = summary.number("cost.usd_per_thousand_requests.value")
    naive = summary.number("naive.usd_per_million_tokens")
    n = useful_tokens(summary)
    # However it is shared among routes, the bill is the same, and so is the price of all tokens.
    money = (dollars(real), dollars(per_request), dollars(real))
    return "all useful tokens", tokens(n), *money, dollars(naive), per_thousand(summary, naive, n)


def _price_note(summary: Summary) -> str:
    template = summary.number("tokens.useful.template") or 0.0
    parts = []
    if template:
        parts.append(f"Input includes {tokens(template)} tokens of hidden templates.")
    if reasoning := summary.number("tokens.useful.reasoning"):
        visible = dollars(summary.number("cost.usd_per_million_visible_output_tokens"))
        parts.append(f"Output includes {tokens(reasoning)} tokens of reasoning that nobody sees:")
        parts.append(f"{visible} per 1M of visible output.")
    if hosted := summary.number("requests.hosted"):
        parts.append(f"A hosted API answered {count(hosted)} requests, at its own prices.")
    for key, text in (("unpriced", "money of no useful token"), ("unallocated", "no route's")):
        usd = summary.number(f"cost.{key}_usd") or 0.0
        if usd:
            parts.append(f"{key.capitalize()}: {dollars(usd)} ({text}).")
    return " ".join(parts)


def routes_money(summary: Summary) -> Table:
    """A row per route: what it asked for and what it costs."""
    heads = [
        "requests",
        "useful\ntokens",
        "$ per 1M",
        "$ per 1k\nrequests",
        "$ by use",
        "$ by peak",
    ]
    rows = [(n, *_route_money(summary.part("routes", n))) for n in summary.names("routes")]
    note = "By use: by work done. By peak: the busiest hours' replicas are paid by who needs them."
    return table("Routes: what they cost", ["<route", *heads], rows, note)


def _route_money(route: Summary) -> tuple[str, ...]:
    return (
        count(route.number("requests.arrived")),
        tokens(useful_tokens(route)),
        dollars(route.number("cost.usd_per_million_useful_tokens.value")),
        dollars(route.number("cost.usd_per_thousand_requests.value")),
        dollars(route.number("usd.by_use")),
        dollars(route.number("usd.by_peak")),
    )
