import json
import math
from dataclasses import replace
from typing import Any

import jsonschema
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usages import BENCHMARKS, FLEET, LIVING, hand_usage, placed, scenario, usages

from sim.ledger.usage import PoolUsage, RouteUsage, TokenCounts, Usage
from sim.scenario.document import Scenario
from sim.scenario.notice import Notice
from sim.simulation import Run
from sim.studies.result import Result

HAND = {"main": BENCHMARKS["main"]}


def a_run(usage: Usage) -> Run:
    return Run(usage=usage, refused={})


def hand_result(*scales: float) -> Result:
    """Replications like the hand-made one, with so many times its useful output."""
    base = hand_usage()
    chat = base.routes["chat"]
    made = []
    for scale in scales or (1.0,):
        more = replace(chat, useful=replace(chat.useful, output=chat.useful.output * scale))
        made.append(a_run(replace(base, routes={"chat": more}, overall=more)))
    return Result(scenario(), tuple(made), HAND)


NUM = {"type": ["number", "null"]}
COUNT = {"type": "number", "minimum": 0}
PAIR = {
    "anyOf": [
        {"type": "null"},
        {"type": "array", "items": {"type": "number"}, "minItems": 2, "maxItems": 2},
    ]
}


def keys(of: Any, *names: str) -> dict[str, Any]:
    """An object with just these keys, each as *of*."""
    return obj(dict.fromkeys(" ".join(names).split(), of))


def obj(properties: dict[str, Any], **maybe: Any) -> dict[str, Any]:
    """An object that has all of *properties*, and may have those of *maybe*."""
    return {
        "type": "object",
        "properties": {**properties, **maybe},
        "required": list(properties),
        "additionalProperties": False,
    }


def each(of: Any) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": of}


VALUED = obj({"value": NUM, "ci95": PAIR})
STATES = "reference_useful reference_waste slack idle starting draining failed unplaced"
PRICES = {
    "usd_per_million_useful_tokens": VALUED,
    "usd_per_thousand_requests": VALUED,
    "usd_per_million_goodput_tokens": VALUED,
    "usd_per_million_input_tokens": NUM,
    "usd_per_million_cached_input_tokens": NUM,
    "usd_per_million_output_tokens": NUM,
    "unpriced_usd": {"type": "number"},
    "unallocated_usd": {"type": "number"},
}
VISIBLE = {"usd_per_million_visible_output_tokens": NUM}
COST = obj(
    {
        **PRICES,
        "components_usd": keys({"type": "number"}, "prefill context_rent cached_attention decode"),
        "by_peak": obj(PRICES, **VISIBLE),
    },
    **VISIBLE,
)
REQUESTS = keys(
    COUNT,
    "arrived completed rejected timed_out failed cancelled in_flight attempts retried in_slo",
    "escalated",
    "hosted",
)
WASTE = "timed_out failed cancelled preempted retried escalated not_useful"
TOKENS = obj(
    {
        "useful": keys(COUNT, "input cached_input template output reasoning"),
        "useful_per_hour": COUNT,
        "wasted": keys(keys(COUNT, "input output"), WASTE),
        "hosted": keys(COUNT, "input cached_input output"),
    }
)
FIGURES = obj({**dict.fromkeys(("mean", "p50", "p95", "p99"), NUM), "n": COUNT})
LATENCY = keys(FIGURES, "ttft_s tpot_s e2e_s")
SLO = {
    "type": "array",
    "items": obj(
        {
            "route": {"type": "string"},
            "metric": {"type": "string"},
            "quantile": NUM,
            "target_s": NUM,
            "value_s": NUM,
            "met": {"type": ["boolean", "null"]},
            "windows_met_share": NUM,
            "worst_window": {"anyOf": [{"type": "null"}, keys(NUM, "start_s value_s")]},
        }
    ),
}
UTILIZATION = keys(NUM, "busy useful benchmark kv")
HOURS = keys({"type": "number"}, "paid", STATES, "committed_unused")
NAIVE = obj(
    {
        "tokens_per_s": NUM,
        "usd_per_million_tokens": NUM,
        "usd_per_million_input_tokens": NUM,
        "usd_per_million_output_tokens": NUM,
        "source": {"type": ["string", "null"]},
    }
)
SERVED = {"requests": REQUESTS, "tokens": TOKENS, "latency": LATENCY}
LINE = obj(
    {
        "line": {"type": "string"},
        "kind": {"enum": ["node", "commitment", "infra", "people", "hosted"]},
        "pool": {"type": ["string", "null"]},
        "driver": {"type": "string"},
        "quantity": {"type": "number"},
        "unit_usd": {"type": "number"},
        "source": {"type": "string"},
        "price_row": {"type": ["string", "null"]},
        "usd": {"type": "number"},
    }
)
MONEY = {"type": "number"}
SPENT = obj(
    {
        **dict.fromkeys(
            [
                "useful_work",
                "slack",
                "idle",
                "starting",
                "draining",
                "failed",
                "unplaced",
                "unused_commitment",
            ],
            MONEY,
        ),
        **dict.fromkeys(("infra", "people", "hosted"), MONEY),
        "waste": each(MONEY),
    }
)
ASSUMPTION = keys({"type": "string"}, "path says source doubt")
SUMMARY = obj(
    {
        "scenario": {"type": "string"},
        "seed": {"type": "integer"},
        "replications": {"type": "integer", "minimum": 1},
        "window_s": {"type": "number"},
        "per_replication": {
            "type": "array",
            "items": obj(
                {
                    "replication": {"type": "integer"},
                    **SERVED,
                    "utilization": UTILIZATION,
                    "gpu_hours": HOURS,
                    "cost": COST,
                }
            ),
        },
        "intervals": each(PAIR),
        **SERVED,
        "slo": SLO,
        "utilization": UTILIZATION,
        "gpu_hours": HOURS,
        "bill": obj(
            {
                "total_usd": {"type": "number"},
                "usd_per_hour": {"type": "number"},
                "usd_per_month": {"type": "number"},
                "lines": {"type": "array", "items": LINE},
            }
        ),
        "cost": COST,
        "naive": NAIVE,
        "gap": obj({"naive": NUM, "real": NUM, "factor": NUM, "rungs": {"const": []}}),
        "hosted": {"type": ["null", "object"]},
        "spent": SPENT,
        "teams": {"type": "object"},
        "assumptions": {"type": "array", "items": ASSUMPTION},
        "routes": each(
            obj(
                {
                    "pool": {"type": "string"},
                    **SERVED,
                    "slo": SLO,
                    "cost": COST,
                    "usd": keys({"type": "number"}, "by_use by_peak hosted"),
                },
                slo_budget=obj({**keys(COUNT, "windows bad allowed")["properties"], "used": NUM}),
            )
        ),
        "pools": each(
            obj(
                {
                    "utilization": UTILIZATION,
                    "gpu_hours": HOURS,
                    "naive": NAIVE,
                    "replicas": keys(COUNT, "paid ready"),
                    "usd": {"type": "number"},
                }
            )
        ),
        "warnings": {"type": "array", "items": keys({"type": "string"}, "code path text")},
        "versions": each({"type": "string"}),
    }
)


def at(tree: Any, path: str) -> Any:
    for key in path.split("."):
        tree = tree[key]
    return tree


def check(result: Result) -> dict[str, Any]:
    """The summary, valid, finite, and with a reason for every None."""
    summary = result.summary()
    assert summary == json.loads(json.dumps(summary, allow_nan=False))
    jsonschema.validate(summary, SUMMARY)
    told = {w["path"] for w in summary["warnings"]}
    for path in summary["intervals"]:
        value = at(summary, path)
        assert value is not None or path in told
    assert "hosted" in told
    return summary


def test_summary_of_one_replication() -> None:
    summary = check(hand_result())
    assert summary["replications"] == len(summary["per_replication"]) == 1
    assert set(summary["intervals"].values()) == {None}
    assert "cost.usd_per_million_useful_tokens.value" in summary["intervals"]
    codes = [w["code"] for w in summary["warnings"]]
    assert codes.count("one-replication") == 1
    assert codes.count("no-hosted") == 1
    assert summary["cost"]["usd_per_million_useful_tokens"]["ci95"] is None


def test_means_are_means_and_ratios_are_ratios_of_means() -> None:
    summary = check(hand_result(1.0, 3.0))
    assert summary["tokens"]["useful"]["output"] == 450_000
    real = summary["cost"]["usd_per_million_useful_tokens"]["value"]
    assert real == pytest.approx(3.6 / 0.9)
    each_one = [
        r["cost"]["usd_per_million_useful_tokens"]["value"] for r in summary["per_replication"]
    ]
    assert each_one == pytest.approx([3.6 / 0.675, 3.6 / 1.125])


def test_intervals_by_hand() -> None:
    """Outputs 225,000 x (1, 2, 3): Student t over them, jackknife over $3.6 by tokens."""
    summary = check(hand_result(1.0, 2.0, 3.0))
    low, high = summary["intervals"]["tokens.useful.output"]
    assert (low, high) == pytest.approx((450_000 - 558_930.99, 450_000 + 558_930.99), rel=1e-6)
    tokens = [675_000.0, 900_000.0, 1_125_000.0]
    pseudo = [
        3 * 3.6 / 0.9 - 2 * 3.6e6 / (sum(t for t in tokens if t != left) / 2) for left in tokens
    ]
    half = 4.30265273 * np.std(pseudo, ddof=1) / math.sqrt(3)
    expected = [np.mean(pseudo) - half, np.mean(pseudo) + half]
    pair = summary["cost"]["usd_per_million_useful_tokens"]["ci95"]
    assert pair == pytest.approx(expected, rel=1e-6)
    assert summary["intervals"]["cost.usd_per_million_useful_tokens.value"] == pair
    assert summary["intervals"]["cost.usd_per_million_useful_tokens"] == pair
    assert summary["routes"]["chat"]["cost"]["usd_per_million_useful_tokens"]["ci95"] == pair


def test_what_did_not_differ_has_no_interval() -> None:
    intervals = check(hand_result(1.0, 2.0))["intervals"]
    assert intervals["bill.total_usd"] is None
    assert intervals["tokens.useful.output"] is not None


def test_same_replications_are_said_to_be() -> None:
    summary = check(hand_result(1.0, 1.0, 1.0))
    assert set(summary["intervals"].values()) == {None}
    codes = [w["code"] for w in summary["warnings"]]
    assert codes.count("same-replications") == 1
    assert "one-replication" not in codes


def test_notices_are_told_once() -> None:
    stale = Notice("stale-price", "pools.main.node.price", "the price is old")
    runs = (a_run(hand_usage()), a_run(hand_usage()))
    summary = check(Result(scenario(), runs, HAND, notices=(stale, stale)))
    assert [w["path"] for w in summary["warnings"]].count("pools.main.node.price") == 1
    assert summary["warnings"][0] == {
        "code": "stale-price",
        "path": "pools.main.node.price",
        "text": "the price is old",
    }


def test_a_run_without_a_request() -> None:
    quiet = Usage(
        3600.0,
        {"chat": RouteUsage(ended_by_interval=np.zeros((12, 3)))},
        {"main": PoolUsage(3600.0, idle_s=3600.0, node_s=3600.0, paid_by_interval=np.ones(12))},
        RouteUsage(),
    )
    summary = check(Result(scenario(), (a_run(placed(quiet, scenario())),), {}))
    assert summary["cost"]["usd_per_million_useful_tokens"]["value"] is None
    assert summary["cost"]["unallocated_usd"] == pytest.approx(3.6)
    assert summary["gap"]["factor"] is None
    assert summary["utilization"]["busy"] == 0.0


def test_summaries_are_fresh() -> None:
    result = hand_result(1.0, 2.0)
    first = result.summary()
    first["cost"]["by_peak"].clear()
    first["intervals"].clear()
    assert result.summary() == check(result)


@pytest.mark.parametrize("of", [FLEET, LIVING], ids=["plain", "living"])
@settings(max_examples=8, deadline=None)
@given(data=st.data())
def test_any_usages_make_a_valid_summary(of: Scenario, data: st.DataObject) -> None:
    made = data.draw(st.lists(usages(of), min_size=1, max_size=3))
    summary = check(Result(of, tuple(a_run(u) for u in made), BENCHMARKS))
    usd = math.fsum(line["usd"] for line in summary["bill"]["lines"])
    assert usd == pytest.approx(summary["bill"]["total_usd"], rel=1e-9)
    cost = summary["cost"]
    useful = TokenCounts(
        *(math.fsum(r["tokens"]["useful"][k] for r in summary["routes"].values())
          for k in ("input", "cached_input", "template", "output"))
    )  # fmt: skip
    for prices in (cost, cost["by_peak"]):
        whole = math.fsum(
            [
                (prices["usd_per_million_input_tokens"] or 0.0)
                * (useful.input - useful.cached_input)
                / 1e6,
                (prices["usd_per_million_cached_input_tokens"] or 0.0) * useful.cached_input / 1e6,
                (prices["usd_per_million_output_tokens"] or 0.0) * useful.output / 1e6,
                prices["unpriced_usd"],
                prices["unallocated_usd"],
            ]
        )
        assert whole == pytest.approx(usd, rel=1e-9)
