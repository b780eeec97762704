from typing import Any

import pytest

from sim.scenario.document import Scenario
from sim.studies.intervals import Interval
from sim.studies.keep_or_send import RouteChoice, keep_or_send, without
from sim.studies.paired_runs import PairedRuns
from tests.unit.usages import pool, route, scenario

NAIVE = {"total_tokens_per_s": 10_000}
CHEAP = {"usd_per_million_input": 0.1, "usd_per_million_output": 0.1}
DEAR = {"usd_per_million_input": 2.0, "usd_per_million_output": 10.0}


def asks(rps: float, of: str = "main", **changes: Any) -> dict[str, Any]:
    return route(of, arrivals={"rps": rps}, output_tokens={"fixed": 50}, **changes)


def suite(**changes: Any) -> Scenario:
    """Chat (3 of 4 requests) and code share two replicas; titles have one of their own."""
    return scenario(
        {
            "chat": asks(3.0, hosted=CHEAP),
            "code": asks(1.0, hosted=CHEAP),
            "titles": asks(0.5, "small", hosted=DEAR),
            "health": asks(0.1, useful=False),
        },
        {"main": pool(3.6, naive=NAIVE, replicas=2), "small": pool(1.0, naive=NAIVE)},
        [
            {"line": "disks", "driver": "node_hours", "usd": 0.1},
            {"line": "titles only", "driver": "hours", "usd": 2.0, "pool": "small", "remains": 0.5},
            {"line": "people", "driver": "hours", "usd": 10.0},
        ],
        horizon=600,
        warmup=10,
        **changes,
    )


def test_a_route_is_judged_by_what_it_would_save() -> None:
    """Without code the others still need two replicas: nothing is avoided, however little the API
    takes. Without chat one is enough: $3.70 an hour. Without titles their pool goes, and half of
    the line that is theirs: 1 + 0.1 + 1. People stay."""
    runs = PairedRuns(2)
    base = runs.result(suite())
    found = {" ".join(c.routes): c for c in keep_or_send(base, runs=runs).choices}
    assert list(found) == ["chat", "code", "titles", "chat code"]
    together = found.pop("chat code")
    per_hour = {name: choice.avoided_usd / 730 for name, choice in found.items()}
    assert per_hour == pytest.approx({"chat": 3.7, "code": 0.0, "titles": 2.1}, abs=1e-9)
    for name, usd in (("chat", 550 * 0.1e-6), ("code", 550 * 0.1e-6), ("titles", 0.0015)):
        n = base.usage.routes[name].requests.completed
        assert found[name].api_usd == pytest.approx(n * 6 * 730 * usd)
        assert found[name].saved_usd == pytest.approx(found[name].avoided_usd - n * 4380 * usd)
    assert {name: choice.advice for name, choice in found.items()} == {
        "chat": "send", "code": "keep", "titles": "keep",
    }  # fmt: skip
    assert found["chat"].replicas == {"main": (2.0, 1.0)}
    assert found["titles"].replicas == {"small": (1.0, 0.0)}
    # Together they still leave a replica to the health checks.
    assert together.avoided_usd / 730 == pytest.approx(3.7)
    assert together.api_usd == pytest.approx(found["chat"].api_usd + found["code"].api_usd)


def test_the_only_route_takes_the_fleet_with_it_but_not_what_remains() -> None:
    runs = PairedRuns(1)
    line = {"line": "people", "driver": "hours", "usd": 10.0, "remains": 0.25}
    alone = scenario(
        {"chat": asks(1.0, hosted=CHEAP)}, {"main": pool(naive=NAIVE)}, [line], horizon=60, warmup=0
    )
    (choice,) = keep_or_send(runs.result(alone), runs=runs).choices
    assert choice.avoided_usd / 730 == pytest.approx(3.6 + 7.5)
    assert without(alone, ["chat"]) is None


def test_without_a_route_its_pool_and_lines_are_gone() -> None:
    rest = without(suite(), ["titles"])
    assert rest is not None
    assert list(rest.routes) == ["chat", "code", "health"]
    assert list(rest.pools) == ["main"]
    assert [line.line for line in rest.bill] == ["disks", "people"]


@pytest.mark.parametrize(
    ("saved", "interval", "advice"),
    [
        (5.0, None, "send"),
        (-5.0, None, "keep"),
        (0.0, None, "keep"),
        (5.0, Interval(-1.0, 11.0), "undecided"),
        (5.0, Interval(1.0, 9.0), "send"),
        (-5.0, Interval(-9.0, -1.0), "keep"),
    ],
)
def test_advice_is_given_where_the_interval_allows_it(
    saved: float, interval: Interval | None, advice: str
) -> None:
    assert RouteChoice(("chat",), 0.0, None, 0.0, saved, interval, {}).advice == advice
