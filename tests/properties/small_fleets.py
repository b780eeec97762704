"""Random small scenarios with everything mixed: a minute or so of a few replicas that break.

Numbers are small, and many of them whole, so that much of it happens at one instant.
"""

from __future__ import annotations

from random import Random
from typing import Any

from sim.scenario.document import Scenario

Document = dict[str, Any]


def small_fleet(seed: int) -> Scenario:
    """Return the *seed*-th scenario."""
    return Scenario.model_validate(document(Random(seed)))


def document(draw: Random) -> Document:
    """Return a scenario of one to three routes on one or two pools, as a file would say it."""
    pools = {name: pool(draw) for name in ("main", "other", "third")[: draw.choice((1, 1, 2, 3))]}
    names = ("chat", "code", "batch")[: draw.choice((1, 1, 2, 3))]
    share = 1.0 / len(names)
    return {
        "name": "small",
        "horizon": draw.choice((20.0, 40.0, 80.0, 80.0, 200.0)),
        "warmup": draw.choice((0.0, 0.0, 10.0, 37.5)),
        "seed": draw.randrange(1_000_000),
        "routes": {name: route(draw, destination(draw, list(pools)), share) for name in names},
        "pools": pools,
    }


def maybe(draw: Random, chance: float) -> bool:
    """Return True with this *chance*."""
    return draw.random() < chance


def whole(draw: Random, least: int, most: int) -> float:
    """Return a whole number of seconds."""
    return float(draw.randint(least, most))


def law(draw: Random, most_s: int, least_s: int = 0) -> Any:
    """Return a time of up to *most_s* or so, or a law of times."""
    top_s = whole(draw, max(1, least_s), most_s)
    kinds: list[Any] = [
        whole(draw, least_s, most_s),
        top_s,
        {"exponential": top_s},
        {"uniform": [min(least_s, top_s - 0.5), top_s]},
        {"lognormal": {"median": top_s, "p95": 2 * top_s}},
    ]
    return draw.choice(kinds)


# -- routes ---------------------------------------------------------------------------------------


def destination(draw: Random, pools: list[str]) -> Any:
    """Return one of *pools*, several of them by chance, or one after another."""
    draw.shuffle(pools)
    if len(pools) < 2 or maybe(draw, 0.4):
        return pools[0]
    some = pools[: draw.randint(2, len(pools))]
    if maybe(draw, 0.5):
        first = draw.choice((0.0, 0.25, 0.5, 0.9))
        rest = (1.0 - first) / (len(some) - 1)
        return {"split": {name: rest if n else first for n, name in enumerate(some)}}
    shares = [draw.choice((0.0, 0.3, 0.6, 1.0)) for _ in some[1:]]
    return {"cascade": some, "escalates": draw.choice((shares, shares[0]))}


def route(draw: Random, of: Any, share: float) -> Document:
    """Return a route to *of*, with *share* of the traffic."""
    said: Document = {
        "pool": of,
        "arrivals": arrivals(draw, share),
        "input_tokens": tokens(draw, 12),
        "output_tokens": tokens(draw, 10),
        "priority": draw.choice((0, 0, 0, 1, -1)),
    }
    if maybe(draw, 0.3):
        said["template_tokens"] = draw.randint(1, 12)
    if "rps" in said["arrivals"] and "count" not in said["arrivals"] and maybe(draw, 0.25):
        said["sessions"] = {
            "turns": draw.choice(({"fixed": 3}, {"geometric": 2.0})),
            "think_time": law(draw, 8, 1),
            "max_context": draw.randint(10, 60),
        }
        said["reasoning_share"] = draw.choice((0.0, 0.5))
    if maybe(draw, 0.15):
        said["slo"] = {"ttft_p95": 5, "tpot_p95": 1}
    return said | clients(draw)


def arrivals(draw: Random, share: float) -> Document:
    """Return arrivals at random, so many of them, or a closed loop."""
    kind = draw.randrange(5)
    if kind <= 1:
        return {
            "concurrency": draw.randint(1, 5),
            "think_time": draw.choice((0.0, 0.0, 1.0, 2.5, 10.0)),
        }
    rps = round(share * draw.choice((0.2, 0.5, 1.0, 2.0)), 3)
    return {"rps": rps} | ({"count": draw.randint(1, 60)} if kind == 2 else {})


def tokens(draw: Random, mean: int) -> Document:
    """Return lengths of up to some *mean* tokens; at times too many for any replica."""
    return draw.choice(
        (
            {"fixed": draw.randint(1, mean)},
            {"fixed": draw.randint(1, mean)},
            {"geometric": float(draw.randint(1, mean)), "max": 4 * mean},
            {"exponential": mean, "max": 20 * mean},
        )
    )


def clients(draw: Random) -> Document:
    """Return what the clients of a route do but wait."""
    said: Document = {}
    if maybe(draw, 0.5):
        said["patience"] = law(draw, draw.choice((3, 10, 60)), 1)
    if maybe(draw, 0.25):
        fixed = isinstance(said.get("patience"), float)
        most = said["patience"] if fixed else 10.0
        said["ttft_patience"] = draw.choice((0.5, 0.25, 0.9)) * most
    said["cancel_on_disconnect"] = maybe(draw, 0.7)
    if maybe(draw, 0.6):
        said["retries"] = retries(draw, endless=said["cancel_on_disconnect"])
    said["useful"] = maybe(draw, 0.9)
    if maybe(draw, 0.15):
        said["deferrable"] = {"below": draw.choice((0.3, 0.6, 1.0))}
        if maybe(draw, 0.8):
            said["deferrable"]["deadline"] = whole(draw, 1, 60)
    if maybe(draw, 0.2) and said["useful"]:
        said["overflow"] = {
            "usd_per_million_input": 1.0,
            "usd_per_million_output": 2.0,
            "ttft": law(draw, 3),
            "tpot": draw.choice((0.0, 0.05)),
            "on": draw.choice((["rejected"], ["no_replica"], ["rejected", "no_replica"])),
        }
    return said


def retries(draw: Random, *, endless: bool) -> Document:
    """Return how often, when and on what a client tries again, *endless* perhaps without limit."""
    most = draw.choice((0, 1, 2, 2, 5, "unlimited") if endless else (0, 1, 2))
    said: Document = {
        "max": most,
        "backoff": draw.choice(("sdk", 1.0, 0.25 if most == "unlimited" else 0.0, law(draw, 5, 1))),
        "on": draw.sample(("rejected", "timed_out", "failed"), draw.randint(1, 3)),
    }
    if maybe(draw, 0.25):
        said["retry_after"] = whole(draw, 1, 5)
    if maybe(draw, 0.25):
        said["budget"] = draw.choice((0.0, 0.1, 0.5))
    return said


# -- pools ----------------------------------------------------------------------------------------


def pool(draw: Random) -> Document:
    """Return a pool of one to three replicas, or of an autoscaler's."""
    slots = draw.randint(1, 4)
    width = draw.choice((1, 1, 1, 2))
    said: Document = {
        "timing": timing(draw),
        "kv_tokens": draw.choice((24, 40, 64, 200)),
        "tensor_parallel": width,
        "engine": {
            "max_num_seqs": slots,
            "max_num_batched_tokens": slots + draw.choice((0, 4, 12, 40)),
            "block_tokens": draw.choice((1, 2, 4)),
            "prefix_caching": maybe(draw, 0.7),
            "async_scheduling": maybe(draw, 0.5),
            "reserve_full_input": maybe(draw, 0.7),
        },
        "router": draw.choice(
            ("least-loaded", "least-loaded", "round-robin", "power-of-two", "prefix-affinity")
        ),
        "node": node(draw, width),
        "startup": startup(draw),
        "prepulled_image": maybe(draw, 0.2),
        "warm_nodes": draw.choice((0, 0, 0, 0, 1, 2)),
    }
    if maybe(draw, 0.2):
        said["host"] = {"per_step_s": 0.01, "first_token_s": draw.choice((0.0, 0.03, 1.0))}
    said |= replicas(draw)
    if maybe(draw, 0.4):
        said["queue_limit"] = draw.choice((0, 1, 2, 5, {"0": 4, "1": 1}))
    if maybe(draw, 0.15):
        said["capacity"] = {
            "refused_share": draw.choice((0.3, 0.7)),
            "retry_after": whole(draw, 1, 10),
        }
    if maybe(draw, 0.2):
        zones = len(said["node"]["zones"])
        survive = zones > 1 and maybe(draw, 0.5)
        said["redundancy"] = {"survive": "zone"} if survive else {"spare_replicas": 1}
    if maybe(draw, 0.55):
        said["failures"] = failures(draw, said["node"]["zones"])
    if maybe(draw, 0.4):
        said["rollouts"] = rollouts(draw)
    return said


def timing(draw: Random) -> Document:
    """Return steps of a second, of half a second or more, or of some hundredths with all terms."""
    return draw.choice(
        (
            {"knots_tokens": [1], "knots_s": [1.0]},
            {"knots_tokens": [1, 64], "knots_s": [0.25, 0.5]},
            {
                "knots_tokens": [1, 16, 64], "knots_s": [0.1, 0.15, 0.4],
                "per_sequence_s": 0.01, "per_context_token_s": 1e-4,
                "per_attention_pair_s": 1e-5, "per_prefill_context_token_s": 1e-5,
                "prefill_fixed_s": 0.02,
            },
        )
    )  # fmt: skip


def node(draw: Random, width: int) -> Document:
    """Return nodes with room for one or two replicas of *width* GPUs, and perhaps one GPU more."""
    said: Document = {
        "gpus": width * draw.choice((1, 1, 1, 2)) + draw.choice((0, 0, 0, 1)) * (width > 1),
        "usd_per_hour": 1.0,
        "zones": draw.choice((["a"], ["a", "b"], ["a", "b", "c"])),
        "billing": {
            "granularity": draw.choice((1.0, 10.0, 60.0)),
            "minimum": draw.choice((0.0, 20.0, 60.0)),
        },
    }
    if maybe(draw, 0.25):
        said["spot"] = {
            "share": draw.choice((0.3, 0.5, 1.0)),
            "usd_per_hour": 0.4,
            "mean_life": whole(draw, 20, 200),
            "notice": draw.choice((0.0, 2.0, 10.0, 120.0)),
        }
    return said


def startup(draw: Random) -> Any:
    """Return no time at all, or phases of some seconds."""
    if maybe(draw, 0.2):
        return "none"
    phases = ("provision", "pull", "load", "init", "first_request")
    said = {phase: law(draw, 6) for phase in phases if maybe(draw, 0.7)}
    return said | {"warmed": maybe(draw, 0.5)}


def replicas(draw: Random) -> Document:
    """Return a number of replicas, or bounds and what moves the pool within them."""
    if maybe(draw, 0.4):
        return {"replicas": draw.randint(1, 3)}
    to_zero = maybe(draw, 0.4)
    least, most = (0 if to_zero else 1), draw.randint(1, 4)
    bounds: Document = {"min": least, "max": most}
    if maybe(draw, 0.5):
        bounds["start"] = draw.randint(least, most)
    said: Document = {"replicas": bounds}
    if to_zero:
        said["scale_to_zero"] = {"after": draw.choice((0.0, 1.0, 5.0, 20.0))}
    if not to_zero or maybe(draw, 0.6):
        said["autoscaler"] = autoscaler(draw, least, most)
    return said


def autoscaler(draw: Random, least: int, most: int) -> Document:
    """Return an autoscaler that looks every few seconds."""
    every = draw.choice((2.0, 5.0, 7.5))
    kinds: list[Document] = [
        {
            "kind": "p95", "target": draw.choice((0.1, 0.5, 1.0)), "window": 10.0, "every": every,
            "stable": 15.0, "ttft_guard": draw.choice(("none", 3.0)), "min_output_tokens": 2,
            "metric_delay": draw.choice((0.0, 4.0)),
        },
        {
            "kind": "schedule", "every": every,
            "steps": [
                {"at": f"00:0{minute}", "replicas": draw.randint(min(1, least), 4)}
                for minute in range(4)
            ],
        },
        {
            "kind": "forecast", draw.choice(("requests_per_s", "tokens_per_s")): 0.5,
            "period": 40.0, "slot": 10.0, "lead": 10.0, "every": every,
        },
        {
            "kind": "hpa", "every": every, "metric_delay": draw.choice((0.0, 4.0)),
            "rate_window": 10.0, "downscale_stabilization": 10.0,
            "manifest": manifest(draw, max(1, least), most),
        },
    ]  # fmt: skip
    return draw.choice(kinds)


def manifest(draw: Random, least: int, most: int) -> Document:
    """Return a HorizontalPodAutoscaler on one of the gauges."""
    name = draw.choice(("vllm:num_requests_waiting", "vllm:num_requests_running"))
    metric = {
        "metric": {"name": name},
        "target": {"type": "AverageValue", "averageValue": draw.choice((1, 2))},
    }
    return {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "spec": {
            "minReplicas": least,
            "maxReplicas": most,
            "metrics": [{"type": "Pods", "pods": metric}],
        },
    }


def failures(draw: Random, zones: list[str]) -> Document:
    """Return some of all that breaks."""
    causes: Document = {
        "mtbf": whole(draw, 30, 300),
        "replica_mtbf": whole(draw, 15, 200),
        "stalls": {"every": whole(draw, 1, 20), "for": law(draw, 6, 1)},
        "slow_nodes": {"share": 0.4, "factor": draw.choice((1.5, 3.0))},
        "request_errors": draw.choice((0.1, 0.5)),
        "zone_mtbf": whole(draw, 40, 300),
        "outages": [outage(draw, zones) for _ in range(draw.randint(1, 3))],
    }
    chosen = [cause for cause in causes if maybe(draw, 0.4)]
    said = {cause: causes[cause] for cause in chosen or ["mtbf"]}
    if "zone_mtbf" in said:
        said["zone_outage"] = law(draw, 30, 1)
    if "mtbf" in said:
        said["shape"] = draw.choice((0.7, 1.0, 3.0))
        if maybe(draw, 0.3):
            said["lemons"] = {"share": 0.3, "factor": 5}
    if maybe(draw, 0.5):
        said["on_failure"] = "repair"
        said["repair"] = law(draw, 30)
        if maybe(draw, 0.4):
            said["repair_crews"] = 1
    said["detection"] = draw.choice(
        (law(draw, 10), 0.0, {"period": 2.0, "timeout": 1.0, "threshold": 2})
    )
    said["undetected"] = draw.choice(("fails", "hangs"))
    return said


def outage(draw: Random, zones: list[str]) -> Document:
    """Return an outage of a zone, or of a part of the nodes."""
    what = {"zone": draw.choice(zones)} if maybe(draw, 0.5) else {"share": draw.choice((0.5, 1.0))}
    return {"at": whole(draw, 0, 60), "for": whole(draw, 1, 30), **what}


def rollouts(draw: Random) -> Document:
    """Return rollouts that come again within the minute, whatever became of the one before."""
    surge = draw.choice((0, 1, 1, 2))
    said: Document = {
        "every": whole(draw, 5, 80),
        "first": whole(draw, 0, 40),
        "max_surge": surge,
        "max_unavailable": draw.choice((1, 2)) if not surge else draw.choice((0, 0, 1)),
        "sigterm": draw.choice(("drain", "drain", "abort")),
    }
    if said["sigterm"] == "drain":
        said["drain"] = whole(draw, 1, 20)
    return said
