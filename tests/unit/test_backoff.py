import pytest

from sim.fleet.backoff import RetryBudget, sdk_backoff


def test_half_a_second_doubled_up_to_eight() -> None:
    assert [sdk_backoff(n, 0.0) for n in (0, 1, 2, 3, 4, 5, 999)] == [0.5, 1, 2, 4, 8, 8, 8]


def test_up_to_a_quarter_is_taken_off() -> None:
    assert sdk_backoff(4, 0.5) == 8.0 * 0.875
    assert sdk_backoff(0, 0.999999) == pytest.approx(0.375, abs=1e-6)


def spent(budget: RetryBudget, times: int) -> int:
    return sum(budget.spend() for _ in range(times))


def test_a_few_retries_may_be_made_at_first() -> None:
    assert spent(RetryBudget(0.1), 50) == 10


def test_then_no_more_than_the_share_of_the_requests() -> None:
    budget = RetryBudget(0.1)
    spent(budget, 10)
    allowed = []
    for _ in range(30):
        budget.earn()
        allowed.append(budget.spend())
    assert [n for n, was in enumerate(allowed, 1) if was] == [10, 20, 30]


def test_what_is_saved_up_is_bounded() -> None:
    budget = RetryBudget(0.5)
    for _ in range(1000):
        budget.earn()
    assert spent(budget, 50) == 10


def test_a_budget_of_nothing_ends_with_the_first_few() -> None:
    budget = RetryBudget(0.0)
    budget.earn()
    assert spent(budget, 50) == 10
