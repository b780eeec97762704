from dataclasses import FrozenInstanceError, fields

import numpy as np
import pytest

from sim.ledger.average import mean
from sim.ledger.usage import (
    INTERVAL_S,
    ComponentSeconds,
    ComputedTokens,
    Figures,
    HostedCounts,
    PoolUsage,
    ReferenceTokens,
    RequestCounts,
    RouteUsage,
    SloFigure,
    TokenCounts,
    Usage,
    WindowCounts,
    WorstWindow,
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


def test_counts_that_were_never_reached_are_none() -> None:
    few, many = (PoolUsage(nodes_at_least_s=np.array(s)) for s in ([8.0], [4.0, 2.0]))
    assert mean([few, many]).nodes_at_least_s.tolist() == [6.0, 1.0]
    assert mean([PoolUsage(), many]).nodes_at_least_s.tolist() == [2.0, 1.0]


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


def test_of_worst_windows_the_worst_is_kept_and_the_first_of_equal_ones() -> None:
    few, more, silent = WorstWindow(300.0, 2.0), WorstWindow(0.0, 3.0), WorstWindow(900.0, None)
    assert mean([few, more, few]) == mean([more, WorstWindow(600.0, 3.0)]) == more
    assert mean([more, silent, few]) == silent
    slos = [SloFigure("ttft", 0.95, 1.0, 2.0, 0.5, worst) for worst in (few, more)]
    assert mean(slos) == SloFigure("ttft", 0.95, 1.0, 2.0, 0.5, more)
    assert mean([*slos, SloFigure("ttft", 0.95, 1.0, 2.0, 0.5)]).worst is None


def test_the_fleet_served_what_no_api_did() -> None:
    useful = TokenCounts(input=100, cached_input=30, template=20, output=9, reasoning=3)
    hosted = HostedCounts(requests=1, input=40, cached_input=10, output=4)
    assert RouteUsage(useful=useful).served == TokenCounts(100, 30, 0, 9)
    assert RouteUsage(useful=useful, hosted=hosted).served == TokenCounts(60, 20, 0, 5)
    assert RouteUsage(hosted=hosted).served == TokenCounts()  # of use to nobody


def test_replicas_are_ready_while_they_serve_or_could() -> None:
    assert PoolUsage(paid_s=9.0, busy_s=3.0, idle_s=2.0, starting_s=4.0).ready_s == 5.0


SUMS = (
    RequestCounts,
    TokenCounts,
    HostedCounts,
    ComputedTokens,
    ReferenceTokens,
    ComponentSeconds,
    WindowCounts,
    PoolUsage,
)


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
