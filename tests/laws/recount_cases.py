"""Small scenarios, each of which does something that the account must not lose sight of."""

from __future__ import annotations

from typing import Any

TIMING = {
    "knots_tokens": [1, 256, 8192], "knots_s": [0.006, 0.009, 0.21],
    "per_context_token_s": 4e-8, "per_attention_pair_s": 3e-9,
}  # fmt: skip
API = {
    "usd_per_million_input": 2.5, "usd_per_million_cached_input": 0.25,
    "usd_per_million_output": 10.0, "ttft": "600ms", "tpot": "15ms",
}  # fmt: skip
BILL = [
    {"line": "storage", "driver": "node_hours", "usd": 0.05},
    {"line": "licence", "driver": "gpu_hours", "usd": 0.5},
    {"line": "gateway", "driver": "requests", "usd": 1e-4},
    {"line": "guard", "driver": "million_tokens", "usd": 0.2},
    {"line": "egress", "driver": "egress_gb", "usd": 900.0},
    {"line": "orchestration", "driver": "hours", "usd": 0.1},
    {"line": "team", "driver": "months", "usd": 900.0},
]


def pool(**changes: Any) -> dict[str, Any]:
    usual = {
        "timing": TIMING,
        "kv_tokens": 60_000,
        "node": {"usd_per_hour": 4.0},
        "startup": "none",
    }
    return {**usual, **changes}


def route(rps: float, **changes: Any) -> dict[str, Any]:
    lengths = {
        "input_tokens": {"lognormal": {"median": 500, "p95": 3000}, "max": 8000},
        "output_tokens": {"lognormal": {"median": 80, "p95": 400}, "max": 1000},
    }
    return {"pool": "main", "arrivals": {"rps": rps}, **lengths, **changes}


STARTUP = {"provision": "60s", "pull": "0s", "load": "30s", "init": "20s", "first_request": "1s"}
SLO = {"ttft_p95": "300ms", "tpot_p50": "9ms", "e2e_p95": "2s"}
CASES: dict[str, dict[str, Any]] = {
    "plain": {
        "routes": {"chat": route(3.0, slo=SLO), "code": route(1.0, template_tokens=800)},
        "pools": {"main": pool(replicas=2)},
    },
    "two pools, all lines, a tight cache": {
        "routes": {"chat": route(4.0, template_tokens=64), "batch": route(8.0, pool="tight")},
        "pools": {
            "main": pool(),
            "tight": pool(kv_tokens=9_000, queue_limit=6, node={"usd_per_hour": 2.0}),
        },
        "bill": BILL,
    },
    "clients who try again": {
        "routes": {"chat": route(9.0, slo=SLO, patience="8s", retries={"max": 2})},
        "pools": {"main": pool(kv_tokens=12_000, queue_limit=8)},
        "bill": BILL,
    },
    "answers that nobody waits for": {
        "routes": {
            "chat": route(
                6.0, slo=SLO, patience="3s", ttft_patience="1s", cancel_on_disconnect=False,
                retries={"max": 2},
            ),
        },
        "pools": {"main": pool(kv_tokens=12_000, queue_limit=40)},
    },
    "overflow to a hosted API": {
        "routes": {
            "chat": route(8.0, slo=SLO, overflow=API, reasoning_share=0.5),
            "code": route(2.0, overflow=API, retries={"max": 1, "on": ["rejected"]}),
            "batch": route(1.0),
        },
        "pools": {"main": pool(kv_tokens=12_000, queue_limit=4)},
        "bill": BILL,
    },
    "spot nodes that go, replicas that crash": {
        "routes": {"chat": route(6.0, slo=SLO, retries={"max": 2}), "code": route(1.0)},
        "pools": {
            "main": pool(
                replicas=3,
                node={
                    "usd_per_hour": 4.0,
                    "spot": {
                        "share": 0.67, "usd_per_hour": 1.5, "mean_life": "5m", "notice": "10s",
                    },
                },
                failures={"replica_mtbf": "10m", "request_errors": 0.02, "detection": "10s"},
                startup=STARTUP,
            )
        },
        "bill": BILL,
    },
    "small and large": {
        "routes": {
            "chat": route(
                3.0, pool={"cascade": ["main", "large"], "escalates": 0.4}, slo=SLO,
                template_tokens=64,
            ),
            "code": route(
                9.0, pool={"split": {"large": 0.3, "main": 0.7}}, overflow=API, patience="8s",
            ),
            "batch": route(0.5, pool="large"),
        },
        "pools": {
            "main": pool(kv_tokens=9_000, queue_limit=1),
            "large": pool(node={"usd_per_hour": 9.0, "gpus": 2}, tensor_parallel=2, replicas=2),
        },
        "bill": BILL,
    },
    "health checks, and answers that are reasoned": {
        "routes": {
            "chat": route(3.0, slo=SLO, reasoning_share=0.7, template_tokens=100),
            "health": route(1.0, useful=False, patience="1s", slo={"e2e_p50": "1s"}),
        },
        "pools": {"main": pool()},
        "bill": BILL,
    },
}  # fmt: skip
"""One replica to a node, and every pool has work."""

SIGNS = {
    "plain": "tokens.useful.cached_input tokens.useful.template",
    "two pools, all lines, a tight cache": "requests.rejected tokens.wasted.preempted.output",
    "clients who try again": "requests.retried requests.timed_out tokens.wasted.retried.output",
    "answers that nobody waits for": "tokens.wasted.timed_out.input tokens.wasted.retried.input",
    "overflow to a hosted API": "requests.hosted tokens.hosted.output tokens.useful.reasoning",
    "spot nodes that go, replicas that crash": "requests.failed gpu_hours.starting",
    "small and large": "requests.escalated requests.hosted tokens.wasted.escalated.output",
    "health checks, and answers that are reasoned": "tokens.wasted.not_useful.output",
}
"""What a case must show, or it would not be told from a plain one."""
