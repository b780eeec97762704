"""Summary: a usage and its account as plain nested dictionaries, the contract of `summary.json`.

Knows no clock. Numbers that cannot be told are None, and `undefined` says why.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from sim.cost.bill import Bill
from sim.cost.pricing import Prices
from sim.cost.quantity import useful_tokens
from sim.cost.statement import Cost, Statement
from sim.cost.teams import by_team, teams_of
from sim.cost.utilization import share
from sim.ledger.usage import WASTE_CAUSES, Figures, RouteOnPool, RouteUsage, TokenCounts, Usage
from sim.scenario.document import Scenario
from sim.studies.attainment import budget, slo_entry
from sim.studies.hosted import hosted_section

Tree = dict[str, Any]
"""A JSON object: keys to numbers, strings, None, lists and further trees."""

MEASURED = (
    "requests",
    "tokens",
    "latency",
    "utilization",
    "gpu_hours",
    "bill",
    "spent",
    "cost",
    "naive",
    "gap",
    "hosted",
    "routes",
    "teams",
    "pools",
)
"""Sections whose numbers have intervals."""

PER_REPLICATION = ("requests", "tokens", "latency", "utilization", "gpu_hours", "cost")
"""Sections that are also given for each replication, in the same shape."""


def account(usage: Usage, statement: Statement, scenario: Scenario) -> Tree:
    """All sections that say what happened and what it cost, without intervals and warnings."""
    hours = usage.window_s / 3600.0
    return {
        **_served(usage.overall, hours),
        "slo": [e for name in scenario.routes for e in _slo(name, usage, scenario)],
        "utilization": asdict(statement.utilization),
        "gpu_hours": asdict(statement.gpu_hours),
        "bill": _bill(statement.bill),
        "spent": asdict(statement.spent),
        "cost": _cost(statement.cost, any(r.reasoning_share for r in scenario.routes.values())),
        "naive": asdict(statement.naive),
        "gap": {**asdict(statement.gap), "rungs": []},
        "hosted": hosted_section(usage, scenario, statement),
        "routes": {
            name: _route(name, usage, statement, scenario, hours) for name in scenario.routes
        },
        "teams": _teams(usage, statement, scenario),
        "pools": {
            name: {
                "utilization": asdict(pool.utilization),
                "gpu_hours": asdict(pool.gpu_hours),
                "naive": asdict(pool.naive),
                "replicas": {"paid": pool.paid_replicas, "ready": pool.ready_replicas},
                "usd": pool.usd,
            }
            for name, pool in statement.pools.items()
        },
    }


def _served(route: RouteUsage, hours: float) -> Tree:
    return {
        "requests": {
            **{k: number(v) for k, v in asdict(route.requests).items()},
            "hosted": number(route.hosted.requests),
        },
        "tokens": _tokens(route, hours),
        "latency": {
            "ttft_s": _figures(route.ttft_s),
            "tpot_s": _figures(route.tpot_s),
            "e2e_s": _figures(route.e2e_s),
        },
    }


def _tokens(route: RouteUsage | RouteOnPool, hours: float) -> Tree:
    useful = route.useful
    return {
        "useful": _counts(useful),
        "useful_per_hour": (useful.input + useful.output) / hours,
        "wasted": {
            cause: {
                "input": number(route.wasted_input.get(cause, 0.0)),
                "output": number(route.wasted_output.get(cause, 0.0)),
            }
            for cause in WASTE_CAUSES
        },
        "hosted": {
            kind: number(getattr(route.hosted, kind))
            for kind in ("input", "cached_input", "output")
        },
    }


def _counts(counts: TokenCounts) -> Tree:
    return {k: number(v) for k, v in asdict(counts).items()}


def _figures(figures: Figures) -> Tree:
    return {**asdict(figures), "n": number(figures.n)}


def _slo(name: str, usage: Usage, scenario: Scenario) -> list[Tree]:
    return [slo_entry(name, figure, scenario.slo_windows) for figure in usage.routes[name].slo]


def _bill(bill: Bill) -> Tree:
    return {
        "total_usd": bill.total_usd,
        "usd_per_hour": bill.usd_per_hour,
        "usd_per_month": bill.usd_per_month,
        "lines": [{**asdict(line), "usd": line.usd} for line in bill.lines],
    }


VALUED = (
    "usd_per_million_useful_tokens",
    "usd_per_thousand_requests",
    "usd_per_million_goodput_tokens",
)
"""Prices that carry their interval with them, as `{value, ci95}`."""


VISIBLE = "usd_per_million_visible_output_tokens"
"""A price that is there only if some of the output is reasoning."""


def _prices(prices: Prices, reasons: bool) -> Tree:
    return {
        key: {"value": value, "ci95": None} if key in VALUED else value
        for key, value in asdict(prices).items()
        if reasons or key != VISIBLE
    }


def _cost(cost: Cost, reasons: bool) -> Tree:
    return {
        **_prices(cost.by_use, reasons),
        "components_usd": asdict(cost.components_usd),
        "by_peak": _prices(cost.by_peak, reasons),
    }


def _route(name: str, usage: Usage, statement: Statement, scenario: Scenario, hours: float) -> Tree:
    route, spec = statement.routes[name], scenario.routes[name]
    judged = usage.routes[name].windows
    return {
        **_where(name, usage, statement, scenario, hours),
        **_served(usage.routes[name], hours),
        "slo": _slo(name, usage, scenario),
        **({} if spec.slo is None else {"slo_budget": budget(judged, scenario.slo_windows)}),
        "cost": _cost(route.cost, spec.reasoning_share > 0),
        "usd": {
            "by_use": route.by_use_usd,
            "by_peak": route.by_peak_usd,
            "hosted": route.hosted_usd,
        },
    }


def _where(name: str, usage: Usage, statement: Statement, scenario: Scenario, hours: float) -> Tree:
    """The route's pool, or what each of its pools had of its requests, tokens and dollars."""
    destination, used = scenario.routes[name].pool, usage.routes[name]
    if isinstance(destination, str):
        return {"pool": destination}
    sent, paid = used.requests.arrived, statement.routes[name]
    return {
        "pools": {
            pool: {
                "requests": {
                    "sent": number(part.offered.requests),
                    "sent_share": share(part.offered.requests, sent),
                    "escalated": number(part.offered.escalated),
                    "completed": number(part.completed),
                },
                "tokens": _tokens(part, hours),
                "kv_block_hours": part.kv_block_hours,
                "cost": {"components_usd": asdict(paid.by_pool_components_usd[pool])},
                "usd": paid.by_pool_usd[pool],
            }
            for pool, part in used.by_pool.items()
        }
    }


def _teams(usage: Usage, statement: Statement, scenario: Scenario) -> Tree:
    """What each team's routes asked for and pay; empty if no route has a team."""
    teams = teams_of(scenario.routes)
    used, paid = usage.routes, statement.routes
    columns = {
        "requests": by_team(teams, {r: u.requests.arrived for r, u in used.items()}),
        "useful_tokens": by_team(teams, {r: useful_tokens(u) for r, u in used.items()}),
        "by_use": by_team(teams, {r: p.by_use_usd for r, p in paid.items()}),
        "by_peak": by_team(teams, {r: p.by_peak_usd for r, p in paid.items()}),
    }
    return {
        team: {
            "routes": list(routes),
            "requests": columns["requests"][team],
            "useful_tokens": columns["useful_tokens"][team],
            "usd": {way: columns[way][team] for way in ("by_use", "by_peak")},
        }
        for team, routes in teams.items()
    }


def number(value: float) -> float:
    """A count as an int where it is whole, so that it reads as one.

    >>> number(3.0), number(2.5)
    (3, 2.5)
    """
    value = float(value)
    return int(value) if value.is_integer() else value


def leaves(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, float | None]]:
    """Numbers and Nones below *tree* by dotted path; lists, texts and `ci95` are passed over.

    >>> dict(leaves({"cost": {"value": 1.0, "ci95": None}, "slo": [], "source": "x"}))
    {'cost.value': 1.0}
    """
    for key, value in tree.items():
        path = f"{prefix}{key}"
        if isinstance(value, Mapping):
            yield from leaves(value, f"{path}.")
        elif key != "ci95" and (value is None or isinstance(value, int | float)):
            yield path, value


def measured(tree: Tree) -> dict[str, float | None]:
    """The numbers of an account that may have an interval, by dotted path."""
    sections = {s: tree[s] for s in MEASURED if tree[s] is not None}
    return dict(leaves(sections))


def fill_ci95(tree: Tree, intervals: Mapping[str, list[float] | None], prefix: str = "") -> None:
    """Set every `ci95` below *tree* to the interval of the `value` beside it, in place."""
    for key, value in tree.items():
        if not isinstance(value, dict):
            continue
        path = f"{prefix}{key}"
        if "ci95" in value:
            value["ci95"] = intervals.get(f"{path}.value")
        fill_ci95(value, intervals, f"{path}.")


def undefined(tree: Tree) -> Iterator[Tree]:
    """A warning for each number of an account that is None."""
    for path, value in measured(tree).items():
        if value is None:
            code, text = _reason(path)
            yield {"code": code, "path": path, "text": text}
    for i, entry in enumerate(tree["slo"]):
        if entry["value_s"] is None:
            text = f"no completed request has a {entry['metric']}"
            text = f"undecided: {text}" if entry["met"] is None else f"missed: {text}"
            yield {"code": "undefined", "path": f"slo.{i}.value_s", "text": text}
        elif entry["windows_met_share"] is None:
            text = "no 5-minute window has enough samples; the SLO is judged by the quantile alone"
            yield {"code": "thin-windows", "path": f"slo.{i}.windows_met_share", "text": text}


def remarkable(tree: Tree) -> Iterator[Tree]:
    """A warning for each number of an account that is right but looks wrong."""
    utilization = tree["utilization"]["benchmark"]
    if utilization is None or utilization <= 1.0:
        return
    useful = tree["tokens"]["useful"]
    if useful["cached_input"]:
        part = useful["cached_input"] / useful["input"]
        why = (
            f"{part:.0%} of useful input came from the prefix cache, which the benchmark is without"
        )
    else:
        why = "the useful requests were lighter than the mean request, at which the benchmark runs"
    text = f"above 1, since {why}"
    yield {"code": "above-benchmark", "path": "utilization.benchmark", "text": text}


NO_TOKENS = "undefined: there are no such tokens to divide the money by"

REASONS = {
    "mean": ("undefined", "undefined: no completed request has this latency"),
    "p50": ("thin-tail", "undefined: fewer than 20 samples"),
    "p95": ("thin-tail", "undefined: fewer than 200 samples"),
    "p99": ("thin-tail", "undefined: fewer than 1,000 samples"),
    "usd_per_thousand_requests": ("undefined", "undefined: no request was completed"),
    "used": ("undefined", "undefined: there is no window that may miss an SLO"),
    "factor": ("undefined", "undefined: the naive or the real price is"),
    "naive": ("undefined", "undefined: no pool has a benchmark to compare with"),
    "real": ("undefined", NO_TOKENS),
}
"""Code and text by the key of a number that is None (`value` stands for the key above it)."""


def _reason(path: str) -> tuple[str, str]:
    keys = [key for key in path.split(".") if key != "value"]
    if "utilization" in keys[-2:]:
        return "undefined", "undefined: nothing was paid for"
    if keys == ["hosted", "factor"]:
        return "undefined", "undefined: some route has no API, so it is not the same traffic"
    if "naive" in keys[-2:-1]:
        return "undefined", "undefined: no requests came whose mean lengths a benchmark could have"
    return REASONS.get(keys[-1], ("undefined", NO_TOKENS))
