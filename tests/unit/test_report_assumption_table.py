from sim.report.assumption_table import assumed
from sim.report.summary import Summary


def test_each_assumption_is_a_row() -> None:
    row = {"path": "pools.main.host", "says": "overhead", "source": "fits", "doubt": None}
    assert assumed(Summary({"assumptions": [row]})).rows == (
        ("pools.main.host", "overhead", "fits", ""),
    )


def test_a_summary_of_an_earlier_version_has_none() -> None:
    assert assumed(Summary({})).rows == ()
