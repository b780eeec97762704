"""Requests of several attempts, answered elsewhere, of use to nobody, or reasoned about."""

import math

from attempts import DONE, HORIZON_S, NONE, columns, usage

from sim.ledger.metering import Meter, RouteMeter
from sim.ledger.records import HOSTED_REPLICA
from sim.ledger.usage import (
    ComputedTokens,
    HostedCounts,
    ReferenceTokens,
    RequestCounts,
    TokenCounts,
)
from sim.serving.sequence import Outcome

# -- several attempts at one request ---------------------------------------------------------------

LOST = {"superseded": 1, "outcome": Outcome.FAILED, "finished_at_s": 8.0}
"""An attempt that another one follows."""


def test_a_request_ends_as_its_last_attempt() -> None:
    found = usage(
        {**LOST, "number": 1, "outcome": Outcome.REJECTED},
        {**LOST, "number": 1, "attempt": 1, "outcome": Outcome.TIMED_OUT},
        {**DONE, "number": 1, "attempt": 2, "first_token_at_s": 30.0, "finished_at_s": 34.0},
        {**LOST, "number": 2, "outcome": Outcome.IN_FLIGHT},  # nobody waits for it any more
        {"number": 2, "attempt": 1, "outcome": Outcome.FAILED, "finished_at_s": 9.0},
    )
    assert found.requests == RequestCounts(
        arrived=2, completed=1, failed=1, attempts=5, retried=3, in_slo=1
    )
    assert found.offered == TokenCounts(200, 0, 0, 10)
    assert found.useful == TokenCounts(100, 0, 0, 5)
    assert (found.ttft_s.mean, found.tpot_s.mean, found.e2e_s.mean) == (25.0, 1.0, 29.0)


def test_earlier_attempts_are_waste_of_retries_whatever_ended_them() -> None:
    found = usage(
        {**LOST, "outcome": Outcome.TIMED_OUT, "computed": 102, "generated": 3},
        {**LOST, "outcome": Outcome.IN_FLIGHT, "computed": 30, "finished_at_s": math.nan},
        {**LOST, "computed": 100, "generated": 1, "high_water": 20, "recomputed_input": 20},
        {**DONE, "attempt": 3, "cached_input": 64},
    )
    assert found.wasted_input == {**NONE, "retried": 230, "preempted": 20}
    assert found.wasted_output == {**NONE, "retried": 4}
    assert found.ended_useful == ReferenceTokens(36, 100, 64, 5)
    assert found.ended_waste == ReferenceTokens(100 + 100 + 20, 200, 0, 4)
    assert found.computed == ComputedTokens(input=30 + 100 + 100 + 20 + 36, output=3 + 1 + 5)


def test_what_is_still_in_flight_is_neither_useful_nor_wasted() -> None:
    found = usage({"outcome": Outcome.IN_FLIGHT, "computed": 102, "generated": 2})
    assert (found.wasted_input, found.wasted_output) == (NONE, NONE)
    assert found.computed == ComputedTokens(100, 2, 100, 2)


# -- answered by a hosted API ----------------------------------------------------------------------


def test_a_hosted_answer_is_useful_but_took_no_time_of_the_fleet() -> None:
    answer = {**DONE, "replica": HOSTED_REPLICA, "cached_input": 20, "first_token_at_s": 7.0}
    refused = {**LOST, "outcome": Outcome.REJECTED, "finished_at_s": 5.0}
    found = usage(refused, {**answer, "attempt": 1}, DONE, template_tokens=40)
    assert found.requests == RequestCounts(arrived=2, completed=2, attempts=3, retried=1, in_slo=2)
    assert found.useful == TokenCounts(200, 20, 80, 10)
    assert found.hosted == HostedCounts(requests=1, input=100, cached_input=20, output=5)
    assert found.served == TokenCounts(input=100, output=5)
    assert found.computed == ComputedTokens(100, 5)
    assert found.ended_useful == ReferenceTokens(100, 100, 0, 5)
    assert found.ended_by_interval[0].tolist() == [100, 100, 5]
    assert found.ttft_s.mean == 1.5  # 2 and 1


def test_what_the_api_has_not_answered_yet_is_not_billed() -> None:
    pending = {"replica": HOSTED_REPLICA, "outcome": Outcome.IN_FLIGHT, "generated": 5}
    found = usage(pending)
    assert found.hosted == HostedCounts()
    assert found.computed == ComputedTokens()
    assert found.requests.in_flight == 1


# -- routes that are of use to nobody --------------------------------------------------------------


def test_tokens_of_a_useless_route_are_waste_and_nothing_else() -> None:
    found = usage(
        {**DONE, "high_water": 9, "recomputed_input": 7, "recomputed_output": 2},
        {**LOST, "computed": 50},
        {"attempt": 1, "outcome": Outcome.TIMED_OUT, "finished_at_s": 9.0, "computed": 40},
        {"outcome": Outcome.IN_FLIGHT, "computed": 3},
        useful=False,
        targets=(("ttft", 0.5, 1.0),),
    )
    assert found.requests.completed == found.requests.in_slo == 1
    assert found.ttft_s.n == 1
    assert found.offered.input == 300
    assert found.useful == found.goodput == TokenCounts()
    assert found.wasted_input == {**NONE, "not_useful": 100 + 7 + 50 + 40 + 3}
    assert found.wasted_output == {**NONE, "not_useful": 5 + 2}
    assert found.ended_useful == ReferenceTokens()
    assert found.ended_waste == ReferenceTokens(100 + 9 + 50 + 40, 100, 0, 5)


def test_health_checks_are_no_requests_of_users() -> None:
    meter = Meter([RouteMeter("chat"), RouteMeter("health", useful=False)], HORIZON_S)
    late = {"first_token_at_s": 9.0, "prefill_s": 2.0}
    meter.read(columns({**DONE, "route": 0}, *[{**DONE, "route": 1, **late}] * 3))
    every = meter.overall()
    assert every.requests == RequestCounts(arrived=1, completed=1, attempts=1, in_slo=1)
    assert every.ttft_s.mean == 1.0
    assert every.useful == TokenCounts(100, 0, 0, 5)
    assert every.wasted_input["not_useful"] == 300
    assert every.as_run.waste == 6.0
    assert meter.route_usage(1).requests.completed == 3


def test_reasoning_is_a_part_of_the_output() -> None:
    thinks = RouteMeter("thinks", reasoning_share=0.8, targets=(("ttft", 0.5, 1.0),))
    meter = Meter([RouteMeter("chat"), thinks], HORIZON_S)
    slow = {"first_token_at_s": 9.0}
    meter.read(columns(DONE, {**DONE, "route": 1}, {**DONE, "route": 1, **slow}))
    assert meter.route_usage(0).useful.reasoning == 0.0
    assert meter.route_usage(1).useful == TokenCounts(200, 0, 0, 10, reasoning=8.0)
    assert meter.route_usage(1).goodput == TokenCounts(100, 0, 0, 5, reasoning=4.0)
    assert meter.overall().useful == TokenCounts(300, 0, 0, 15, reasoning=8.0)
