"""Hint: near names are suggested, far ones are not, long lists are cut."""

from sim.scenario.hint import did_you_mean, hint, listed


def test_the_nearest_name_is_meant() -> None:
    assert did_you_mean("horizn", ["horizon", "warmup"]) == "horizon"
    assert did_you_mean("Monday", ["monday", "sunday"]) == "monday"
    assert did_you_mean("zebra", ["horizon", "warmup"]) is None
    assert did_you_mean("x" * 100_000, ["horizon"]) is None


def test_lists_are_cut() -> None:
    assert listed(["a", "b"], most=2) == "a, b"
    assert listed(["a", "b", "c"], most=2) == "a, b and 1 more"


def test_hints_show_the_value() -> None:
    assert hint("tabel", ["table"]) == "got 'tabel'; did you mean 'table'?"
    assert hint(3, ["table"]) == "got 3"
