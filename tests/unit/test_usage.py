from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

from sim.ledger.usage import (
    INTERVAL_S,
    ComponentSeconds,
    Figures,
    PoolUsage,
    ReferenceTokens,
    RequestCounts,
    RouteUsage,
    SloFigure,
    TokenCounts,
    Usage,
    mean,
)


def test_intervals_are_five_minutes() -> None:
    assert INTERVAL_S == 5 * 60


def test_mean_of_one_is_itself() -> None:
    one = RequestCounts(arrived=3.0, completed=2.0, rejected=1.0)
    assert mean([one]) == one


def test_mean_goes_field_by_field() -> None:
    few, many = TokenCounts(1.0, 2.0, 3.0, 4.0), TokenCounts(3.0, 6.0, 9.0, 12.0)
    assert mean([few, many, many]) == TokenCounts(7 / 3, 14 / 3, 7.0, 28 / 3)


def test_a_figure_that_one_lacks_is_lacking() -> None:
    """A tail that was too thin once is not mended by averaging the rest, whichever comes first."""
    thin, thick = Figures(1.0, None, n=2.0), Figures(3.0, 5.0, n=4.0)
    assert mean([thick, thin]) == mean([thin, thick]) == Figures(2.0, None, n=3.0)


def test_arrays_are_averaged_cell_by_cell() -> None:
    one, two = (
        PoolUsage(paid_by_interval=np.array([1.0, 2.0])),
        PoolUsage(paid_by_interval=np.array([3.0, 2.0])),
    )
    found = mean([one, two]).paid_by_interval
    assert found.tolist() == [2.0, 2.0]
    assert one.paid_by_interval.tolist() == [1.0, 2.0]  # untouched


def test_names_stay_and_numbers_within_tuples_and_dicts_are_averaged() -> None:
    def usage(met: float, wasted: float) -> Usage:
        slo = (SloFigure("ttft", 0.95, 1.0, met, met / 4),)
        route = RouteUsage(slo=slo, wasted_input={"failed": wasted})
        return Usage(10.0, {"chat": route}, {"main": PoolUsage(paid_s=wasted)}, route)

    found = mean([usage(0.5, 10.0), usage(1.0, 30.0)])
    assert found.window_s == 10.0
    assert found.routes["chat"].slo == (SloFigure("ttft", 0.95, 1.0, 0.75, 0.1875),)
    assert found.overall.wasted_input == {"failed": 20.0}
    assert found.pools["main"].paid_s == 20.0


SUMS = (RequestCounts, TokenCounts, ReferenceTokens, ComponentSeconds, PoolUsage)


@pytest.mark.parametrize("kind", [*SUMS, Figures, RouteUsage])
def test_by_default_nothing_happened(kind: type) -> None:
    """So that a route without traffic adds nothing to any sum."""
    for field in fields(kind):
        value = getattr(kind(), field.name)
        assert value is None or not np.any(value) or value == type(value)()


@pytest.mark.parametrize("kind", [*SUMS, Figures, RouteUsage])
def test_what_happened_does_not_change(kind: type) -> None:
    with pytest.raises(FrozenInstanceError):
        setattr(kind(), fields(kind)[0].name, 1.0)


def test_a_route_without_traffic_has_no_intervals() -> None:
    assert RouteUsage().ended_by_interval.shape == (0, 3)
