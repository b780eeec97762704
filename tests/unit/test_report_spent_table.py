from typing import Any

from sim.cost.spent import EARLIER, Spent
from sim.ledger.usage import WASTE_CAUSES
from sim.report.spent_table import SPENT, WASTED, spent
from sim.report.summary import Summary


def document(**usd: Any) -> dict[str, Any]:
    return {
        "bill": {"total_usd": 100.0, "usd_per_month": 3000.0},
        "cost": {"usd_per_million_useful_tokens": {"value": 2.0}},
        "spent": usd,
    }


def test_every_way_of_spending_has_a_row() -> None:
    assert set(SPENT) == set(vars(Spent())) - {"waste"}
    assert set(WASTED) == {*WASTE_CAUSES, EARLIER}


def test_rows_in_four_units() -> None:
    made = spent(Summary(document(useful_work=25.0, waste={"timed_out": 5.0}, idle=70.0)))
    assert [row[:5] for row in made.rows] == [
        ("useful work", "25.0 %", "$25.00", "$750.00", "$0.500"),
        ("wasted: timed out", "5.0 %", "$5.00", "$150.00", "$0.100"),
        ("idle", "70.0 %", "$70.00", "$2,100", "$1.40"),
        ("the bill", "100 %", "$100.00", "$3,000", "$2.00"),
    ]
    assert made.note.startswith("None: slack, starting, draining")
    assert "wasted" not in made.note


def test_rounding_is_no_row_and_a_negative_slack_is() -> None:
    made = spent(Summary(document(useful_work=101.0, slack=-1.0, idle=1e-12)))
    assert [row[0] for row in made.rows] == ["useful work", "slack", "the bill"]
    assert made.rows[1][2] == "-$1.00"


def test_without_a_bill_there_is_nothing_to_say() -> None:
    assert not spent(Summary({})).rows
