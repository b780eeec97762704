from typing import Any

import pytest
from usages import route, scenario

from sim.ledger.usage import SloFigure
from sim.scenario.arrivals import VaryingArrivals
from sim.scenario.document import Scenario
from sim.studies.peak_slice import LENGTH_S, allowed_at_peak, hopeless, peak_slice
from sim.traffic.rates import WeeklyRate

CURVE = [1.0] * 14 + [5.0] + [1.0] * 9
DAY = 86_400.0


def daily(curve: list[float] = CURVE, **changes: Any) -> Scenario:
    arrivals = {"mean_rps": 2.0, "day_curve": curve, **changes.pop("arrivals", {})}
    return scenario(routes={"chat": route(arrivals=arrivals)}, horizon="1d", **changes)


def rate_per_s(of: Scenario, from_s: float, to_s: float) -> float:
    """Mean rate of the only route over a span, by the rate's own integral."""
    arrivals = of.routes["chat"].arrivals
    assert isinstance(arrivals, VaryingArrivals)
    weekday, weekend = arrivals.weights()
    ahead_s = arrivals.utc_offset_hours * 3600.0
    rate = WeeklyRate(arrivals.mean_rps, weekday, weekend, of.starts_on, ahead_s)
    return (rate.expected(to_s) - rate.expected(from_s)) / (to_s - from_s)


@pytest.mark.parametrize("offset", [0, -5, 9])
def test_the_slice_is_the_busiest_hour(offset: int) -> None:
    whole = daily(arrivals={"utc_offset_hours": offset})
    part = peak_slice(whole)
    assert part is not None
    assert part.horizon == LENGTH_S
    hours = [rate_per_s(whole, 3600.0 * h, 3600.0 * (h + 1)) for h in range(24)]
    assert rate_per_s(part, 0.0, LENGTH_S) == pytest.approx(max(hours))
    assert max(hours) > 3 * min(hours)


def test_weekends_stay_weekends() -> None:
    whole = daily(starts_on="friday").model_copy(update={"horizon": 3 * DAY})
    curve = {"weekday": [1.0] * 24, "weekend": [1.0] * 20 + [9.0] + [1.0] * 3}
    arrivals = VaryingArrivals.model_validate({"mean_rps": 2.0, "day_curve": curve})
    chat = whole.routes["chat"].model_copy(update={"arrivals": arrivals})
    whole = whole.model_copy(update={"routes": {"chat": chat}})
    part = peak_slice(whole)
    assert part is not None
    assert part.starts_on == "saturday"
    assert rate_per_s(part, 0.0, LENGTH_S) > 5 * rate_per_s(whole, 0.0, 3600.0)


def test_what_an_hour_cannot_stand_for_has_none() -> None:
    event = {"events": [{"at": "3h", "for": "1h", "times": 9}]}
    assert peak_slice(daily(arrivals=event)) is None
    assert peak_slice(daily(arrivals={"growth_percent_per_week": 5})) is None
    assert peak_slice(daily().model_copy(update={"horizon": 3_600.0})) is None


def test_windows_that_the_peak_may_lose() -> None:
    day = daily()  # 1 % of 288 windows: 2.88 of the 12 of an hour
    assert allowed_at_peak(day) == pytest.approx(1 - 2.88 / 12)
    figure = SloFigure("ttft_s", 0.95, 1.0, 0.5, 0.7)
    assert not hopeless(figure, day)
    assert hopeless(SloFigure("ttft_s", 0.95, 1.0, 0.5, 8 / 12 - 0.01), day)
    assert not hopeless(SloFigure("ttft_s", 0.95, 1.0, 0.5, None), day)
