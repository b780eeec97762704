import pytest

from sim.catalog.day_curves import HOURS, DayCurve, day_curve, day_curves
from sim.catalog.names import UnknownName


def week_mean(curve: DayCurve) -> float:
    return (5 * sum(curve.weekday) + 2 * sum(curve.weekend)) / 168


@pytest.mark.parametrize("curve", day_curves(), ids=lambda curve: curve.name)
def test_curves_have_mean_one_over_a_week(curve: DayCurve) -> None:
    assert len(curve.weekday) == len(curve.weekend) == HOURS
    assert week_mean(curve) == pytest.approx(1, rel=1e-12)
    assert min(curve.weekday + curve.weekend) > 0
    assert curve.source
    assert curve.licence


def test_the_curves_and_their_weekends() -> None:
    assert {curve.name: curve.has_weekend for curve in day_curves()} == {
        "azure-code-2024": True,
        "azure-conv-2024": True,
        "burstgpt-1": False,
        "servegen-m-small": False,
        "servegen-m-mid": False,
        "servegen-m-large": False,
        "deepseek-r1": False,
    }


def test_code_has_a_deep_night_and_a_quiet_weekend() -> None:
    """Hourly max/min over the week: 31 for code, 3.5 for chat (the plots' own values)."""
    for name, ratio in (("azure-code-2024", 31), ("azure-conv-2024", 3.5)):
        curve = day_curve(name)
        hours = curve.weekday + curve.weekend
        assert max(hours) / min(hours) == pytest.approx(ratio, rel=0.25)
        assert sum(curve.weekend) < 0.7 * sum(curve.weekday)


def test_the_middle_pool_has_a_weak_day() -> None:
    curve = day_curve("servegen-m-mid")
    assert (min(curve.weekday), max(curve.weekday)) == pytest.approx((0.81, 1.15), abs=0.005)


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="did you mean 'deepseek-r1'"):
        day_curve("servegen-deepseek-r1")
