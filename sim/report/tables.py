"""Tables: all of a report, in the order in which one reads them; knows no clock."""

from __future__ import annotations

from sim.report.bill_table import bill
from sim.report.capacity_tables import gpu_hours, pools, utilization
from sim.report.chargeback import teams
from sim.report.cost_tables import prices, routes_money
from sim.report.gap_tables import ladder_table, reasons_table, removal_table
from sim.report.hosted_tables import at_the_api
from sim.report.route_tables import routes_pools
from sim.report.service_tables import budgets, routes_speed, slos
from sim.report.spent_table import spent
from sim.report.summary import Summary
from sim.report.table import Table
from sim.report.waste_table import waste

_MAKERS = (
    ladder_table,
    reasons_table,
    removal_table,
    prices,
    routes_money,
    routes_pools,
    teams,
    routes_speed,
    slos,
    budgets,
    waste,
    utilization,
    pools,
    gpu_hours,
    spent,
    bill,
    at_the_api,
)


def all_tables(summary: Summary) -> list[Table]:
    """Every table that has something to say."""
    tables = [make(summary) for make in _MAKERS]
    return [t for t in tables if t.rows or t.note]
