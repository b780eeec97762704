import math

import numpy as np

from sim.cost.reference import ReferenceRates
from sim.ledger.usage import ReferenceTokens, RouteUsage
from sim.report.attempt_price import reference_total_s, usd_of_attempts

RATES = ReferenceRates(pre_s=1.0, rent_s=0.5, out_s=2.0)
CHUNK = {
    "route": np.array(["a", "b", "a"]),
    "uncached_tokens": np.array([10, 7, 4]),
    "input_tokens": np.array([10, 9, 40]),
    "output_tokens": np.array([5, 1, 0]),
}


def test_attempts_of_a_route_come_to_its_dollars() -> None:
    ended = RouteUsage(
        ended_useful=ReferenceTokens(uncached=10, prompt=10, output=5),
        ended_waste=ReferenceTokens(uncached=4),  # never decoded: no context rent
    )
    seconds = reference_total_s(ended, RATES)
    usd = usd_of_attempts({"a": 58.0, "b": 0.0}, {"a": seconds, "b": 1.0}, {"a": RATES, "b": RATES})
    assert seconds == 10 + 5 + 10 + 4
    assert usd(CHUNK).tolist() == [50.0, 0.0, 8.0]
    assert math.fsum(usd(CHUNK)) == 58.0


def test_a_route_without_reference_seconds_prices_nothing() -> None:
    usd = usd_of_attempts({"a": 5.0}, {"a": 0.0}, {"a": RATES})
    assert usd(CHUNK).tolist() == [0.0, 0.0, 0.0]
