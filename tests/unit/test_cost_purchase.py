"""Purchase: nodes by how they were bought, by hand and against a count second by second."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.cost.line import Line
from sim.cost.purchase import held, node_lines, unused_gpu_s
from sim.ledger.usage import PoolUsage
from sim.scenario.node import Node

OWNED = {
    "nodes": 1, "purchase_usd": 35_040, "years": 4, "kw": 2, "unused_kw": 0.5, "usd_per_kwh": 0.25,
    "space_usd_per_month": 730, "spares": 1,
}  # fmt: skip
"""An hour: capital $1, power $0.50 ($0.125 unused), space $1, the spare's capital $1."""


def paid(hours: list[float], spot_h: float = 0.0) -> PoolUsage:
    """A pool with at least 1, 2, ... nodes for so many hours."""
    at_least_s = 3600.0 * np.array(hours)
    return PoolUsage(
        node_s=float(at_least_s.sum()), spot_node_s=3600.0 * spot_h, nodes_at_least_s=at_least_s
    )


def lines(pool: PoolUsage, window_h: float, **node: Any) -> dict[str, Line]:
    of = Node.model_validate({"usd_per_hour": 4.0, **node})
    return {line.line: line for line in node_lines("main", pool, of, window_h * 3600)}


def test_all_on_demand() -> None:
    (line,) = lines(paid([10.0, 4.0]), 10.0).values()
    assert line == Line("nodes", "node", "main", "node_hours", 14.0, 4.0)


def test_reserved_nodes_are_paid_whether_used_or_not() -> None:
    """Two reserved for 10 h: used 10 h and 4 h, 6 h not; a third was needed for 1 h."""
    found = lines(paid([10.0, 4.0, 1.0]), 10.0, reserved={"nodes": 2, "discount": "40%"})
    told = "40 % off the list price"
    assert list(found.values()) == [
        Line("reserved nodes", "node", "main", "node_hours", 14.0, pytest.approx(2.4), told),
        Line("unused reserved nodes", "commitment", "main", "node_hours", 6.0, 2.4, told),
        Line("nodes", "node", "main", "node_hours", pytest.approx(1.0), 4.0),
    ]


def test_owned_nodes_are_used_first_and_show_their_parts() -> None:
    found = lines(paid([8.0, 4.0]), 10.0, owned=OWNED, reserved={"nodes": 1, "discount": 0.5})
    quantity = {name: (line.kind, line.quantity, line.unit_usd) for name, line in found.items()}
    assert quantity == {
        "owned nodes: capital": ("node", 8.0, pytest.approx(1.0)),
        "owned nodes: power": ("node", 8.0, pytest.approx(0.5)),
        "owned nodes: space": ("node", 8.0, pytest.approx(1.0)),
        "owned nodes: spares": ("node", 8.0, pytest.approx(1.0)),
        "unused owned nodes": ("commitment", 2.0, pytest.approx(3.125)),
        "reserved nodes": ("node", 4.0, 2.0),
        "unused reserved nodes": ("commitment", 6.0, 2.0),
        "nodes": ("node", 0.0, 4.0),
    }


def test_sources_are_told() -> None:
    row = "coreweave/h100-sxm/on-demand"
    spot = {"price": "coreweave/h100-sxm/spot", "mean_life": "12h"}
    node = Node.model_validate({"price": row, "spot": spot})
    on_demand, on_spot = node_lines("main", paid([1.0], 2.0), node, 3600.0)
    assert on_demand.price_row == row
    assert on_spot.price_row == spot["price"]
    assert on_spot.quantity == 2.0
    assert on_demand.source.endswith("2026-09-20")
    bought = Node.model_validate({"owned": OWNED})
    *_, beyond = node_lines("main", paid([1.0, 1.0]), bought, 3600.0)
    assert (beyond.source, beyond.unit_usd) == ("the full cost of an owned node", 3.5)


def test_unused_gpus() -> None:
    node = Node.model_validate(
        {"gpus": 8, "usd_per_hour": 4, "reserved": {"nodes": 2, "discount": 0.4}}
    )
    assert unused_gpu_s(paid([10.0, 4.0]), node, 36_000.0) == pytest.approx(8 * 6 * 3600)


counts = st.lists(st.integers(0, 6), min_size=1, max_size=40)


@settings(max_examples=120, deadline=None)
@given(counts, st.integers(0, 4), st.integers(0, 4))
def test_against_a_count_second_by_second(nodes: list[int], owned: int, reserved: int) -> None:
    """Each second pays its own: unused is R x window - integral of min(n, R)."""
    n = np.array(nodes)
    at_least_s = np.array([float((n >= k).sum()) for k in range(1, n.max() + 1)])
    pool = PoolUsage(node_s=float(n.sum()), nodes_at_least_s=at_least_s)
    of = {"usd_per_hour": 4.0}
    some = {"owned": OWNED | {"nodes": owned}} if owned else {}
    some |= {"reserved": {"nodes": reserved, "discount": 0.4}} if reserved else {}
    found = held(pool, Node.model_validate(of | some), float(len(n)))
    both = owned + reserved
    assert found.owned_used_s == np.minimum(n, owned).sum()
    assert found.owned_used_s + found.reserved_used_s == np.minimum(n, both).sum()
    assert found.on_demand_s == np.maximum(n - both, 0).sum()
    assert found.unused_s == both * len(n) - np.minimum(n, both).sum()
