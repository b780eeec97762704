from dataclasses import replace

import pytest

from sim.ledger.conservation import (
    ConservationError,
    check_equal,
    check_leases,
    check_replica,
    check_usage,
)
from sim.ledger.lease import Lease
from sim.ledger.usage import (
    ComputedTokens,
    HostedCounts,
    PoolUsage,
    RequestCounts,
    RouteUsage,
    TokenCounts,
    Usage,
)

COUNTS = RequestCounts(
    arrived=10, completed=4, rejected=2, timed_out=1, failed=1, cancelled=1, in_flight=1,
    attempts=13, retried=3,
)  # fmt: skip
TOKENS = TokenCounts(input=400, cached_input=100, output=40)
COMPUTED = ComputedTokens(input=275, output=55, undecided_input=40, undecided_output=9)
ROUTE = RouteUsage(
    requests=COUNTS,
    offered=TokenCounts(1000, 100, 0, 100),
    useful=TOKENS,
    hosted=HostedCounts(requests=1, input=100, cached_input=20, output=10),
    computed=COMPUTED,  # 220 and 30 of use, 15 and 16 wasted, 40 and 9 undecided
    wasted_input={"failed": 10.0, "preempted": 5.0},
    wasted_output={"failed": 12.0, "retried": 4.0},
)
"""Ten requests, one of them answered by a hosted API."""

POOL = PoolUsage(
    paid_s=100, busy_s=60, idle_s=20, starting_s=10, draining_s=6, failed_s=4,
    kv_used_block_s=50, kv_block_s=50,
)  # fmt: skip


def check(
    route: RouteUsage = ROUTE, pool: PoolUsage = POOL, arrived: int = 10, **all_: float
) -> None:
    overall = replace(route, useful=replace(TOKENS, **all_))
    check_usage(Usage(100.0, {"chat": route}, {"main": pool}, overall), [arrived])


def test_sound_books_pass() -> None:
    check()
    all_useful = replace(
        ROUTE,
        offered=TOKENS,
        useful=replace(TOKENS, cached_input=400),
        hosted=HostedCounts(4, 400, 400, 40),
        computed=ComputedTokens(55, 25, 40, 9),
    )
    always_busy = PoolUsage(paid_s=100, busy_s=100, kv_used_block_s=50, kv_block_s=50)
    check(all_useful, always_busy, cached_input=400)
    check(
        pool=replace(POOL, busy_s=100 + 1e-9, idle_s=-1e-9, starting_s=0, draining_s=0, failed_s=0)
    )
    nothing = RouteUsage()
    check_usage(Usage(1.0, {"chat": nothing}, {"main": PoolUsage()}, nothing), [0])


@pytest.mark.parametrize(
    "state", ["completed", "rejected", "timed_out", "failed", "cancelled", "in_flight"]
)
def test_a_request_lost_from_any_state(state: str) -> None:
    counts = replace(COUNTS, **{state: getattr(COUNTS, state) - 1})
    with pytest.raises(ConservationError, match="requests of chat by final state: 9"):
        check(replace(ROUTE, requests=counts))


def test_a_request_that_never_came_out() -> None:
    with pytest.raises(ConservationError, match="requests of chat at the door: 10 is not 11"):
        check(arrived=11)


@pytest.mark.parametrize("change", [{"attempts": 12}, {"retried": 4}, {"attempts": 14}])
def test_an_attempt_that_nothing_followed_and_nothing_ended(change: dict[str, int]) -> None:
    with pytest.raises(ConservationError, match="attempts of chat that follow no other"):
        check(replace(ROUTE, requests=replace(COUNTS, **change)))


def test_every_route_was_counted_at_the_door() -> None:
    with pytest.raises(ValueError, match="shorter"):
        check_usage(Usage(1.0, {"chat": ROUTE}, {}, ROUTE), [])


@pytest.mark.parametrize("kind", ["input", "output"])
def test_more_useful_than_offered(kind: str) -> None:
    route = replace(ROUTE, offered=replace(ROUTE.offered, **{kind: getattr(TOKENS, kind) - 1}))
    with pytest.raises(ConservationError, match=f"chat: more useful {kind} tokens"):
        check(route)


@pytest.mark.parametrize(("kind", "most"), [("input", 1000), ("output", 100)])
def test_more_hosted_than_offered(kind: str, most: int) -> None:
    route = replace(ROUTE, hosted=replace(ROUTE.hosted, **{kind: most + 1}))
    with pytest.raises(ConservationError, match=f"chat: more hosted {kind} tokens"):
        check(route)


def test_more_hosted_than_completed() -> None:
    with pytest.raises(ConservationError, match="chat: more hosted requests"):
        check(replace(ROUTE, hosted=replace(ROUTE.hosted, requests=5)))


@pytest.mark.parametrize("kind", ["input", "output"])
@pytest.mark.parametrize("where", ["wasted", "hosted", "computed", "undecided"])
def test_a_computed_token_that_went_nowhere_or_twice(kind: str, where: str) -> None:
    changes = {
        "wasted": {f"wasted_{kind}": {**getattr(ROUTE, f"wasted_{kind}"), "failed": 11.0}},
        "hosted": {"hosted": replace(ROUTE.hosted, **{kind: 9.0})},
        "computed": {"computed": replace(COMPUTED, **{kind: 1.0})},
        "undecided": {"computed": replace(COMPUTED, **{f"undecided_{kind}": 1.0})},
    }
    with pytest.raises(ConservationError, match=f"computed {kind} tokens of chat"):
        check(replace(ROUTE, **changes[where]))


def test_more_cached_than_input() -> None:
    with pytest.raises(ConservationError, match="chat: more cached than input"):
        check(replace(ROUTE, useful=replace(TOKENS, cached_input=401)), cached_input=401)


@pytest.mark.parametrize("kind", ["input", "output", "cached_input"])
def test_routes_that_do_not_sum(kind: str) -> None:
    with pytest.raises(ConservationError, match=f"useful {kind} tokens of all routes"):
        check(**{kind: getattr(TOKENS, kind) - 1})


@pytest.mark.parametrize("state", ["busy_s", "idle_s", "starting_s", "draining_s", "failed_s"])
def test_a_second_lost_from_any_state(state: str) -> None:
    pool = replace(POOL, **{state: getattr(POOL, state) - 1})
    with pytest.raises(ConservationError, match="replica-seconds of main by state: 99"):
        check(pool=pool)


def test_a_state_of_negative_time() -> None:
    with pytest.raises(ConservationError, match="main: a state of negative time"):
        check(pool=replace(POOL, busy_s=101, idle_s=-1, starting_s=0, draining_s=0, failed_s=0))


def test_more_blocks_in_use_than_there_are() -> None:
    with pytest.raises(ConservationError, match="main: more KV blocks"):
        check(pool=replace(POOL, kv_used_block_s=50.0001))


def test_busy_seconds_are_charged_or_lost() -> None:
    check_replica("replica 3", busy_s=10.0, charged_s=8.0, lost_s=2.0)
    with pytest.raises(ConservationError, match=r"seconds charged on replica 3: 9.0 is not 10.0"):
        check_replica("replica 3", busy_s=10.0, charged_s=8.0, lost_s=1.0)


def lease(spot: bool, begun_at_s: float, paid_until_s: float) -> Lease:
    """Of a node of five GPUs, which hold two replicas of two."""
    return Lease("main", 0, "a", spot, "start", 2, 1, begun_at_s, paid_until_s=paid_until_s)


LEASES = [lease(False, -50.0, 60.0), lease(True, 30.0, 70.0), lease(True, 90.0, 500.0)]
LEASED = PoolUsage(paid_s=160.0, node_s=60.0, spot_node_s=50.0, unplaced_gpu_s=230.0)
"""In 100 s: 60, 40 and 10 s of five GPUs each, 550 in all, of which 320 were of replicas."""


def test_leases_are_what_the_states_add_up_to() -> None:
    check_leases("main", LEASED, LEASES, 100.0, gpus=5, tensor_parallel=2)


@pytest.mark.parametrize(
    ("change", "law"),
    [
        ({"node_s": 61.0}, "node-seconds of main at the list price: 61.0 is not 60.0"),
        ({"spot_node_s": 49.0}, "node-seconds of main at the spot price"),
        ({"paid_s": 159.0}, "paid GPU-seconds of main: 548.0 is not 550.0"),
        ({"unplaced_gpu_s": 231.0}, "paid GPU-seconds of main"),
    ],
)
def test_leases_that_are_something_else(change: dict[str, float], law: str) -> None:
    with pytest.raises(ConservationError, match=law):
        check_leases("main", replace(LEASED, **change), LEASES, 100.0, gpus=5, tensor_parallel=2)


@pytest.mark.parametrize(
    ("left", "right", "scale", "equal"),
    [
        (1.0, 1.0 + 9e-10, 0.0, True),
        (1.0, 1.0 + 2e-9, 0.0, False),
        (1e9, 1e9 + 0.9, 0.0, True),
        (1e9, 1e9 + 2.0, 0.0, False),
        (0.0, 9e-13, 0.0, True),  # of a thousandth, if both are less
        (0.0, 2e-12, 0.0, False),
        (0.0, 2e-9, 3.0, True),  # of the scale
        (0.0, 4e-9, 3.0, False),
        (0.0, float("nan"), 0.0, False),
    ],
)
def test_equal_to_one_part_in_a_billion(
    left: float, right: float, scale: float, equal: bool
) -> None:
    if equal:
        check_equal("law", left, right, scale)
    else:
        with pytest.raises(ConservationError, match="law"):
            check_equal("law", left, right, scale)
