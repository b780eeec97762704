"""Agreement: what a pool says of growing, failing and starting; checked from what is known."""

from collections.abc import Callable
from typing import Any

import pytest

from sim.scenario.agreement import (
    default_replicas,
    failures_fit,
    redundancy_fits,
    replicas_fit,
    size_is_known,
    targets_are_known,
    zero_fits,
)
from sim.scenario.autoscaler import FixedScaler, P95Scaler
from sim.scenario.failures import Failures
from sim.scenario.node import Node
from sim.scenario.pool import Pool
from sim.scenario.redundancy import Redundancy
from sim.scenario.replicas import ReplicaRange
from sim.scenario.route import Route, Slo
from sim.scenario.scale_to_zero import ScaleToZero
from sim.scenario.scaling_plan import ScheduleScaler
from sim.scenario.spec import Fault, Faults

BOUNDS = ReplicaRange(min=1, max=4)
TO_ZERO = ReplicaRange(min=0, max=4)
P95 = P95Scaler(kind="p95")
FIXED = FixedScaler()


def steps_of(check: Callable[..., object], *arguments: Any) -> list[tuple[str | int, ...]]:
    try:
        check(*arguments)
    except Fault as fault:
        return [fault.steps]
    except Faults as faults:
        return [fault.steps for fault in faults.faults]
    return []


def test_one_replica_unless_an_autoscaler_needs_bounds() -> None:
    assert default_replicas({}) == 1
    assert default_replicas({"autoscaler": None}) == 1
    assert default_replicas({"autoscaler": FIXED}) == 1
    with pytest.raises(Fault, match="autoscaler p95 needs bounds"):
        default_replicas({"autoscaler": P95})


@pytest.mark.parametrize("scaler", [None, FIXED])
def test_a_number_needs_no_autoscaler(scaler: Any) -> None:
    assert steps_of(replicas_fit, 3, {"autoscaler": scaler}) == []
    assert steps_of(replicas_fit, BOUNDS, {"autoscaler": scaler}) == []


def test_an_autoscaler_needs_bounds() -> None:
    assert steps_of(replicas_fit, 3, {"autoscaler": P95}) == [()]
    assert steps_of(replicas_fit, BOUNDS, {"autoscaler": P95}) == []


@pytest.mark.parametrize(
    ("to_zero", "replicas", "scaler", "steps"),
    [
        (None, 3, None, []),
        (None, BOUNDS, P95, []),
        (None, BOUNDS, FIXED, []),
        (None, BOUNDS, None, [("..", "replicas")]),
        (None, TO_ZERO, P95, [("..", "replicas", "min")]),
        (ScaleToZero(after=0), TO_ZERO, P95, []),
        (ScaleToZero(after=0), TO_ZERO, None, []),
        (ScaleToZero(after=0), BOUNDS, P95, [("..", "replicas", "min")]),
        (ScaleToZero(after=0), 3, None, [()]),
    ],
)
def test_to_zero_and_back(to_zero: Any, replicas: Any, scaler: Any, steps: Any) -> None:
    known = {"replicas": replicas, "autoscaler": scaler}
    assert steps_of(zero_fits, to_zero, known) == steps
    assert steps_of(zero_fits, to_zero, {}) == []  # what is wrong elsewhere says so itself


def test_a_schedule_without_replicas_needs_scale_to_zero() -> None:
    steps = [{"at": "08:00", "replicas": 3}, {"at": "19:00", "replicas": 0}]
    plan = ScheduleScaler.model_validate({"kind": "schedule", "steps": steps})
    known = {"replicas": TO_ZERO, "autoscaler": plan}
    assert steps_of(zero_fits, ScaleToZero(after=0), known) == []
    assert steps_of(zero_fits, None, known) == [("..", "autoscaler", "steps", 1, "replicas")]


def test_one_zone_is_not_survived() -> None:
    one, two = Node(usd_per_hour=1.0), Node(usd_per_hour=1.0, zones=("a", "b"))
    survive = Redundancy(survive="zone")
    assert steps_of(redundancy_fits, survive, {"node": one}) == [("survive",)]
    assert steps_of(redundancy_fits, survive, {"node": two}) == []
    assert steps_of(redundancy_fits, survive, {}) == []
    assert steps_of(redundancy_fits, Redundancy(spare_replicas=1), {"node": one}) == []
    assert steps_of(redundancy_fits, None, {"node": one}) == []


def test_outages_are_of_zones_that_are_there() -> None:
    outages = [{"at": 0, "for": 9, "zone": zone} for zone in ("a", "b", "c")]
    failures = Failures.model_validate({"outages": [*outages, {"at": 0, "for": 9, "share": 1}]})
    node = Node(usd_per_hour=1.0, zones=("a", "c"))
    assert steps_of(failures_fit, failures, {"node": node}) == [("outages", 1, "zone")]
    assert steps_of(failures_fit, failures, {}) == []
    assert steps_of(failures_fit, None, {"node": node}) == []


def living(**changes: Any) -> Pool:
    data = {"model": "llama-3.1-8b", "gpu": "h100-sxm", "node": {"usd_per_hour": 4}}
    return Pool.model_validate(data | changes)


def test_the_size_of_known_models_is_known() -> None:
    size_is_known(living(rollouts={"every": "1d"}))


def test_p95_needs_a_target_from_itself_or_an_slo_of_its_own_routes() -> None:
    def route(pool: str, **slo: float) -> Route:
        lengths = {"input_tokens": {"fixed": 5}, "output_tokens": {"fixed": 5}}
        promised = {"slo": Slo(**slo)} if slo else {}  # type: ignore[arg-type]
        return Route.model_validate({"pool": pool, "arrivals": {"rps": 1}, **lengths, **promised})

    open_pool = living(autoscaler={"kind": "p95"}, replicas={"min": 1, "max": 2})
    set_pool = living(autoscaler={"kind": "p95", "target": 0.1}, replicas={"min": 1, "max": 2})
    pools = {"main": open_pool, "set": set_pool, "plain": living()}
    other = {"chat": route("main", ttft_p95=1.0), "code": route("set", tpot_p95=0.1)}
    (fault,) = targets_are_known(pools, other)
    assert fault.steps == ("pools", "main", "autoscaler", "target")
    assert not list(targets_are_known(pools, {"chat": route("main", tpot_p95=0.1)}))
