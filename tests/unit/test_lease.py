import math

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.ledger.lease import Lease, seconds_at_least


def lease(**changes: float) -> Lease:
    held = Lease("main", 3, "a", False, "start", 2, 1, begun_at_s=10.0)
    for name, at_s in changes.items():
        setattr(held, name, at_s)
    return held


def test_a_node_that_is_held_is_paid_from_its_order_on() -> None:
    held = lease()
    assert held.paid_until_s == math.inf
    assert held.paid_s(0.0, 100.0) == 90.0
    assert held.paid_s(20.0, 100.0) == 80.0
    assert held.paid_s(0.0, 10.0) == 0.0


def test_one_that_was_given_back_is_paid_to_the_end_of_its_last_unit() -> None:
    back = lease(released_at_s=40.0, paid_until_s=70.0)
    assert back.paid_s(0.0, 100.0) == 60.0
    assert back.paid_s(50.0, 60.0) == 10.0
    assert back.paid_s(80.0, 100.0) == 0.0


def test_seconds_with_at_least_so_many() -> None:
    """0-40 s, 10-70 s (given back at 40 s), 20 s on, and one that ended before."""
    leases = [
        lease(begun_at_s=-5.0, paid_until_s=40.0),
        lease(released_at_s=40.0, paid_until_s=70.0),
        lease(begun_at_s=20.0),
        lease(begun_at_s=-50.0, paid_until_s=-1.0),
    ]
    found = seconds_at_least(leases, 0.0, 100.0)
    assert found.tolist() == [100.0, 60.0, 20.0]
    assert found.sum() == sum(held.paid_s(0.0, 100.0) for held in leases)
    assert seconds_at_least([], 0.0, 100.0).tolist() == []
    assert seconds_at_least(leases[3:], 0.0, 100.0).tolist() == []


@settings(max_examples=100, deadline=None)
@given(st.lists(st.tuples(st.integers(-20, 120), st.integers(0, 60)), max_size=12))
def test_they_are_what_a_count_of_every_second_says(spans: list[tuple[int, int]]) -> None:
    leases = [lease(begun_at_s=float(b), paid_until_s=float(b + held)) for b, held in spans]
    count = [sum(b <= t < b + held for b, held in spans) for t in range(100)]
    expected = [float(sum(n >= k for n in count)) for k in range(1, max(count) + 1)]
    found = seconds_at_least(leases, 0.0, 100.0).tolist()
    assert found[: len(expected)] == expected
    assert not any(found[len(expected) :])
