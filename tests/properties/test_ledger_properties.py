"""Books of requests that are tried again, given up, hosted or of no use: all of it counted once.

Each example is a handful of requests with made-up attempts, read by the meter in chunks; a plain
loop over the attempts counts the same.
"""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.ledger.average import mean
from sim.ledger.conservation import check_usage
from sim.ledger.metering import Meter, RouteMeter
from sim.ledger.records import HOSTED_REPLICA, Ledger
from sim.ledger.usage import WASTE_CAUSES, PoolUsage, RouteUsage, Usage
from sim.serving.sequence import Outcome

HORIZON_S = 1000.0
ROUTES = [
    RouteMeter("chat", 20, (("ttft", 0.95, 5.0), ("e2e", 0.5, 60.0)), pools=("small", "large")),
    RouteMeter("code", reasoning_share=0.75),
    RouteMeter("health", useful=False),
]
ENDS = [Outcome.REJECTED, Outcome.TIMED_OUT, Outcome.FAILED, Outcome.CANCELLED]


@dataclass
class Try:
    """One attempt, with all that the ledger reads."""

    route: int
    number: int
    attempt: int
    superseded: bool
    outcome: Outcome
    replica: int
    arrived_at_s: float
    queued_at_s: float
    first_token_at_s: float | None
    finished_at_s: float | None
    input_tokens: int
    output_tokens: int
    cached_input: int
    computed: int
    high_water: int
    generated: int
    recomputed_input: int
    recomputed_output: int
    prefill_s: float = 0.0
    cached_s: float = 0.0
    rent_s: float = 0.0
    decode_s: float = 0.0
    waste_s: float = 0.0
    leg: int = 0

    @property
    def reached(self) -> tuple[int, int]:
        """Prompt and output tokens that the fleet computed for it, each once."""
        if self.replica == HOSTED_REPLICA:
            return 0, 0
        most = min(max(self.computed, self.high_water), self.input_tokens)
        return max(0, most - self.cached_input), self.generated


@st.composite
def tries(draw: st.DrawFn, number: int) -> list[Try]:
    """All attempts at one request."""
    arrived_at_s = draw(st.floats(-100.0, 1.1 * HORIZON_S))
    route = draw(st.integers(0, len(ROUTES) - 1))
    asked = draw(st.integers(1, 500)), draw(st.integers(1, 50))
    count = draw(st.integers(1, 4))
    made = []
    leg = 0
    if route == 0 and draw(st.booleans()):  # on the second of its pools, after the first or not
        leg = 1
        if draw(st.booleans()):
            first = one_try(route, number, 0, True, Outcome.COMPLETED, arrived_at_s, asked)
            made.append(draw(first.filter(lambda a: a.replica != HOSTED_REPLICA)))
    for attempt in range(count):
        last = attempt == count - 1
        outcome = draw(st.sampled_from([*Outcome] if last else [*ENDS, Outcome.IN_FLIGHT]))
        made.append(draw(one_try(route, number, attempt, not last, outcome, arrived_at_s, asked)))
        made[-1].leg = leg
    return made


@st.composite
def one_try(
    draw: st.DrawFn, route: int, number: int, attempt: int, superseded: bool, outcome: Outcome,
    arrived_at_s: float, asked: tuple[int, int],
) -> Try:  # fmt: skip
    inp, out = asked
    queued_at_s = arrived_at_s + 10.0 * attempt
    cached = draw(st.integers(0, inp - 1))
    done, refused = outcome is Outcome.COMPLETED, outcome is Outcome.REJECTED
    hosted = done and draw(st.booleans())
    generated = out if done else 0 if refused else draw(st.integers(0, out))
    computed = inp + out - 1 if done else 0 if refused else draw(st.integers(0, inp + generated))
    waits = [draw(st.floats(0.1, 9.0)), draw(st.floats(0.0, 300.0))]
    again = draw(st.integers(0, 99)) if computed and not hosted else 0
    return Try(
        route, number, attempt, superseded, outcome,
        replica=HOSTED_REPLICA if hosted else -1 if refused else draw(st.integers(0, 3)),
        arrived_at_s=arrived_at_s,
        queued_at_s=queued_at_s,
        first_token_at_s=queued_at_s + waits[0] if generated else None,
        finished_at_s=None if outcome is Outcome.IN_FLIGHT else queued_at_s + sum(waits),
        input_tokens=inp, output_tokens=out, cached_input=0 if refused else cached,
        computed=computed,
        high_water=draw(st.integers(1, inp)) if again else 0,  # what is computed again was reached
        generated=generated, recomputed_input=again, recomputed_output=again // 3,
        prefill_s=float(bool(computed and not hosted)),
    )  # fmt: skip


requests = st.integers(0, 12).flatmap(lambda n: st.tuples(*(tries(i) for i in range(n))))


def metered(made: list[Try]) -> Usage:
    meter = Meter(ROUTES, HORIZON_S)
    ledger = Ledger(meter.read)
    for attempt in made:
        ledger.add(attempt)
    ledger.flush()
    routes = {route.name: meter.route_usage(i) for i, route in enumerate(ROUTES)}
    return Usage(HORIZON_S, routes, {"main": PoolUsage()}, meter.overall())


def arrived(made: list[Try]) -> list[Try]:
    return [a for a in made if 0.0 <= a.arrived_at_s < HORIZON_S]


def cause_of(a: Try) -> str | None:
    """Why what *a* computed was wasted, in so many words."""
    if not ROUTES[a.route].useful:
        return "not_useful"
    if a.superseded:
        return "escalated" if a.outcome is Outcome.COMPLETED else "retried"
    return a.outcome.name.lower() if a.outcome in ENDS[1:] else None


@settings(max_examples=120, deadline=None)
@given(requests, st.randoms(use_true_random=False))
def test_every_request_and_every_token_is_counted_once(made, random) -> None:
    every = [attempt for request in made for attempt in request]
    random.shuffle(every)  # they end in any order
    usage = metered(every)
    inside = arrived(every)
    doors = [len({a.number for a in inside if a.route == i}) for i in range(len(ROUTES))]
    check_usage(usage, doors)
    for index, (name, found) in enumerate(usage.routes.items()):
        check_route(found, [a for a in inside if a.route == index], name)
        check_ended(found, [a for a in every if a.route == index])


def check_route(found: RouteUsage, mine: list[Try], name: str) -> None:
    last = [a for a in mine if not a.superseded]
    ends = Counter(a.outcome.name.lower() for a in last)
    counts = found.requests
    assert counts.arrived == len(last)
    assert {k: getattr(counts, k) for k in ends} == ends
    assert counts.attempts == len(mine)
    assert counts.retried == sum(a.attempt > 0 for a in mine)
    assert counts.escalated == sum(cause_of(a) == "escalated" for a in mine)
    for leg, (pool, part) in enumerate(found.by_pool.items()):
        sent = [a for a in mine if a.leg == leg and a.attempt == 0]
        assert part.offered.requests == len(sent), pool
        assert part.offered.input == sum(a.input_tokens for a in sent)
        assert part.offered.output == sum(a.output_tokens for a in sent)
        assert part.completed == sum(
            a.outcome is Outcome.COMPLETED for a in mine if a.leg == leg and not a.superseded
        )
    assert found.offered.input == sum(a.input_tokens for a in last)
    done = [a for a in last if a.outcome is Outcome.COMPLETED]
    useful = done if name != "health" else []
    assert found.useful.input == sum(a.input_tokens for a in useful)
    assert found.useful.cached_input == sum(a.cached_input for a in useful)
    assert found.useful.output == sum(a.output_tokens for a in useful)
    assert found.useful.reasoning == 0.75 * found.useful.output * (name == "code")
    hosted = [a for a in done if a.replica == HOSTED_REPLICA]
    assert (found.hosted.requests, found.hosted.input, found.hosted.output) == (
        len(hosted), sum(a.input_tokens for a in hosted), sum(a.output_tokens for a in hosted),
    )  # fmt: skip
    wasted: dict[str, list[int]] = {cause: [0, 0] for cause in WASTE_CAUSES}
    for a in mine:
        for cause, (inp, out) in (
            (cause_of(a), a.reached),
            (
                "not_useful" if name == "health" else "preempted",
                (a.recomputed_input, a.recomputed_output),
            ),
        ):
            if cause is not None:
                wasted[cause][0] += inp
                wasted[cause][1] += out
    assert found.wasted_input == {cause: inp for cause, (inp, _) in wasted.items()}
    assert found.wasted_output == {cause: out for cause, (_, out) in wasted.items()}
    if done:
        waits = [a.first_token_at_s - a.arrived_at_s for a in done]
        assert math.isclose(found.ttft_s.mean, np.mean(waits), rel_tol=1e-6)
        assert found.e2e_s.n == len(done)


def check_ended(found: RouteUsage, mine: list[Try]) -> None:
    """Reference tokens of attempts that the fleet ended in the window, useful and not."""
    ended = [
        a for a in mine
        if a.finished_at_s is not None and 0.0 <= a.finished_at_s < HORIZON_S
        and a.replica != HOSTED_REPLICA
    ]  # fmt: skip
    good = [a for a in ended if cause_of(a) is None and a.outcome is Outcome.COMPLETED]
    assert found.ended_useful.uncached == sum(a.reached[0] for a in good)
    assert found.ended_useful.output == sum(a.generated for a in good)
    both = found.ended_useful.uncached + found.ended_waste.uncached
    again = sum(a.recomputed_input + a.recomputed_output for a in ended)
    assert both == sum(a.reached[0] for a in ended) + again
    assert found.ended_by_interval.sum(axis=0).tolist() == [
        both,
        found.ended_useful.prompt + found.ended_waste.prompt,
        sum(a.generated for a in ended),
    ]
    assert sum(vars(found.as_run).values()) == sum(a.prefill_s for a in ended)


@settings(max_examples=50, deadline=None)
@given(requests, requests)
def test_the_mean_of_two_runs_keeps_the_laws(one, two) -> None:
    """So the account of several replications adds up as that of each does."""
    usages = []
    for made in (one, two):
        every = [attempt for request in made for attempt in request]
        usages.append(metered(every))
    both = mean(usages)
    doors = [mean([u.routes[r.name].requests.arrived for u in usages]) for r in ROUTES]
    check_usage(both, doors)
    for name, route in both.routes.items():
        judged = [u.routes[name].windows.judged for u in usages]
        assert route.windows.judged == sum(judged) / 2
