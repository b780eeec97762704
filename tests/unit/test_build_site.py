"""From a pool of a scenario to all that keeps it running (`sim.fleet.build_site`)."""

from __future__ import annotations

from itertools import count
from typing import Any

import numpy as np
import pytest
import simpy

from sim.fleet.build_site import build_site
from sim.fleet.hpa import Hpa
from sim.fleet.p95 import P95
from sim.fleet.plan_scaler import Forecast, Schedule
from sim.fleet.provider import draw
from sim.fleet.router import LeastLoaded, OnlyOne, PrefixAffinity
from sim.fleet.scaler import Observation
from sim.fleet.site import Site
from sim.streams import Streams
from tests.unit.usages import pool, route, scenario

LINE = {"knots_tokens": [1], "knots_s": [1.0]}
MANIFEST = {
    "apiVersion": "autoscaling/v2",
    "kind": "HorizontalPodAutoscaler",
    "spec": {
        "minReplicas": 1,
        "maxReplicas": 4,
        "metrics": [
            {
                "type": "Pods",
                "pods": {
                    "metric": {"name": "vllm:num_requests_waiting"},
                    "target": {"type": "AverageValue", "averageValue": 4},
                },
            }
        ],
    },
}


def site(seed: int = 1, routes: dict[str, Any] | None = None, **changes: Any) -> Site:
    """The site of a pool with steps of 1 s."""
    of = scenario(routes, {"main": pool(timing=LINE, **changes)}, seed=seed)
    return build_site(simpy.Environment(), "main", of, Streams(seed), count(5))


def mean_s(law: Any) -> float:
    return float(np.mean(law.quantile((np.arange(20_000) + 0.5) / 20_000)))


def test_a_plain_pool_has_nothing_that_moves_it() -> None:
    of = site(replicas=3)
    assert (of.faults, of.scaling, of.sleep, of.rollouts) == (None,) * 4
    assert of.start_replicas == 3
    of.start(of.pool.env)
    assert [seat.index for seat in of.keeper.seats] == [5, 6, 7]
    assert isinstance(of.pool.router, LeastLoaded)
    assert not of.pool.limits.any
    assert (of.pool.holds, of.pool.hangs) == (False, False)


def test_only_a_replica_that_is_alone_for_ever_needs_no_choice() -> None:
    assert isinstance(site(replicas=1).pool.router, OnlyOne)
    rollouts = {"every": "1d"}
    assert isinstance(site(rollouts=rollouts, startup="none").pool.router, LeastLoaded)
    spare = {"spare_replicas": 1}
    assert isinstance(site(replicas=1, redundancy=spare).pool.router, LeastLoaded)
    assert isinstance(site(replicas=2, router="prefix-affinity").pool.router, PrefixAffinity)


def test_a_router_draws_from_a_stream_of_its_pool() -> None:
    def picks(seed: int) -> list[int]:
        of = site(seed, replicas=16, router="power-of-two")
        of.start(of.pool.env)
        return [of.pool.router.pick(None) for _ in range(30)]

    assert picks(7) == picks(7)
    assert picks(7) != picks(8)


def test_replicas_share_a_queue_and_have_a_cache_each() -> None:
    of = site(replicas=3)
    of.start(of.pool.env)
    batchers = [seat.replica.batcher for seat in of.keeper.seats]
    assert {id(b.queue) for b in batchers} == {id(of.pool.queue)}
    assert len({id(b.cache) for b in batchers}) == 3


def test_its_limits_and_what_the_dead_do() -> None:
    failures = {"mtbf": "1d", "undetected": "hangs"}
    of = site(queue_limit={"0": 7, "5": 3}, failures=failures, startup="none")
    assert [of.pool.limits.of(priority) for priority in (-1, 0, 9)] == [None, 7, 3]
    assert of.pool.hangs


def test_nodes_as_they_are_rented() -> None:
    spot = {"share": "50%", "usd_per_hour": 1, "mean_life": "12h", "notice": "30s"}
    of = site(
        tensor_parallel=2,
        replicas=2,
        node={
            "gpus": 5, "usd_per_hour": 3, "zones": ["a", "b"], "spot": spot,
            "billing": {"granularity": "1m", "minimum": "10m"},
        },
        capacity={"refused_share": "20%", "retry_after": "3m"},
        startup={"provision": "60s", "pull": "30s"},
        failures={"slow_nodes": {"share": "10%", "factor": 2}},
    )  # fmt: skip
    terms = of.provider.terms
    assert (terms.slots, terms.gpus_per_replica, terms.spare_gpus) == (2, 2, 1)
    assert terms.zones == ("a", "b")
    assert (draw(terms.provision, 0.5), draw(terms.pull, 0.5)) == (60.0, 30.0)
    assert (terms.refused, terms.retry_after_s) == (0.2, 180.0)
    assert [terms.billed_s(s) for s in (1.0, 601.0)] == [600.0, 660.0]
    assert (terms.spot_share, terms.notice_s) == (0.5, 30.0)
    assert mean_s(terms.spot_life) == pytest.approx(12 * 3600, rel=1e-3)
    assert (terms.slow_share, terms.slow_factor) == (0.1, 2.0)


def test_how_it_is_kept() -> None:
    of = site(
        replicas=3,
        node={"usd_per_hour": 3, "zones": ["a", "b"]},
        startup={"load": "20s", "init": "10s", "first_request": "5s"},
        rollouts={"every": "7d", "max_surge": 2, "max_unavailable": 1, "drain": "90s"},
        redundancy={"survive": "zone"},
        warm_nodes=4,
    )
    upkeep = of.keeper.upkeep
    times_s = [draw(law, 0.5) for law in (upkeep.load, upkeep.init, upkeep.first_request)]
    assert times_s == [20.0, 10.0, 5.0]
    assert upkeep.warmed
    assert not site(replicas=1, startup={"warmed": False}).keeper.upkeep.warmed
    assert (upkeep.drain_s, upkeep.surge, upkeep.unavailable) == (90.0, 2, 1)
    assert (upkeep.warm_nodes, upkeep.spreads) == (4, True)
    assert upkeep.total(3) == 6  # of two zones, either may go
    assert of.rollouts is not None
    assert (of.rollouts.first_at_s, of.rollouts.every_s) == (7 * 86_400.0,) * 2


def test_without_rollouts_a_replica_drains_for_a_minute() -> None:
    upkeep = site(replicas=2, redundancy={"spare_replicas": 2}).keeper.upkeep
    assert (upkeep.drain_s, upkeep.surge, upkeep.unavailable) == (60.0, 1, 0)
    assert (upkeep.total(3), upkeep.spreads) == (5, False)


def test_a_pool_where_nothing_starts_may_leave_the_size_of_its_weights_unsaid() -> None:
    assert draw(site(replicas=2).keeper.upkeep.load, 0.5) == 0.0


def test_what_breaks() -> None:
    of = site(
        node={"usd_per_hour": 3, "zones": ["a", "b"]},
        startup="none",
        failures={
            "mtbf": "100d", "shape": 2, "lemons": {"share": "5%", "factor": 10},
            "replica_mtbf": "30d", "on_failure": "repair", "repair": "2h", "repair_crews": 3,
            "zone_mtbf": "90d", "zone_outage": "1h", "detection": "25s",
            "stalls": {"every": "6h", "for": "30s"},
            "outages": [{"at": "14h", "for": "1h", "zone": "a"},
                        {"at": "2h", "for": "2m", "share": "80%"}],
        },
    )  # fmt: skip
    assert of.faults is not None
    hazards = of.faults.hazards
    assert mean_s(hazards.node_life) == pytest.approx(100 * 86_400, rel=1e-3)
    assert (hazards.lemon_share, hazards.lemon_factor) == (0.05, 10.0)
    assert mean_s(hazards.replica_life) == pytest.approx(30 * 86_400, rel=1e-3)
    assert hazards.repair is not None
    assert (draw(hazards.repair, 0.5), hazards.crews) == (7200.0, 3)
    assert mean_s(hazards.zone_life) == pytest.approx(90 * 86_400, rel=1e-3)
    assert hazards.zone_outage is not None
    assert (draw(hazards.zone_outage, 0.5), draw(hazards.detection, 0.5)) == (3600.0, 25.0)
    assert mean_s(hazards.stall_gap) == pytest.approx(6 * 3600, rel=1e-3)
    assert hazards.stall is not None
    assert draw(hazards.stall, 0.5) == 30.0
    first, second = hazards.outages
    assert (first.at_s, first.for_s, first.zone, first.share) == (50_400.0, 3600.0, "a", None)
    assert (second.at_s, second.for_s, second.zone, second.share) == (7200.0, 120.0, None, 0.8)


def test_what_is_replaced_is_not_repaired() -> None:
    faults = site(failures={"mtbf": "100d"}, startup="none").faults
    assert faults is not None
    assert faults.hazards.repair is None
    assert faults.hazards.replica_life is None


@pytest.mark.parametrize(
    ("scaler", "kind", "every_s", "window_s", "delay_s"),
    [
        ({"kind": "p95", "target": "50ms", "window": "90s", "every": "20s"}, P95, 20, 90, 15),
        ({"kind": "hpa", "manifest": MANIFEST, "rate_window": "2m"}, Hpa, 15, 120, 15),
        ({"kind": "schedule", "steps": [{"at": "08:00", "replicas": 2}]}, Schedule, 15, 60, 0),
        ({"kind": "forecast", "requests_per_s": 2}, Forecast, 60, 60, 0),
    ],
)
def test_an_autoscaler_by_its_kind(
    scaler: dict[str, Any], kind: type, every_s: float, window_s: float, delay_s: float
) -> None:
    of = site(replicas={"min": 1, "max": 4, "start": 2}, autoscaler=scaler, startup="none")
    assert of.scaling is not None
    assert type(of.scaling.scaler) is kind
    looks = of.scaling.looks
    assert (looks.every_s, looks.window_s, looks.delay_s) == (every_s, window_s, delay_s)
    assert looks.floor_tpot_s == 1.0
    assert of.scaling.history.keep_s >= looks.window_s + looks.delay_s
    assert of.start_replicas == 2


@pytest.mark.parametrize(
    ("scaler", "rates", "answers"),
    [
        ({"kind": "p95", "target": "50ms"}, False, True),
        ({"kind": "hpa", "manifest": MANIFEST}, True, False),
        ({"kind": "schedule", "steps": [{"at": "08:00", "replicas": 2}]}, False, False),
        ({"kind": "forecast", "requests_per_s": 2}, True, False),
        ({"kind": "forecast", "tokens_per_s": 2000}, True, True),
    ],
)
def test_what_an_autoscaler_does_not_ask_for_is_not_remembered(
    scaler: dict[str, Any], rates: bool, answers: bool
) -> None:
    of = site(replicas={"min": 1, "max": 4}, autoscaler=scaler, startup="none")
    assert of.scaling is not None
    looks = of.scaling.looks
    assert (looks.rates, looks.answers) == (rates, answers)
    submit, on_done = of.pool.submit, of.pool.on_done
    assert (of.scaling.submitting(submit) is not submit) is rates
    assert (of.scaling.ending(on_done) is not on_done) is answers


def test_the_targets_of_an_autoscaler_are_those_of_its_own_routes() -> None:
    routes = {
        "chat": route(slo={"tpot_p95": "40ms", "ttft_p95": "2s", "e2e_p95": "9s"}),
        "code": route(slo={"tpot_p95": "80ms", "ttft_p95": "1s", "tpot_p99": "10ms"}),
    }
    scaler = site(
        routes=routes, replicas={"min": 1, "max": 4}, autoscaler={"kind": "p95"}, startup="none"
    ).scaling
    assert scaler is not None
    law = scaler.scaler
    assert isinstance(law, P95)
    assert law.target_tpot_s == pytest.approx(0.03)
    assert law.guard_ttft_s == 1.0


def test_a_pool_that_scales_to_zero_holds_requests_and_sleeps() -> None:
    to_zero = {"after": "5m"}
    of = site(replicas={"min": 0, "max": 4}, scale_to_zero=to_zero, startup="none")
    assert of.pool.holds
    assert of.sleep is not None
    assert of.sleep.after_s == 300.0
    assert of.scaling is None
    assert of.start_replicas == 1


def test_a_plan_may_say_that_none_is_needed_and_keeps_a_pool_awake() -> None:
    of = site(
        replicas={"min": 0, "max": 4},
        scale_to_zero={"after": "5m"},
        autoscaler={"kind": "schedule", "steps": [{"at": "08:00", "replicas": 0}]},
        startup="none",
    )
    assert of.scaling is not None
    assert of.sleep is not None
    assert of.scaling.plans
    assert of.sleep.scaling is of.scaling
    assert of.scaling.scaler.decide(Observation(now_s=0.0, ready=1)).replicas == 0


def test_a_fixed_autoscaler_moves_nothing() -> None:
    assert site(replicas=2, autoscaler={"kind": "fixed"}).scaling is None


def test_a_slow_node_s_steps_take_longer() -> None:
    of = site(replicas=1, failures={"slow_nodes": {"share": "100%", "factor": 2.5}})
    of.start(of.pool.env)
    (seat,) = of.keeper.seats
    assert seat.replica.batcher.timing.step_s([], [7]) == 2.5
    assert seat.replica.batcher.queue is of.pool.queue
