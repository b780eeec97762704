from dataclasses import fields, is_dataclass
from typing import Any

import numpy as np
import pytest
from usages import pool, route, scenario

from sim.scenario.document import Scenario
from sim.simulation import simulate
from sim.studies.paired_runs import PairedRuns
from sim.studies.parts import bare, groups, joined, parts
from sim.studies.replications import run

LENGTHS = {
    "input_tokens": {"lognormal": {"median": 300, "p95": 900}},
    "output_tokens": {"exponential": 60},
}
NAIVE = {"input_tokens": 400, "output_tokens": 60}
ENGINE = {"max_num_seqs": 32, "max_num_batched_tokens": 2048}
LIGHT = {"naive": NAIVE, "engine": ENGINE}
SMALL: dict[str, Any] = {"horizon": 300, "warmup": 30}


def fleet(**changes: Any) -> Scenario:
    """Three pools: two that nothing connects, and one without traffic."""
    return scenario(
        routes={
            "chat": route(template_tokens=160, slo={"ttft_p95": 1}, **LENGTHS),
            "batch": route("big", arrivals={"concurrency": 1}, **LENGTHS),
            "agents": route(arrivals={"rps": 1}, priority=1, **LENGTHS),
        },
        pools={
            "main": pool(replicas=2, router="power-of-two", kv_tokens=4000, **LIGHT),
            "big": pool(5.0, **LIGHT, **changes),
            "spare": pool(1.0),
        },
        bill=[{"line": "team", "driver": "months", "usd": 9000}],
        **SMALL,
    )


def same(a: Any, b: Any) -> bool:
    """Equal but for the order of a sum, whatever holds arrays."""
    if isinstance(a, np.ndarray):
        return a.shape == b.shape and np.allclose(a, b, rtol=1e-12, atol=1e-12)
    if isinstance(a, float):
        return bool(a == pytest.approx(b, rel=1e-12, abs=1e-12))
    if is_dataclass(a):
        return all(same(getattr(a, f.name), getattr(b, f.name)) for f in fields(a))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if isinstance(a, dict):
        return list(a) == list(b) and all(same(a[key], b[key]) for key in a)
    return bool(a == b)


def test_pools_that_a_route_connects_go_together() -> None:
    assert groups(fleet()) == [frozenset({"main", "spare"}), frozenset({"big"})]


def test_a_split_connects_its_pools() -> None:
    of = scenario(
        routes={"a": route({"split": {"p": 0.5, "q": 0.5}}), "b": route("r"), "c": route("q")},  # type: ignore[arg-type]
        pools={"p": pool(), "q": pool(), "r": pool()},
    )
    assert groups(of) == [frozenset({"p", "q"}), frozenset({"r"})]


def test_parts_do_what_the_whole_does() -> None:
    of = fleet()
    whole = simulate(of)
    together = joined(of, [simulate(piece) for piece in parts(of)])
    assert same(together.usage.routes, whole.usage.routes)
    assert same(together.usage.pools, whole.usage.pools)
    for name in ("requests", "useful", "offered"):
        assert same(getattr(together.usage.overall, name), getattr(whole.usage.overall, name))
    assert together.usage.overall.ttft_s.n == whole.usage.overall.ttft_s.n
    assert together.usage.overall.ttft_s.p95 is None


def test_so_does_a_fleet_that_fails() -> None:
    startup = {"provision": "10s", "init": "10s"}
    of = fleet(replicas=2, failures={"replica_mtbf": "2m"}, startup=startup)
    whole = simulate(of)
    together = joined(of, [simulate(piece) for piece in parts(of)])
    assert whole.usage.pools["big"].failed_s > 0
    assert same(together.usage.pools, whole.usage.pools)
    assert same(together.usage.routes, whole.usage.routes)
    assert [e.kind for e in together.events] == [e.kind for e in whole.events]


def test_what_is_only_judged_or_paid_is_not_simulated_again() -> None:
    runs = PairedRuns(2)
    runs.result(fleet())
    assert runs.simulated == 2 * 2
    dearer = fleet()
    dearer = dearer.model_copy(update={"bill": (), "slo_windows": 0.5, "name": "other"})
    assert bare(dearer) == bare(fleet())
    runs.result(dearer)
    assert runs.simulated == 4
    runs.result(fleet(replicas=2))  # the other pool's part is known
    assert runs.simulated == 6


def test_an_account_of_parts_is_that_of_the_whole() -> None:
    of = fleet()
    ours, theirs = PairedRuns(2).result(of).summary(), run(of, replications=2, jobs=1).summary()
    for key in ("bill", "cost", "routes", "pools", "slo", "gpu_hours", "tokens", "requests"):
        assert same(ours[key], theirs[key]), key
    assert "in-parts" in [w["code"] for w in ours["warnings"]]
