import math

import numpy as np

from sim.cost.hosted import AS_COUNTED
from sim.cost.reference import ReferenceRates
from sim.ledger.records import HOSTED_REPLICA
from sim.ledger.usage import ReferenceTokens, RouteOnPool
from sim.report.attempt_price import reference_total_s, usd_of_attempts
from sim.scenario.overflow import Overflow

A, B = ("a", "p"), ("b", "p")
RATES = ReferenceRates(pre_s=1.0, rent_s=0.5, out_s=2.0)
CHUNK = {
    "route": np.array(["a", "b", "a"]),
    "pool": np.array(["p", "p", "p"]),
    "replica": np.array([0, 1, 0]),
    "computed_input_tokens": np.array([8, 7, 4]),
    "recomputed_input_tokens": np.array([1, 0, 0]),
    "recomputed_output_tokens": np.array([1, 0, 0]),
    "input_tokens": np.array([10, 9, 40]),
    "output_tokens": np.array([5, 1, 0]),
}
API = Overflow(
    usd_per_million_input=2.0, usd_per_million_cached_input=1.0, usd_per_million_output=3.0,
    ttft="1s", tpot="1ms",
)  # fmt: skip


def test_attempts_of_a_route_come_to_its_dollars() -> None:
    ended = RouteOnPool(
        ended_useful=ReferenceTokens(uncached=10, prompt=10, output=5),
        ended_waste=ReferenceTokens(uncached=4),  # never decoded: no context rent
    )
    seconds = reference_total_s(ended, RATES)
    usd = usd_of_attempts({A: 58.0, B: 0.0}, {A: seconds, B: 1.0}, {"p": RATES}, {})
    assert seconds == 10 + 5 + 10 + 4
    assert usd(CHUNK).tolist() == [50.0, 0.0, 8.0]
    assert math.fsum(usd(CHUNK)) == 58.0


def test_a_route_without_reference_seconds_prices_nothing() -> None:
    usd = usd_of_attempts({A: 5.0}, {A: 0.0}, {}, {})
    assert usd(CHUNK).tolist() == [0.0, 0.0, 0.0]


def test_what_an_api_answered_has_the_apis_price() -> None:
    """10 tokens in, 4 of them cached, and 5 out, at $2, $1 and $3 per 1M; none if in flight."""
    chunk = {
        **{name: np.resize(values[:1], 3) for name, values in CHUNK.items()},
        "cached_input_tokens": np.array([4, 4, 0]),
        "replica": np.array([HOSTED_REPLICA, HOSTED_REPLICA, 0]),
        "outcome": np.array(["completed", "in_flight", "completed"]),
    }
    usd = usd_of_attempts({A: 50.0}, {A: 25.0}, {"p": RATES}, {"a": (API.price, AS_COUNTED)})
    assert usd(chunk).tolist() == [(6 * 2 + 4 * 1 + 5 * 3) / 1e6, 0.0, 50.0]


def test_a_token_is_as_dear_as_on_the_pool_that_computed_it() -> None:
    """The same work: at $2 a reference second on p, at $3 on q, which is twice as fast."""
    chunk = {**{n: np.resize(v[:1], 2) for n, v in CHUNK.items()}, "pool": np.array(["p", "q"])}
    rates = {"p": RATES, "q": RATES.scaled(0.5)}
    places = {A: 58.0, ("a", "q"): 87.0}
    usd = usd_of_attempts(places, {A: 29.0, ("a", "q"): 29.0}, rates, {})
    assert usd(chunk).tolist() == [50.0, 37.5]
