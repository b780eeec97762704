"""Commitment: the rule against brute force, second by second."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.cost.commitment import advice, best_reserved, scaled, shares_of_time, usd_per_hour


def needs(n: list[int]) -> np.ndarray:
    """Seconds with at least 1, 2, ... nodes, of a second for each entry of *n*."""
    return np.array([float((np.array(n) >= k).sum()) for k in range(1, max(n) + 1)])


def brute(n: list[int], reserved: int, r: float, o: float) -> float:
    """What an hour costs: each second pays the reserved ones, and those beyond on demand."""
    return float(np.mean([r * reserved + o * max(0, k - reserved) for k in n]))


counts = st.lists(st.integers(0, 9), min_size=1, max_size=50)
ratios = st.floats(0.05, 0.95)


@settings(max_examples=120, deadline=None)
@given(counts, ratios)
def test_no_other_number_is_cheaper(n: list[int], ratio: float) -> None:
    found = advice(needs(n), float(len(n)), 10 * ratio, 10.0)
    by_force = [brute(n, reserved, 10 * ratio, 10.0) for reserved in range(max(n) + 2)]
    assert found.usd_per_hour == pytest.approx(min(by_force))
    assert found.usd_per_hour == pytest.approx(by_force[found.nodes])
    assert found.usd_per_hour_without == pytest.approx(by_force[0])


@settings(max_examples=120, deadline=None)
@given(counts, ratios, st.integers(0, 3))
def test_regret_is_that_of_whole_nodes_at_scaled_demand(
    n: list[int], ratio: float, owned: int
) -> None:
    found = advice(needs(n), float(len(n)), 10 * ratio, 10.0, owned)
    for regret in found.regrets:
        other = [int(np.ceil(round(k * regret.demand, 9))) for k in n]
        beyond = [max(0, k - owned) for k in other]
        costs = [brute(beyond, reserved, 10 * ratio, 10.0) for reserved in range(max(other) + 2)]
        assert regret.best_usd_per_hour == pytest.approx(min(costs))
        assert regret.usd_per_hour == pytest.approx(brute(beyond, found.nodes, 10 * ratio, 10.0))
        assert regret.regret_usd_per_hour >= -1e-9


def test_by_hand() -> None:
    """Two nodes day and night, a third for 12 h, a fourth for 6 h, at 60 % of $10."""
    at_least_s = 3600.0 * np.array([24.0, 24.0, 12.0, 6.0])
    found = advice(at_least_s, 86_400.0, 6.0, 10.0)
    assert (found.nodes, found.shares) == (2, (1.0, 1.0, 0.5, 0.25))
    assert found.usd_per_hour == pytest.approx(2 * 6 + 10 * 0.75)
    assert found.saved_share == pytest.approx(1 - 19.5 / 27.5)
    more = found.regrets[1]  # 2, 3, 4 become 3, 4, 6
    assert more.demand == 1.3
    assert more.best_nodes == 3
    assert more.usd_per_hour == pytest.approx(2 * 6 + 10 * (1.0 + 0.5 + 0.25 + 0.25))
    assert more.regret_usd_per_hour == pytest.approx(10 * 1.0 - 6)


def test_what_is_owned_is_not_reserved() -> None:
    found = advice(3600.0 * np.array([24.0, 24.0, 12.0]), 86_400.0, 6.0, 10.0, owned=1)
    assert (found.owned, found.nodes, found.shares) == (1, 1, (1.0, 0.5))
    assert advice(np.zeros(0), 1.0, 1.0, 2.0).nodes == 0


def test_at_just_the_ratio_it_does_not_matter() -> None:
    shares = shares_of_time(np.array([5.0]), 10.0)
    assert best_reserved(shares, 1.0, 2.0) == 0
    assert usd_per_hour(shares, 0, 1.0, 2.0) == usd_per_hour(shares, 1, 1.0, 2.0) == 1.0


def test_the_same_demand_is_the_same() -> None:
    shares = np.array([1.0, 0.7, 0.2])
    assert scaled(shares, 1.0).tolist() == shares.tolist()
    assert scaled(shares, 0.5).tolist() == [1.0, 0.2]  # 1 and 2 become 1, 3 becomes 2
