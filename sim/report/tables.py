"""Tables: all of a report, in the order in which one reads them; knows no clock."""

from __future__ import annotations

from sim.report.capacity_tables import gpu_hours, pools, utilization
from sim.report.cost_tables import bill, prices, routes_money
from sim.report.service_tables import budgets, routes_speed, slos
from sim.report.summary import Summary
from sim.report.table import Table
from sim.report.waste_table import waste

_MAKERS = (
    prices,
    routes_money,
    routes_speed,
    slos,
    budgets,
    waste,
    utilization,
    pools,
    gpu_hours,
    bill,
)


def all_tables(summary: Summary) -> list[Table]:
    """Every table that has something to say."""
    tables = [make(summary) for make in _MAKERS]
    return [t for t in tables if t.rows or t.note]
