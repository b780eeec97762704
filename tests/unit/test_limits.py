import pytest

from sim.fleet.limits import QueueLimits


def test_one_limit_for_all() -> None:
    limits = QueueLimits(5)
    assert limits.any
    assert [limits.of(priority) for priority in (-1000, 0, 1000)] == [5, 5, 5]


def test_no_limit() -> None:
    for none in (None, {}):
        limits = QueueLimits(none)
        assert not limits.any
        assert limits.of(0) is None


@pytest.mark.parametrize(
    ("priority", "limit"), [(-1, None), (0, 512), (1, 512), (4, 512), (5, 100), (1000, 100)]
)
def test_the_limit_of_the_next_more_urgent_one_that_is_given(
    priority: int, limit: int | None
) -> None:
    assert QueueLimits({5: 100, 0: 512}).of(priority) == limit


def test_a_limit_of_0_is_a_limit() -> None:
    assert QueueLimits(0).any
    assert QueueLimits(0).of(3) == 0
