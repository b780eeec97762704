"""Rollouts, redundancy and capacity: how a pool is renewed, held in reserve, and refused nodes."""

from typing import Any

import pytest
from pydantic import ValidationError

from sim.scenario.capacity import Capacity
from sim.scenario.redundancy import Redundancy
from sim.scenario.rollouts import Rollouts


def rollouts(**given: Any) -> Rollouts:
    return Rollouts.model_validate({"every": "7d"} | given)


def test_defaults() -> None:
    usual = rollouts()
    assert (usual.first_at_s, usual.max_surge, usual.max_unavailable) == (604_800.0, 1, 0)
    assert (usual.sigterm, usual.drain_s) == ("drain", 60.0)
    assert rollouts(first="10h").first_at_s == 36_000.0
    assert rollouts(first=0).first_at_s == 0.0
    assert rollouts(drain="15s").drain_s == 15.0


def test_an_abort_waits_for_nothing() -> None:
    assert rollouts(sigterm="abort").drain_s == 0.0
    for nonsense in ({"sigterm": "abort", "drain": "30s"}, {"drain": 0}, {"sigterm": "kill"}):
        with pytest.raises(ValidationError):
            rollouts(**nonsense)


def test_something_must_give() -> None:
    assert rollouts(max_surge=0, max_unavailable=1).max_surge == 0
    with pytest.raises(ValidationError, match="no replica could ever be replaced"):
        rollouts(max_surge=0)


@pytest.mark.parametrize("zones", [2, 3, 5])
@pytest.mark.parametrize("wanted", [0, 1, 2, 3, 7, 10])
def test_the_fewest_replicas_that_survive_the_fullest_zone(wanted: int, zones: int) -> None:
    def left(held: int) -> int:
        fullest = max(len(range(zone, held, zones)) for zone in range(zones))  # dealt in turn
        return held - fullest

    total = Redundancy(survive="zone").total(wanted, zones)
    assert left(total) >= wanted
    assert total == wanted or left(total - 1) < wanted


def test_spare_replicas() -> None:
    assert Redundancy(spare_replicas=2).total(5, zones=1) == 7
    with pytest.raises(ValueError, match="no replicas survive"):
        Redundancy(survive="zone").total(5, zones=1)


@pytest.mark.parametrize(
    "given", [{}, {"survive": "zone", "spare_replicas": 1}, {"survive": "node"}]
)
def test_redundancy_is_one_of_two(given: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Redundancy.model_validate(given)


def test_capacity() -> None:
    assert (Capacity().refused_share, Capacity().retry_after) == (0.0, 120.0)
    assert Capacity.model_validate({"refused_share": "25%"}).refused_share == 0.25
    for wrong in ({"refused_share": 1}, {"refused_share": -0.1}, {"retry_after": 0}):
        with pytest.raises(ValidationError):
            Capacity.model_validate(wrong)
