"""The table of routes over several pools (`sim.report.route_tables`)."""

from __future__ import annotations

from typing import Any

from sim.report.route_tables import routes_pools
from sim.report.summary import Summary


def on(sent: float, share: float, escalated: float, useful: float, usd: float) -> dict[str, Any]:
    return {
        "requests": {"sent": sent, "sent_share": share, "escalated": escalated},
        "tokens": {"useful": {"input": useful, "output": 0}},
        "usd": usd,
    }


def told(**routes: dict[str, Any]) -> Summary:
    return Summary({"routes": routes, "pools": {"small": {}, "large": {}}})


def test_routes_to_one_pool_need_no_table() -> None:
    made = routes_pools(told(chat={"pool": "small"}, code={"pool": "hosted"}))
    assert (made.rows, made.note) == ((), "")


def test_a_row_for_each_pool() -> None:
    parts = {"small": on(1000, 1.0, 250, 3e6, 2.0), "large": on(250, 0.25, 0, 1e6, 4.0)}
    summary = told(chat={"requests": {"escalated": 250}, "pools": parts}, code={"pool": "large"})
    made = routes_pools(summary)
    assert made.rows == (
        ("chat", "small", "1,000", "100 %", "250", "3.00M", "$2.00", "$2.00"),
        ("chat", "large", "250", "25.0 %", "0", "1.00M", "$4.00", "$16.00"),
    )
    assert "next pool" in made.note


def test_of_a_split_nothing_is_said_of_escalation() -> None:
    parts = {"small": on(10, 0.5, 0, 1, 1.0), "large": on(0, 0.0, 0, 0, 0.0)}
    made = routes_pools(told(chat={"requests": {"escalated": 0}, "pools": parts}))
    assert made.note == ""
    assert made.rows[1][-1] == "n/a"


def test_pools_of_routes_and_of_the_whole() -> None:
    summary = told(
        a={"pool": "small"}, b={"pools": {"large": {}, "small": {}}}, c={"pool": "hosted"}
    )
    assert summary.pools == ["small", "large"]
    assert [summary.part("routes", name).pools for name in "abc"] == [
        ["small"],
        ["large", "small"],
        [],
    ]
