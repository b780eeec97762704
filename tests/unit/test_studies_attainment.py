import pytest

from sim.ledger.usage import SloFigure, WindowCounts, WorstWindow
from sim.studies.attainment import budget, is_met, slo_entry


@pytest.mark.parametrize(
    ("value_s", "share", "met"),
    [
        (0.9, 1.0, True),
        (0.9, 0.99, True),
        (0.9, 0.98, False),
        (1.1, 1.0, False),
        (0.9, None, True),
        (1.1, None, False),
        (None, 1.0, None),
        (None, None, None),
        (None, 0.0, False),  # requests ended, and none was completed
    ],
)
def test_an_slo_needs_the_quantile_and_the_windows(
    value_s: float | None, share: float | None, met: bool | None
) -> None:
    assert is_met(SloFigure("ttft_s", 0.95, 1.0, value_s, share), 0.99) is met


@pytest.mark.parametrize(("value_s", "met"), [(0.1 * (1 + 5e-7), True), (0.1 * (1 + 2e-6), False)])
def test_rounding_does_not_miss_an_slo(value_s: float, met: bool) -> None:
    """A latency of 0.1 s that was kept as a float32 is 0.10000000149 s."""
    assert is_met(SloFigure("ttft_s", 0.95, 0.1, value_s, 1.0), 0.99) is met


def test_an_entry_has_its_worst_window() -> None:
    figure = SloFigure("ttft", 0.95, 0.1 + 0.2, 0.2, 0.5, WorstWindow(600.0, None))
    assert slo_entry("chat", figure, 0.4) == {
        "route": "chat", "metric": "ttft", "quantile": 0.95, "target_s": 0.3, "value_s": 0.2,
        "met": True, "windows_met_share": 0.5,
        "worst_window": {"start_s": 600.0, "value_s": None},
    }  # fmt: skip
    assert slo_entry("chat", SloFigure("ttft", 0.95, 1.0, None, None), 0.4)["worst_window"] is None


@pytest.mark.parametrize(
    ("judged", "bad", "slo_windows", "allowed", "used"),
    [
        (288.0, 3.0, 0.99, 2.88, 3.0 / 2.88),
        (288.0, 0.0, 0.99, 2.88, 0.0),
        (2016.0, 20.16, 0.99, 20.16, 1.0),
        (10.0, 5.0, 0.0, 10.0, 0.5),
        (288.0, 1.0, 1.0, 0.0, None),  # nothing may be bad: there is no budget to use
        (0.0, 0.0, 0.99, 0.0, None),
    ],
)
def test_an_error_budget(
    judged: float, bad: float, slo_windows: float, allowed: float, used: float | None
) -> None:
    found = budget(WindowCounts(judged, bad), slo_windows)
    assert (found["windows"], found["bad"]) == (judged, bad)
    assert found["allowed"] == allowed
    assert found["used"] == (used if used is None else pytest.approx(used))
