"""A summary as a run of two routes on one pool would give it, built so that every identity holds.

Counts and rates are made up; everything else follows from them by the definitions of the contract.
"""

from __future__ import annotations

from typing import Any

WINDOW_S = 7 * 86_400.0
MONTH_HOURS = 730.0
TOKENS_PER_S = 15_020.0
LIST_USD = 3.99
NODES = 4
A_PRE, A_RENT, A_OUT = 2.2e-5, 0.6e-5, 1.9e-4
WASTE = ("timed_out", "failed", "cancelled", "preempted", "retried", "not_useful")
STATES = {"starting": 6.0, "draining": 0.0, "failed": 1.3, "unplaced": 0.0, "committed_unused": 0.0}

STATES_OF_REQUESTS = ("completed", "rejected", "timed_out", "failed", "cancelled", "in_flight")
COUNTED_APART = ("attempts", "retried", "in_slo")
COUNTS = {
    "chat": dict(
        zip(
            (*STATES_OF_REQUESTS, *COUNTED_APART),
            (2_412_950, 3_900, 1_800, 510, 0, 40, 2_419_710, 510, 2_371_000),
            strict=True,
        )
    ),
    "summaries": dict(
        zip(
            (*STATES_OF_REQUESTS, *COUNTED_APART),
            (241_640, 205, 61, 12, 0, 2, 241_932, 12, 214_000),
            strict=True,
        )
    ),
}
SHAPES = {"chat": (1755, 590, 600, 211), "summaries": (6300, 196, 200, 180)}
WASTED = {
    "chat": {"timed_out": (2.9e6, 0.21e6), "failed": (0.9e6, 0.05e6), "preempted": (1.1e6, 0.0)},
    "summaries": {"timed_out": (0.37e6, 0.004e6), "failed": (0.07e6, 0.001e6)},
}
LATENCY = {
    "chat": {"ttft_s": (0.118, 0.0824, 0.291, 0.702), "tpot_s": (0.0141, 0.0137, 0.0182, 0.0243),
             "e2e_s": (3.08, 2.61, 7.44, 11.9)},
    "summaries": {"ttft_s": (0.412, 0.338, 1.07, 1.92), "tpot_s": (0.0149, 0.0143, 0.0199, 0.0277),
                  "e2e_s": (3.09, 2.83, 6.71, 9.4)},
}  # fmt: skip
SLOS = [
    ("chat", "ttft", 0.95, 1.0, 0.291, True, 0.9965, {"start_s": 207_300.0, "value_s": 4.18}),
    ("chat", "tpot", 0.95, 0.06, 0.0182, True, 1.0, {"start_s": 208_200.0, "value_s": 0.0561}),
    ("summaries", "ttft", 0.95, 1.0, 1.07, False, 0.8403, {"start_s": 0.0, "value_s": 9.6}),
]
BUDGETS = {
    "chat": {"windows": 2016, "bad": 7, "allowed": 20.16, "used": 7 / 20.16},
    "summaries": {"windows": 2016, "bad": 322, "allowed": 20.16, "used": 322 / 20.16},
}
BILL = [
    ("nodes", "node", "main", "node_hours", NODES * WINDOW_S / 3600, LIST_USD),
    ("storage", "infra", None, "node_hours", NODES * WINDOW_S / 3600, 0.05),
    ("monitoring", "infra", None, "node_hours", NODES * WINDOW_S / 3600, 0.08),
    ("orchestration", "infra", None, "hours", WINDOW_S / 3600, 0.10),
    ("engineering", "people", None, "months", WINDOW_S / 3600 / MONTH_HOURS, 9000.0),
]


def _tokens(name: str) -> dict[str, Any]:
    n, (inp, cached, template, out) = COUNTS[name]["completed"], SHAPES[name]
    useful = {"input": n * inp, "cached_input": n * cached, "template": n * template}
    useful |= {"output": n * out, "reasoning": 0}
    wasted = {
        c: dict(zip(("input", "output"), WASTED[name].get(c, (0.0, 0.0)), strict=True))
        for c in WASTE
    }
    return {
        "useful": {k: float(v) for k, v in useful.items()},
        "useful_per_hour": (useful["input"] + useful["output"]) / (WINDOW_S / 3600),
        "wasted": wasted,
        "hosted": dict.fromkeys(("input", "cached_input", "output"), 0.0),
    }


def _requests(name: str) -> dict[str, float]:
    arrived = sum(COUNTS[name][s] for s in STATES_OF_REQUESTS)
    counts = {k: float(v) for k, v in COUNTS[name].items()}
    return {"arrived": float(arrived), **counts, "hosted": 0.0}


def _latency(name: str) -> dict[str, Any]:
    keys = ("mean", "p50", "p95", "p99")
    n = float(COUNTS[name]["completed"])
    return {m: {**dict(zip(keys, v, strict=True)), "n": n} for m, v in LATENCY[name].items()}


def _slo(name: str | None = None) -> list[dict[str, Any]]:
    keys = ("route", "metric", "quantile", "target_s", "value_s", "met", "windows_met_share",
            "worst_window")  # fmt: skip
    return [dict(zip(keys, row, strict=True)) for row in SLOS if name in (None, row[0])]


def _sum(parts: list[dict[str, Any]]) -> dict[str, Any]:
    """Add mappings of numbers key by key."""
    first = parts[0]
    return {
        k: _sum([p[k] for p in parts]) if isinstance(first[k], dict) else sum(p[k] for p in parts)
        for k in first
    }


def _seconds(tokens: dict[str, Any]) -> dict[str, float]:
    """Reference seconds of the useful tokens, by what they are charged for, and of the waste."""
    useful = tokens["useful"]
    uncached = useful["input"] - useful["cached_input"]
    wasted = tokens["wasted"].values()
    return {
        "input": (A_PRE + A_RENT) * uncached,
        "cached_input": A_RENT * useful["cached_input"],
        "output": A_OUT * useful["output"],
        "waste": sum((A_PRE + A_RENT) * w["input"] + A_OUT * w["output"] for w in wasted),
    }


def _figure(value: float, spread: float = 0.013) -> dict[str, Any]:
    return {"value": value, "ci95": [value * (1 - spread), value * (1 + spread)]}


def _components(usd: float) -> dict[str, Any]:
    return {
        "prefill": usd * 0.4,
        "context_rent": usd * 0.2,
        "cached_attention": 0.0,
        "decode": usd * 0.4,
    }


def _prices(usd: float, tokens: dict[str, Any], requests: dict[str, float]) -> dict[str, Any]:
    useful, seconds = tokens["useful"], _seconds(tokens)
    per_second = usd / (seconds["input"] + seconds["cached_input"] + seconds["output"])
    uncached = useful["input"] - useful["cached_input"]
    million = useful["input"] + useful["output"]
    return {
        "usd_per_million_useful_tokens": _figure(usd / million * 1e6),
        "usd_per_thousand_requests": _figure(usd / requests["completed"] * 1e3),
        "usd_per_million_goodput_tokens": _figure(
            usd / million * 1e6 * requests["completed"] / requests["in_slo"]
        ),
        "usd_per_million_input_tokens": seconds["input"] * per_second / uncached * 1e6,
        "usd_per_million_cached_input_tokens": seconds["cached_input"]
        * per_second / useful["cached_input"] * 1e6,
        "usd_per_million_output_tokens": seconds["output"] * per_second / useful["output"] * 1e6,
    }  # fmt: skip


def _bill() -> dict[str, Any]:
    keys = ("line", "kind", "pool", "driver", "quantity", "unit_usd")
    lines = [{**dict(zip(keys, row, strict=True)), "usd": row[4] * row[5]} for row in BILL]
    total = sum(line["usd"] for line in lines)
    per_hour = total / (WINDOW_S / 3600)
    return {
        "total_usd": total,
        "usd_per_hour": per_hour,
        "usd_per_month": per_hour * MONTH_HOURS,
        "lines": lines,
    }


def _naive() -> dict[str, Any]:
    usd_per_s = LIST_USD / 3600
    return {
        "tokens_per_s": TOKENS_PER_S,
        "usd_per_million_tokens": usd_per_s / TOKENS_PER_S * 1e6,
        "usd_per_million_input_tokens": usd_per_s * (A_PRE + A_RENT) * 1e6,
        "usd_per_million_output_tokens": usd_per_s * A_OUT * 1e6,
        "source": "closed loop at concurrency 256, 2168 input and 208 output tokens",
    }


def _gpu_hours(seconds: dict[str, float]) -> dict[str, float]:
    paid = NODES * WINDOW_S / 3600
    useful = (seconds["input"] + seconds["cached_input"] + seconds["output"]) / 3600
    waste = seconds["waste"] / 3600
    idle = 11.5
    slack = paid - useful - waste - idle - sum(STATES.values())
    states = {"reference_useful": useful, "reference_waste": waste, "slack": slack, "idle": idle}
    return {"paid": paid, **states, **STATES}


def summary() -> dict[str, Any]:
    """A fresh copy of the document; change it at will."""
    names = list(COUNTS)
    tokens = {n: _tokens(n) for n in names}
    requests = {n: _requests(n) for n in names}
    all_tokens, all_requests = _sum(list(tokens.values())), _sum(list(requests.values()))
    seconds = _seconds(all_tokens)
    bill, naive, paid = _bill(), _naive(), _gpu_hours(seconds)
    useful = all_tokens["useful"]["input"] + all_tokens["useful"]["output"]
    cost = _prices(bill["total_usd"], all_tokens, all_requests)
    real = cost["usd_per_million_useful_tokens"]["value"]
    shares = {n: sum(_seconds(tokens[n]).values()) / sum(seconds.values()) for n in names}
    peaks = {"chat": shares["chat"] + 0.03, "summaries": shares["summaries"] - 0.03}
    utilization = {
        "busy": 0.974,
        "useful": paid["reference_useful"] / paid["paid"],
        "benchmark": useful / (3600 * TOKENS_PER_S) / paid["paid"],
        "kv": 0.112,
    }
    intervals: dict[str, Any] = {
        f"routes.{n}.latency.{m}.p95": [v[2] * 0.98, v[2] * 1.02]
        for n in names
        for m, v in LATENCY[n].items()
    }
    intervals["cost.usd_per_million_useful_tokens"] = cost["usd_per_million_useful_tokens"]["ci95"]
    return {
        "scenario": "support-assistant",
        "seed": 7,
        "replications": 5,
        "window_s": WINDOW_S,
        "per_replication": [],
        "intervals": intervals,
        "requests": all_requests,
        "tokens": all_tokens,
        "latency": _latency("chat"),
        "slo": _slo(),
        "utilization": utilization,
        "gpu_hours": paid,
        "bill": bill,
        "cost": {
            **cost,
            "unpriced_usd": 0.0,
            "unallocated_usd": 0.0,
            "components_usd": _components(bill["total_usd"]),
            "by_peak": _prices(bill["total_usd"], all_tokens, all_requests),
        },
        "naive": naive,
        "gap": {
            "naive": naive["usd_per_million_tokens"],
            "real": real,
            "factor": real / naive["usd_per_million_tokens"],
            "rungs": [],
        },
        "hosted": None,
        "routes": {
            n: {
                "pool": "main",
                "requests": requests[n],
                "tokens": tokens[n],
                "latency": _latency(n),
                "slo": _slo(n),
                "slo_budget": dict(BUDGETS[n]),
                "cost": {
                    **_prices(bill["total_usd"] * shares[n], tokens[n], requests[n]),
                    "components_usd": _components(bill["total_usd"] * shares[n]),
                },
                "usd": {
                    "by_use": bill["total_usd"] * shares[n],
                    "by_peak": bill["total_usd"] * peaks[n],
                    "hosted": 0.0,
                },
            }
            for n in names
        },
        "pools": {
            "main": {
                "utilization": utilization,
                "gpu_hours": paid,
                "naive": naive,
                "replicas": {"paid": float(NODES), "ready": NODES - 7.3 / (WINDOW_S / 3600)},
                "usd": bill["total_usd"],
            }
        },
        "warnings": [
            {
                "code": "guessed_card_factor",
                "path": "pools.main.gpu",
                "text": "the compute factor 1.15 of h100-sxm is a guess (1.0 to 1.3): nobody has "
                "measured whole serving runs on this card yet",
            }
        ],
        "versions": {"tokenfleet": "0.1.0", "python": "3.11.9", "numpy": "2.4.6", "simpy": "4.1.2"},
    }
