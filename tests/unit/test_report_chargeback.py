import csv
import io
from typing import Any

import pytest

from sim.report.chargeback import NOBODY, chargeback_csv, teams
from sim.report.summary import Summary


def part(usd: float, peak: float) -> dict[str, Any]:
    useful = {"input": 100.0, "output": 10.0}
    return {
        "requests": {"arrived": 5.0},
        "tokens": {"useful": useful},
        "usd": {"by_use": usd, "by_peak": peak},
    }


def document(unallocated: float = 10.0) -> dict[str, Any]:
    return {
        "bill": {"total_usd": 90.0 + unallocated, "usd_per_month": 3 * (90.0 + unallocated)},
        "cost": {
            "unallocated_usd": unallocated,
            "by_peak": {"unallocated_usd": unallocated},
        },
        "routes": {"chat": part(60.0, 50.0), "code": part(30.0, 40.0)},
        "teams": {
            "search": {"routes": ["chat"], "requests": 5, "useful_tokens": 110,
                       "usd": {"by_use": 60.0, "by_peak": 50.0}},
            "(no team)": {"routes": ["code"], "requests": 5, "useful_tokens": 110,
                          "usd": {"by_use": 30.0, "by_peak": 40.0}},
        },
    }  # fmt: skip


def test_teams_and_what_is_nobodys() -> None:
    assert teams(Summary(document())).rows == (
        ("search", "chat", "5", "110", "$60.00", "60.0 %", "$50.00"),
        ("(no team)", "code", "5", "110", "$30.00", "30.0 %", "$40.00"),
        (NOBODY, "", "", "", "$10.00", "10.0 %", "$10.00"),
    )
    assert not teams(Summary({**document(), "teams": {}})).rows


@pytest.mark.parametrize("unallocated", [0.0, 10.0])
def test_csv_sums_to_the_bill(unallocated: float) -> None:
    of = document(unallocated)
    rows = list(csv.DictReader(io.StringIO(chargeback_csv(of))))
    assert [row["team"] for row in rows[:2]] == ["search", "(no team)"]
    for way in ("usd_by_use", "usd_by_peak"):
        assert sum(float(row[way]) for row in rows) == pytest.approx(of["bill"]["total_usd"])
    monthly = sum(float(row["usd_per_month_by_use"]) for row in rows)
    assert monthly == pytest.approx(of["bill"]["usd_per_month"])
    assert len(rows) == (3 if unallocated else 2)
