"""Bill notices: what is worth a word about prices that age and commitments; today is given."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from sim.catalog.bill_prices import STALE_AFTER_DAYS, age_days
from sim.scenario.document import Scenario
from sim.scenario.notice import Notice


def bill_notices(scenario: Scenario, today: date) -> Iterator[Notice]:
    """Yield a warning for each price row of the bill that is old, and for each commitment to more
    nodes than the pool can ever use."""
    for number, line in enumerate(scenario.bill):
        row = line.price_row
        if row is not None and (age := age_days(row, today)) > STALE_AFTER_DAYS:
            text = f"the price {row.key} was read {age} days ago, on {row.as_of.isoformat()}"
            yield Notice("stale-price", f"bill[{number}].price", f"{text}; check it, or give usd")
    for name, pool in scenario.pools.items():
        committed = pool.node.committed_nodes
        most = -(-pool.most_replicas // pool.replicas_per_node) + pool.warm_nodes
        if committed > most and pool.redundancy is None and pool.rollouts is None:
            text = f"{committed} nodes are committed to, but {pool.most_replicas} replicas need"
            rest = f"no more than {most}: the others are paid for nothing"
            yield Notice("commitment-beyond-fleet", f"pools.{name}.node", f"{text} {rest}")
