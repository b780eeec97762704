"""Bill line: salaries come by the month, everything else is infrastructure."""

from typing import Any

import pytest
from pydantic import ValidationError

from sim.scenario.bill import BillLine


def line(**changes: Any) -> BillLine:
    return BillLine.model_validate({"line": "x", "driver": "hours", "usd": 1} | changes)


def test_kind_follows_the_driver_unless_given() -> None:
    assert line().kind == "infra"
    assert line(driver="months").kind == "people"
    assert line(driver="months", kind="infra").kind == "infra"
    assert line(kind="people").kind == "people"


@pytest.mark.parametrize(
    "change",
    [
        {"pool": "a", "route": "b"},
        {"usd": -1},
        {"usd": float("nan")},
        {"driver": "tokens"},
        {"line": ""},
        {"line": "a\nb"},
        {"bytes_per_token": 0},
    ],
)
def test_what_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        line(**change)
