from typing import Any

from attempts import DONE, HORIZON_S, NONE, columns, meter, usage

from sim.ledger.metering import Meter, RouteMeter
from sim.ledger.usage import (
    ComponentSeconds,
    Figures,
    ReferenceTokens,
    RequestCounts,
    SloFigure,
    TokenCounts,
    WindowCounts,
    WorstWindow,
)
from sim.serving.sequence import Outcome


def test_requests_are_those_that_arrived_in_the_window() -> None:
    found = usage(*({"arrived_at_s": at_s, **DONE} for at_s in (-1e-9, 0.0, 999.9, 1000.0)))
    assert found.requests.arrived == found.requests.completed == 2
    assert found.offered.input == found.useful.input == 200
    assert found.e2e_s.n == 2


def test_requests_by_final_state() -> None:
    rows = [
        {"outcome": code} for code, count in enumerate((6, 5, 4, 3, 2, 1)) for _ in range(count)
    ]
    rows[0] |= {"attempt": 1}
    assert usage(*rows).requests == RequestCounts(
        arrived=21, completed=6, rejected=5, timed_out=4, failed=3, cancelled=2, in_flight=1,
        attempts=21, retried=1, in_slo=6,
    )  # fmt: skip


def test_tokens_offered_useful_and_inside_the_slo() -> None:
    rows = (
        {**DONE, "cached_input": 48},
        {**DONE, "first_token_at_s": 7.5},  # TTFT 2.5 s: too late for the promise
        {"outcome": Outcome.REJECTED, "input_tokens": 70, "output_tokens": 3},
    )
    found = usage(*rows, template_tokens=40, targets=(("ttft", 0.95, 2.0),))
    assert found.offered == TokenCounts(270, 48, 120, 13)
    assert found.useful == TokenCounts(200, 48, 80, 10)
    assert found.goodput == TokenCounts(100, 48, 40, 5)
    assert found.requests.in_slo == 1


def test_every_promise_must_be_kept_and_only_ones_own() -> None:
    one = RouteMeter("one", targets=(("ttft", 0.5, 2.0), ("e2e", 0.5, 4.0)))
    two = RouteMeter("two", targets=(("ttft", 0.5, 2.0),))
    found = Meter([one, two], HORIZON_S)
    found.read(columns({**DONE, "route": 0}, {**DONE, "route": 1}))
    assert [found.route_usage(i).requests.in_slo for i in (0, 1)] == [0, 1]


def test_one_token_has_no_tpot_and_breaks_no_promise_about_it() -> None:
    single = {**DONE, "output_tokens": 1, "generated": 1, "finished_at_s": 6.0}
    found = usage(single, targets=(("tpot", 0.95, 1e-3),))
    assert found.requests.in_slo == 1
    assert (found.ttft_s.n, found.tpot_s, found.e2e_s.n) == (1, Figures(), 1)
    assert found.slo == (SloFigure("tpot", 0.95, 1e-3, None, None),)


def test_two_tokens_have_a_tpot() -> None:
    assert usage({**DONE, "output_tokens": 2, "generated": 2}).tpot_s.mean == 4.0


def test_latencies_run_from_arrival_and_only_of_the_completed() -> None:
    late = {**DONE, "first_token_at_s": 8.0, "finished_at_s": 20.0}
    lost = {**DONE, "outcome": Outcome.TIMED_OUT, "finished_at_s": 900.0}
    found = usage(DONE, late, lost)
    assert (found.ttft_s.mean, found.ttft_s.n) == (2.0, 2)  # 1 and 3
    assert found.tpot_s.mean == 2.0  # 4 / 4 and 12 / 4
    assert found.e2e_s.mean == 10.0  # 5 and 15


def test_waste_by_cause_each_token_once() -> None:
    def lost(outcome: Outcome, computed: int, **changes: int) -> dict[str, Any]:
        return {"outcome": outcome, "computed": computed, "finished_at_s": 9.0, **changes}

    found = usage(
        lost(Outcome.TIMED_OUT, 30),  # in its prefill
        lost(Outcome.FAILED, 102, generated=3, cached_input=64),  # 36 of the prompt computed
        lost(Outcome.CANCELLED, 0, high_water=102, generated=2),  # preempted, then gone
        lost(Outcome.REJECTED, 0),
        {**DONE, "high_water": 104, "recomputed_input": 100, "recomputed_output": 4},
    )
    assert found.wasted_input == {
        **NONE, "timed_out": 30, "failed": 36, "cancelled": 100, "preempted": 100,
    }  # fmt: skip
    assert found.wasted_output == {**NONE, "failed": 3, "cancelled": 2, "preempted": 4}


def test_a_found_prompt_that_was_never_computed_is_no_waste() -> None:
    """Admitted with 64 cached tokens, gone before its first step ended."""
    gone = {"outcome": Outcome.CANCELLED, "computed": 0, "cached_input": 64}
    assert usage(gone).wasted_input["cancelled"] == 0


def test_reference_tokens_are_of_those_that_ended_in_the_window() -> None:
    before = {**DONE, "arrived_at_s": -50.0, "finished_at_s": 0.0, "cached_input": 64}
    after = {**DONE, "finished_at_s": 1000.0}
    never = {"outcome": Outcome.IN_FLIGHT, "computed": 104, "generated": 5}
    found = usage(before, after, never)
    assert found.ended_useful == ReferenceTokens(uncached=36, prompt=100, cached=64, output=5)
    assert found.ended_waste == ReferenceTokens()


def test_reference_tokens_of_waste() -> None:
    """A prompt pays rent from its first token on; what is computed again is waste."""
    early = {"outcome": Outcome.CANCELLED, "finished_at_s": 9.0, "computed": 30}
    first = {**early, "computed": 100, "generated": 1}
    later = {**early, "computed": 102, "generated": 3}
    again = {**DONE, "high_water": 104, "recomputed_input": 100, "recomputed_output": 4}
    found = usage(early, first, later, again)
    assert found.ended_waste == ReferenceTokens(30 + 100 + 100 + 104, 200, 0, 4)
    assert found.ended_useful == ReferenceTokens(100, 100, 0, 5)


def test_tokens_by_the_interval_in_which_they_ended() -> None:
    found = usage(
        {**DONE, "finished_at_s": 299.9, "cached_input": 64, "recomputed_output": 2},
        {**DONE, "finished_at_s": 300.0},
        {"outcome": Outcome.FAILED, "finished_at_s": 999.0, "computed": 30},
    )
    assert found.ended_by_interval.tolist() == [
        [38, 100, 5], [100, 100, 5], [0, 0, 0], [30, 0, 0]
    ]  # fmt: skip


def test_seconds_as_run_and_all_of_a_lost_attempt_is_waste() -> None:
    parts = {"prefill_s": 1.0, "cached_s": 2.0, "rent_s": 4.0, "decode_s": 8.0, "waste_s": 16.0}
    lost = {"prefill_s": 32.0, "rent_s": 64.0, "outcome": Outcome.FAILED, "finished_at_s": 9.0}
    unended = {**parts, "outcome": Outcome.IN_FLIGHT}
    found = usage({**DONE, **parts}, lost, unended)
    assert found.as_run == ComponentSeconds(1.0, 2.0, 4.0, 8.0, 16.0 + 32.0 + 64.0)


def test_charged_seconds_by_replica_window_or_not() -> None:
    found = meter(
        {"replica": 3, "prefill_s": 1.0, "arrived_at_s": -9.0},
        {"replica": 3, "cached_s": 2.0, "rent_s": 4.0},
        {"replica": 4, "decode_s": 8.0, "waste_s": 16.0, "arrived_at_s": 5000.0},
        {"replica": -1, "outcome": Outcome.REJECTED},
        {"replica": 0, "waste_s": 0.25},
    )
    found.read(columns({"replica": 4, "decode_s": 0.5}))
    found.read(columns({"replica": 5, "decode_s": 0.125}))
    charged = [found.charged_on(replica) for replica in (0, 1, 3, 4, 5, 6)]
    assert charged == [0.25, 0.0, 7.0, 24.5, 0.125, 0.0]


def test_an_slo_by_intervals_of_arrival() -> None:
    """Four intervals of five minutes; the promise of p50 <= 2 s is broken in the second.

    In the third it is kept at its very bound.
    """

    def row(at_s: float, ttft_s: float) -> dict[str, Any]:
        return {**DONE, "arrived_at_s": at_s, "first_token_at_s": at_s + ttft_s}

    rows = [row(900 + i, 1) for i in range(4)]
    rows += [row(0, 1), row(299, 1), row(1, 3), row(300, 3), row(599, 3), row(600, 2)]
    found = usage(*rows, targets=(("ttft", 0.5, 2.0),))
    worst = WorstWindow(start_s=300.0, value_s=3.0)
    assert found.slo == (SloFigure("ttft", 0.5, 2.0, 1.0, 0.75, worst),)
    assert found.windows == WindowCounts(judged=4, bad=1)


def test_a_window_in_which_nothing_was_answered_is_a_bad_one() -> None:
    """Of the first nobody has heard yet; in the second all fail; in the third one of two does."""
    rows = [
        {"arrived_at_s": 9.0, "outcome": Outcome.IN_FLIGHT},
        {"arrived_at_s": 310.0, "outcome": Outcome.FAILED, "finished_at_s": 312.0},
        {**DONE, "arrived_at_s": 610.0, "first_token_at_s": 611.0, "finished_at_s": 620.0},
        {"arrived_at_s": 611.0, "outcome": Outcome.REJECTED},
    ]
    found = usage(*rows, targets=(("ttft", 0.5, 2.0), ("e2e", 0.5, 1.0)))
    assert [slo.windows_met_share for slo in found.slo] == [0.5, 0.0]
    assert {slo.worst for slo in found.slo} == {WorstWindow(start_s=300.0, value_s=None)}
    assert found.windows == WindowCounts(judged=2, bad=2)
    assert usage(*rows).windows == WindowCounts(1, 1)  # without a promise: nothing was answered


def test_a_window_of_seconds_is_one_interval() -> None:
    found = Meter([RouteMeter("chat")], 12.0)
    found.read(columns(DONE))
    assert found.intervals == 1
    assert found.route_usage(0).ended_by_interval.tolist() == [[100, 100, 5]]


def test_all_routes_together() -> None:
    """Sums are sums; latencies are over all requests, not means of means."""
    fast = [{**DONE, "route": 0}] * 3
    slow = {**DONE, "route": 1, "first_token_at_s": 14.0, "outcome": Outcome.COMPLETED}
    found = meter(*fast, slow, routes=3)
    both, empty = found.overall(), found.route_usage(2)
    assert both.requests.completed == 4
    assert both.useful == TokenCounts(400, 0, 0, 20)
    assert both.ttft_s.mean == 3.0  # 1, 1, 1, 9
    assert both.ended_by_interval.tolist() == [[400, 400, 20], *[[0, 0, 0]] * 3]
    assert found.route_usage(1).ended_by_interval.tolist()[0] == [100, 100, 5]
    assert empty.requests == RequestCounts()
    assert empty.ttft_s == Figures()


def test_how_attempts_are_cut_into_chunks_changes_nothing() -> None:
    rows = [
        {**DONE, "arrived_at_s": 3.0 * i, "first_token_at_s": 4.0 * i, "finished_at_s": 5.0 * i}
        for i in range(1, 150)
    ]
    rows[::3] = [{**row, "outcome": Outcome.FAILED, "computed": 50} for row in rows[::3]]
    targets = (("e2e", 0.5, 100.0),)
    whole, parts = meter(*rows, targets=targets), meter(*rows[:40], targets=targets)
    parts.read(columns(*rows[40:]))
    one, two = whole.route_usage(0), parts.route_usage(0)
    assert one.ended_by_interval.tolist() == two.ended_by_interval.tolist()
    for name in ("requests", "useful", "goodput", "ended_useful", "ended_waste", "slo", "e2e_s"):
        assert getattr(one, name) == getattr(two, name), name
