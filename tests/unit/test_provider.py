"""Nodes that come and go (`sim.fleet.provider`), a minute to provision and half of one to pull."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import simpy

from sim.fleet.node import Node, Phase
from sim.fleet.provider import Provider, draw
from sim.laws.exponential import Exponential
from sim.laws.fixed import Fixed
from sim.streams import Keyed
from tests.unit.fleets import terms


class Market:
    """A provider, and what it tells."""

    def __init__(self, seed: int = 1, **changes: Any) -> None:
        self.env = simpy.Environment()
        usual = {"provision": 60.0, "pull": 30.0}
        self.provider = Provider(self.env, "main", terms(**{**usual, **changes}), Keyed(seed))
        self.log: list[tuple[float, str, int]] = []
        for kind in ("refused", "paid", "up", "notice", "taken"):
            setattr(self.provider, f"on_{kind}", self._writer(kind))

    def _writer(self, kind: str) -> Any:
        def write(node: Node) -> None:
            self.log.append((self.env.now, kind, node.number))
            if kind == "taken":
                self.provider.release(node)

        return write

    def order(self, number: int = 1) -> list[Node]:
        return [self.provider.order("scale") for _ in range(number)]


def test_a_draw_is_a_quantile() -> None:
    law = Exponential(2.0)
    assert draw(law, 0.5) == pytest.approx(2.0 * np.log(2.0))
    assert draw(Fixed(3.0), 0.9) == 3.0


def test_an_ordered_node_comes_in_time_and_is_paid_from_the_order_on() -> None:
    of = Market()
    (node,) = of.order()
    assert (node.phase, node.lease) == (Phase.ORDERED, None)
    of.env.run(until=80.0)
    assert node.phase is Phase.PROVISIONING
    of.env.run(until=100.0)
    assert of.log == [(0.0, "paid", 0), (90.0, "up", 0)]
    assert node.phase is Phase.UP
    (lease,) = of.provider.leases
    assert (lease.begun_at_s, lease.up_at_s, lease.released_at_s) == (0.0, 90.0, None)
    assert (lease.pool, lease.node, lease.cause, lease.slots) == ("main", 0, "scale", 1)
    assert of.provider.paid[False].integral(0.0, 100.0) == 100.0


def test_a_node_that_is_there_at_once() -> None:
    of = Market()
    node = of.provider.have("start")
    of.env.run(until=5.0)
    assert (node.phase, of.log) == (Phase.UP, [])
    assert of.provider.leases[0].up_at_s == 0.0


def test_one_that_is_given_back_is_paid_to_the_end_of_a_unit() -> None:
    of = Market(billed_s=lambda held_s: 60.0 * np.ceil(held_s / 60.0))
    node = of.provider.have("start")
    of.env.run(until=70.0)
    of.provider.release(node)
    (lease,) = of.provider.leases
    assert (lease.released_at_s, lease.paid_until_s) == (70.0, 120.0)
    assert node.phase is Phase.RELEASED
    assert not of.provider.nodes
    assert of.provider.paid[False].now == 0.0


def test_it_is_never_paid_for_less_than_it_was_held() -> None:
    """A microsecond after the end of a unit, the next has not begun; but that long it was held."""
    of = Market(billed_s=lambda held_s: 60.0)
    node = of.provider.have("start")
    of.env.run(until=60.000001)
    of.provider.release(node)
    assert of.provider.leases[0].paid_until_s == 60.000001


@pytest.mark.parametrize("at_s", [0.0, 0.5, 61.0, 89.0])
def test_one_that_is_given_back_on_its_way_never_comes(at_s: float) -> None:
    of = Market()
    (node,) = of.order()
    if at_s:
        of.env.run(until=at_s)
    of.provider.release(node)
    of.env.run(until=200.0)
    assert [kind for _, kind, _ in of.log] == (["paid"] if at_s else [])
    assert len(of.provider.leases) == bool(at_s)
    assert of.provider.paid[False].now == 0.0


def test_zones_are_filled_evenly() -> None:
    of = Market(zones=("a", "b", "c"))
    nodes = of.order(7)
    assert [node.zone for node in nodes] == list("abcabca")
    of.provider.release(nodes[1])
    assert of.order()[0].zone == "b"


def test_failed_nodes_do_not_count_in_their_zone() -> None:
    of = Market(zones=("a", "b"))
    nodes = of.order(2)
    nodes[1].phase = Phase.FAILED
    assert of.order()[0].zone == "b"


def test_a_zone_that_is_out_is_avoided_as_long_as_another_is_not() -> None:
    of = Market(zones=("a", "b"))
    of.provider.out["a"] = 1
    assert of.provider.open_zones == ["b"]
    assert {node.zone for node in of.order(3)} == {"b"}
    of.provider.out["b"] = 1
    assert of.provider.open_zones == ["a", "b"]


def test_where_all_zones_are_out_an_order_is_repeated() -> None:
    of = Market(retry_after_s=100.0)
    of.provider.out["a"] = 1
    of.order()
    of.env.run(until=150.0)
    of.provider.out["a"] = 0
    of.env.run(until=400.0)
    assert of.log == [
        (0.0, "refused", 0), (100.0, "refused", 0), (200.0, "paid", 0), (290.0, "up", 0),
    ]  # fmt: skip


def test_a_share_of_orders_finds_nothing_and_is_not_paid_meanwhile() -> None:
    """Of 400 orders, each refused with chance 0.4, 2/3 a try more on average; 4 sigma are 0.21."""
    of = Market(refused=0.4, retry_after_s=10.0)
    of.order(400)
    of.env.run(until=2000.0)
    refused = sum(kind == "refused" for _, kind, _ in of.log)
    assert refused / 400 == pytest.approx(2 / 3, abs=0.21)
    assert sum(kind == "up" for _, kind, _ in of.log) == 400
    begun_s = {lease.node: lease.begun_at_s for lease in of.provider.leases}
    assert sum(begun_s.values()) == pytest.approx(10.0 * refused)


@pytest.mark.parametrize(
    ("share", "spots"), [(0.0, "......"), (0.5, ".s.s.s"), (1.0, "ssssss"), (0.34, "..s..s")]
)
def test_of_any_first_nodes_the_share_is_spot(share: float, spots: str) -> None:
    of = Market(spot_share=share)
    assert "".join("s" if node.spot else "." for node in of.order(6)) == spots


def test_a_spot_node_is_taken_after_its_life_and_said_so_before() -> None:
    of = Market(spot_share=1.0, spot_life=500.0, notice_s=120.0)
    (node,) = of.order()
    of.env.run(until=600.0)
    assert (node.leaving, node.has_room) == (True, False)
    of.env.run(until=1000.0)
    assert of.log[1:] == [(90.0, "up", 0), (590.0, "notice", 0), (710.0, "taken", 0)]
    assert of.provider.paid[True].integral(0.0, 1000.0) == 710.0


def test_a_short_life_does_not_end_as_it_begins() -> None:
    """Whatever the notice: else nodes that are there at once would be replaced for ever."""
    of = Market(spot_share=1.0, spot_life=5.0, notice_s=120.0)
    of.order()
    of.env.run(until=1000.0)
    assert of.log[1:] == [(90.0, "up", 0), (95.0, "notice", 0), (215.0, "taken", 0)]


@pytest.mark.parametrize("at_s", [100.0, 600.0])
def test_a_spot_node_that_was_given_back_is_not_taken(at_s: float) -> None:
    of = Market(spot_share=1.0, spot_life=500.0, notice_s=120.0)
    (node,) = of.order()
    of.env.run(until=at_s)
    of.provider.release(node)
    of.env.run(until=1000.0)
    assert "taken" not in [kind for _, kind, _ in of.log]


def test_some_nodes_are_slow() -> None:
    """A fifth of 500: 100, give or take 4 sigma, 36."""
    of = Market(slow_share=0.2, slow_factor=1.5)
    factors = [node.slow for node in of.order(500)]
    assert set(factors) == {1.0, 1.5}
    assert abs(factors.count(1.5) - 100) < 36


def test_what_a_node_is_does_not_depend_on_when_it_is_ordered() -> None:
    """The same numbers for the n-th node, whatever happened before."""
    law = Exponential(60.0)
    one, other = Market(provision=law), Market(provision=law)
    one.order(3)
    other.order(1)
    other.env.run(until=500.0)
    other.order(2)
    one.env.run(until=2000.0)
    other.env.run(until=2000.0)

    def took_s(of: Market) -> list[float]:
        return [round((lease.up_at_s or 0.0) - lease.begun_at_s, 6) for lease in of.provider.leases]

    assert took_s(one) == took_s(other)
    assert len(set(took_s(one))) == 3
