import math
from dataclasses import astuple, replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from usages import BENCHMARKS, LIVING, hand_usage, pool_usages, route_usages

from sim.cost.reference import NO_RATES
from sim.cost.utilization import GpuHours, Load, pool_gpu_hours, pool_load, total_load
from sim.ledger.usage import HostedCounts, PoolUsage, RouteUsage

MAIN, BIG = BENCHMARKS["main"], BENCHMARKS["big"]


def test_states_by_hand() -> None:
    usage = hand_usage()
    used = PoolUsage(
        paid_s=3600.0,
        busy_s=400.0,
        idle_s=2900.0,
        starting_s=200.0,
        draining_s=60.0,
        failed_s=40.0,
        unplaced_gpu_s=7200.0,
    )
    hours = pool_gpu_hours(used, [usage.routes["chat"]], MAIN.rates, tensor_parallel=2)
    assert hours.paid == pytest.approx(4.0)
    assert hours.reference_useful == pytest.approx(2 * 34.2 / 3600)
    assert hours.reference_waste == pytest.approx(2 * 3.8 / 3600)
    assert hours.slack == pytest.approx(2 * 362 / 3600)
    assert hours.idle == pytest.approx(2 * 2900 / 3600)
    assert hours.starting == pytest.approx(400 / 3600)
    assert hours.draining == pytest.approx(120 / 3600)
    assert hours.failed == pytest.approx(80 / 3600)
    assert hours.unplaced == pytest.approx(2.0)
    assert hours.committed_unused == 0.0


def test_slack_is_shown_below_zero() -> None:
    used = PoolUsage(paid_s=30.0, busy_s=30.0)
    hours = pool_gpu_hours(used, [hand_usage().routes["chat"]], MAIN.rates, 1)
    assert hours.slack == pytest.approx((30 - 38) / 3600)


some_pools = st.sampled_from(list(LIVING.pools.values())).flatmap(pool_usages)
some_routes = st.sampled_from(list(LIVING.routes.values())).flatmap(route_usages)


@settings(deadline=None)
@given(some_pools, some_routes, some_routes)
def test_nine_states_sum_to_paid(used: PoolUsage, a: RouteUsage, b: RouteUsage) -> None:
    hours = pool_gpu_hours(used, [a, b], BIG.rates, tensor_parallel=4)
    paid, *states = astuple(hours)
    assert len(states) == 9
    scale = math.fsum(abs(s) for s in states)
    assert math.fsum(states) == pytest.approx(paid, rel=1e-9, abs=1e-12 * scale)


def test_utilizations_by_hand() -> None:
    usage = hand_usage()
    hours = pool_gpu_hours(usage.pools["main"], usage.routes.values(), MAIN.rates, 1)
    load = pool_load(usage.pools["main"], usage.routes, MAIN, hours)
    u = load.utilization()
    assert u.busy == pytest.approx(400 / 3600)
    assert u.useful == pytest.approx(34.2 / 3600)
    assert u.benchmark == pytest.approx(675_000 / (3600 * 18_750))
    assert u.kv == pytest.approx(0.1)


def test_what_an_api_answered_is_no_use_of_the_fleet() -> None:
    usage = hand_usage()
    chat = replace(usage.routes["chat"], hosted=HostedCounts(450.0, 225_000, 45_000, 112_500))
    hours = pool_gpu_hours(usage.pools["main"], [chat], MAIN.rates, 1)
    u = pool_load(usage.pools["main"], {"chat": chat}, MAIN, hours).utilization()
    assert u.benchmark == pytest.approx(337_500 / (3600 * 18_750))


def test_nothing_paid_has_no_utilization() -> None:
    assert set(astuple(Load().utilization())) == {None}


def test_without_a_benchmark_nothing_counts_as_used() -> None:
    used = PoolUsage(paid_s=100.0, idle_s=100.0)
    hours = pool_gpu_hours(used, [], NO_RATES, 1)
    u = pool_load(used, {}, None, hours).utilization()
    assert (u.busy, u.useful, u.benchmark) == (0.0, 0.0, 0.0)


def test_fleet_is_the_quotient_of_sums() -> None:
    """A replica of one GPU at full benchmark, three idle ones: a quarter, whatever their GPUs."""
    full = Load(3600.0, 3600.0, 1.0, 5.0, 10.0, GpuHours(paid=1.0, reference_useful=1.0))
    idle = Load(3 * 3600.0, 0.0, 0.0, 0.0, 30.0, GpuHours(paid=12.0, idle=12.0))
    u = total_load([full, idle]).utilization()
    assert u.busy == u.benchmark == pytest.approx(0.25)
    assert u.useful == pytest.approx(1 / 13)
    assert u.kv == pytest.approx(5 / 40)
