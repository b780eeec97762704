import math

from sim.ledger.lease import Lease


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
