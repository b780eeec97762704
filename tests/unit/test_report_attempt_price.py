import math

import numpy as np

from sim.cost.reference import ReferenceRates
from sim.ledger.records import HOSTED_REPLICA
from sim.ledger.usage import ReferenceTokens, RouteUsage
from sim.report.attempt_price import reference_total_s, usd_of_attempts
from sim.scenario.overflow import Overflow

RATES = ReferenceRates(pre_s=1.0, rent_s=0.5, out_s=2.0)
CHUNK = {
    "route": np.array(["a", "b", "a"]),
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
    ended = RouteUsage(
        ended_useful=ReferenceTokens(uncached=10, prompt=10, output=5),
        ended_waste=ReferenceTokens(uncached=4),  # never decoded: no context rent
    )
    seconds = reference_total_s(ended, RATES)
    rates = {"a": RATES, "b": RATES}
    usd = usd_of_attempts({"a": 58.0, "b": 0.0}, {"a": seconds, "b": 1.0}, rates, {})
    assert seconds == 10 + 5 + 10 + 4
    assert usd(CHUNK).tolist() == [50.0, 0.0, 8.0]
    assert math.fsum(usd(CHUNK)) == 58.0


def test_a_route_without_reference_seconds_prices_nothing() -> None:
    usd = usd_of_attempts({"a": 5.0}, {"a": 0.0}, {"a": RATES}, {})
    assert usd(CHUNK).tolist() == [0.0, 0.0, 0.0]


def test_what_an_api_answered_has_the_apis_price() -> None:
    """10 tokens in, 4 of them cached, and 5 out, at $2, $1 and $3 per 1M; none if in flight."""
    chunk = {
        **{name: np.resize(values[:1], 3) for name, values in CHUNK.items()},
        "cached_input_tokens": np.array([4, 4, 0]),
        "replica": np.array([HOSTED_REPLICA, HOSTED_REPLICA, 0]),
        "outcome": np.array(["completed", "in_flight", "completed"]),
    }
    usd = usd_of_attempts({"a": 50.0}, {"a": 25.0}, {"a": RATES}, {"a": API})
    assert usd(chunk).tolist() == [(6 * 2 + 4 * 1 + 5 * 3) / 1e6, 0.0, 50.0]
