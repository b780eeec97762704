"""Failure rates of the catalog: they are what their sources' counts come to."""

import pytest

from sim.catalog.failures import failure_rate, failure_rates, typical_repair
from sim.catalog.names import UnknownName

DAY_S = 86_400.0


@pytest.mark.parametrize(
    ("name", "days"),
    [
        ("typical", 250.0),
        ("llama-3", 16_384 / 8 * 54 / 419),  # node-days over interruptions
        ("rsc-1", 1000 / 6.50),
        ("rsc-2", 1000 / 2.34),
        ("crusoe-h200", 1600 / 8 * 365.25 / 3 / 205),
        ("any-fault", 47.7),
    ],
)
def test_a_rate_is_what_was_counted(name: str, days: float) -> None:
    assert failure_rate(name).mtbf_s == pytest.approx(days * DAY_S, rel=0.01)


def test_the_typical_rate_is_among_the_others() -> None:
    others = [rate.mtbf_s for rate in failure_rates() if rate.name != "typical"]
    assert min(others) < failure_rate("typical").mtbf_s < max(others)
    assert all(rate.source and rate.counts for rate in failure_rates())


def test_the_typical_repair_is_a_whole() -> None:
    ways = typical_repair()
    assert sum(way.share for way in ways) == pytest.approx(1.0)
    assert [way.duration_s for way in ways] == [900.0, 7200.0, 4 * DAY_S]
    assert all(way.source for way in ways)


def test_unknown_rate() -> None:
    with pytest.raises(UnknownName, match="did you mean 'rsc-1'"):
        failure_rate("rsc_1")
