from typing import Any

import pytest
from usages import pool, route, scenario

from sim.scenario.autoscaler import HpaScaler, P95Scaler
from sim.scenario.document import Scenario
from sim.studies.paired_runs import PairedRuns
from sim.studies.replications import run
from sim.studies.resize import meets_slos, resize
from sim.studies.resize_dial import bounds_raised, dial_of, with_pool
from sim.studies.resize_search import Sizes

SLOW = {
    "timing": {"knots_tokens": [1, 256], "knots_s": [0.2, 0.6]},
    "engine": {"max_num_seqs": 4, "max_num_batched_tokens": 256},
    "kv_tokens": 20_000,
    "naive": {"input_tokens": 130, "output_tokens": 20},
}
"""An engine that a request a second fills, so that whole fleets are quickly simulated."""

SHORT = {
    "input_tokens": {"lognormal": {"median": 100, "p95": 300}},
    "output_tokens": {"exponential": 20},
}
WINDOW: dict[str, Any] = {"horizon": 480, "warmup": 60}


def fleet(rps: float, replicas: int, slo: dict[str, Any], **changes: Any) -> Scenario:
    return scenario(
        routes={"chat": route(arrivals={"rps": rps}, slo=slo, **SHORT)},
        pools={"main": {**pool(), **SLOW, "replicas": replicas}},
        **WINDOW,
        **changes,
    )


def smallest_of_all(of: Scenario, replications: int, most: int) -> int:
    """By trying every number of replicas, from one on."""
    for n in range(1, most + 1):
        sized = with_pool(of, "main", of.pools["main"].model_copy(update={"replicas": n}))
        if meets_slos(run(sized, replications=replications, jobs=1)):
            return n
    raise AssertionError("none")


@pytest.mark.parametrize(
    ("rps", "replicas", "slo", "windows"),
    [
        (2.0, 2, {"ttft_p95": "2s"}, 0.99),
        (1.5, 7, {"e2e_p95": "15s"}, 0.99),
        (1.0, 3, {"ttft_p50": "500ms", "tpot_p95": "400ms"}, 0.5),
    ],
)
def test_it_finds_what_trying_all_sizes_finds(
    rps: float, replicas: int, slo: dict[str, Any], windows: float
) -> None:
    of = fleet(rps, replicas, slo, slo_windows=windows)
    found = resize(of, replications=2)
    assert found.met
    assert found.scenario.pools["main"].replicas == smallest_of_all(of, 2, 12)
    assert found.note == ""
    assert found.result.scenario == found.scenario


def test_the_next_smaller_size_was_tried_and_misses() -> None:
    found = resize(fleet(2.0, 5, {"ttft_p95": "2s"}), replications=2)
    n = found.scenario.pools["main"].start_replicas
    tried = {t.size: t.met for t in found.tried}
    assert tried[f"{n} replicas"]
    assert not tried.get(f"{n - 1} replicas", n > 2)


def test_a_hopeless_size_is_told_by_one_replication() -> None:
    of = fleet(2.0, 1, {"ttft_p95": "2s"})
    dial = dial_of(of, "main")
    assert dial is not None
    runs = PairedRuns(3)
    sizes = Sizes(runs, of, [dial])
    assert not sizes.meets({"main": 1}, dial)
    assert (runs.simulated, sizes.tried[0].replications) == (1, 1)


def test_pools_that_nothing_connects_are_sized_apart() -> None:
    slo = {"ttft_p95": "2s"}
    of = scenario(
        routes={
            "chat": route(arrivals={"rps": 2}, slo=slo, **SHORT),
            "code": route("other", arrivals={"rps": 0.3}, slo=slo, **SHORT),
        },
        pools={
            "main": {**pool(), **SLOW, "replicas": 4},
            "other": {**pool(), **SLOW, "replicas": 4},
        },
        **WINDOW,
    )
    found = resize(of, replications=1).scenario.pools
    alone = resize(fleet(2.0, 4, slo), replications=1).scenario.pools
    assert found["main"].replicas == alone["main"].replicas
    assert found["other"].start_replicas < found["main"].start_replicas


def test_pools_that_share_a_route_are_turned_down_one_after_the_other() -> None:
    """No single pool of what comes out can do with one replica fewer."""
    split = {"split": {"main": 0.7, "other": 0.3}}
    of = scenario(
        routes={"chat": route(split, arrivals={"rps": 2}, slo={"e2e_p95": "15s"}, **SHORT)},  # type: ignore[arg-type]
        pools={
            "main": {**pool(9.0), **SLOW, "replicas": 1},
            "other": {**pool(), **SLOW, "replicas": 1},
        },
        **WINDOW,
    )
    runs = PairedRuns(1)
    found = resize(of, runs=runs)
    assert found.met
    for name, spec in found.scenario.pools.items():
        fewer = spec.model_copy(update={"replicas": spec.start_replicas - 1})
        if fewer.replicas:
            assert not meets_slos(runs.result(with_pool(found.scenario, name, fewer)))


def test_an_slo_that_no_fleet_meets_leaves_it_as_it_is() -> None:
    of = fleet(2.0, 2, {"ttft_p95": "10ms"})
    found = resize(of, replications=1)
    assert found.scenario == of
    assert found.met is False
    assert found.note == "main: more replicas do not help it meet every SLO"


def test_without_an_slo_utilization_is_kept() -> None:
    """Twice the requests need twice the replicas, give or take what is drawn."""
    quiet = scenario(
        routes={"chat": route(arrivals={"rps": 0.5}, **SHORT)},
        pools={"main": {**pool(), **SLOW, "replicas": 4}},
        **WINDOW,
    )
    loud = quiet.model_copy(
        update={"routes": scenario(routes={"chat": route(arrivals={"rps": 1}, **SHORT)}).routes}
    )
    before = run(quiet, replications=2, jobs=1)
    found = resize(loud, replications=2, like=before)
    assert found.scenario.pools["main"].start_replicas in (7, 8, 9)
    assert found.note == "main: no SLO, so it keeps its utilization"
    assert resize(quiet, replications=2, like=before).scenario == quiet
    assert resize(loud, replications=1).note == "main: no SLO, so it stays as it is"
    assert found.met is None


def living(scaler: dict[str, Any], **replicas: int) -> Scenario:
    return scenario(
        routes={"chat": route(arrivals={"rps": 1}, slo={"tpot_p95": "400ms"}, **SHORT)},
        pools={
            "main": {
                **pool(startup={"provision": "20s"}),
                **SLOW,
                "replicas": replicas,
                "autoscaler": scaler,
            }
        },
        **WINDOW,
    )


def test_an_autoscaled_pool_gets_the_highest_target_that_does() -> None:
    of = living({"kind": "p95", "min_output_tokens": 2}, min=1, max=8, start=3)
    found = resize(of, replications=1)
    scaler = found.scenario.pools["main"].autoscaler
    assert isinstance(scaler, P95Scaler)
    steps = (scaler.target or 0.0) / 0.4 / 0.05
    assert steps == pytest.approx(round(steps))
    assert found.met
    if round(steps) < 20:
        dial = dial_of(of, "main")
        assert dial is not None
        next_up = dial.applied(of, dial.most + 1 - round(steps) - 1)
        assert meets_slos(run(next_up, replications=1, jobs=1)) is not True


def test_bounds_that_bind_are_raised() -> None:
    of = living({"kind": "p95", "min_output_tokens": 2, "target": "210ms"}, min=1, max=2, start=2)
    found = resize(of, replications=1).scenario.pools["main"]
    assert found.most_replicas > 2


def test_the_dial_of_a_manifest_scales_its_targets() -> None:
    metric = {"name": "vllm:num_requests_running"}
    target = {"type": "AverageValue", "averageValue": "6"}
    manifest = {
        "apiVersion": "autoscaling/v2",
        "kind": "HorizontalPodAutoscaler",
        "spec": {
            "maxReplicas": 4,
            "metrics": [{"type": "Pods", "pods": {"metric": metric, "target": target}}],
        },
    }
    of = living({"kind": "hpa", "manifest": manifest}, min=1, max=4)
    dial = dial_of(of, "main")
    assert dial is not None
    assert dial.told(dial.start) == "target 100 % of what it is"
    scaler = dial.set(dial.start + 10).autoscaler
    assert isinstance(scaler, HpaScaler)
    assert scaler.manifest.spec.metrics[0].source.target.thousandths == 3000
    raised = bounds_raised(of.pools["main"], 16)
    assert raised.most_replicas == 16
    assert isinstance(raised.autoscaler, HpaScaler)
    assert raised.autoscaler.manifest.spec.maxReplicas == 16
    Scenario.model_validate(with_pool(of, "main", raised).model_dump(exclude_none=True))


@pytest.mark.parametrize(
    ("scaler", "key", "halved"),
    [
        ({"kind": "forecast", "requests_per_s": 4.0}, "requests_per_s", 2.0),
        ({"kind": "schedule", "steps": [{"at": "08:00", "replicas": 3}]}, "steps", 6),
    ],
)
def test_the_dials_of_plans(scaler: dict[str, Any], key: str, halved: float) -> None:
    of = living(scaler, min=1, max=8)
    dial = dial_of(of, "main")
    assert dial is not None
    changed = getattr(dial.set(dial.start + 10).autoscaler, key)
    assert (changed[0].replicas if key == "steps" else changed) == pytest.approx(halved)
    assert dial.set(dial.start) == of.pools["main"]
