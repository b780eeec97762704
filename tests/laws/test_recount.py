"""Law: every figure of requests, tokens and money can be had from the files of the run alone."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from sim.cost.benchmark import Benchmark
from sim.ledger.spool import read as spooled
from sim.report.attempt_price import usd_of_run
from sim.report.attempts import write_attempts
from sim.scenario.document import Scenario
from sim.studies.replications import run
from sim.studies.result import Result
from sim.studies.summary import leaves
from tests.laws import recount
from tests.laws.recount_cases import CASES, SIGNS
from tests.laws.recount_money import recount as recount_money

COMMON = {"name": "recount", "horizon": "1000s", "warmup": 0, "seed": 11}
PRINTED = ("requests", "tokens", "cost", "usd")
"""Sections of a route (and of the whole) that are recounted to the last figure."""


class Recounted(NamedTuple):
    name: str
    result: Result
    summary: dict[str, Any]
    figures: dict[str | None, dict[str, float]]
    lines: dict[tuple[str, str | None], float]
    rows: list[dict[str, Any]]


@pytest.fixture(scope="module", params=CASES)
def case(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Recounted:
    folder = tmp_path_factory.mktemp("run")
    scenario = Scenario.model_validate({**COMMON, **CASES[request.param]})
    result = run(scenario, replications=1, spool=folder / "spool")
    path = requests_file(folder, result)
    terms = price_list(scenario, result.benchmarks)
    figures, lines = recount_money(path, result.runs[0].leases, terms)
    return Recounted(
        request.param, result, result.summary(), figures, lines, list(recount.read(path))
    )


def requests_file(folder: Path, result: Result) -> Path:
    path = folder / "requests.csv.gz"
    with path.open("wb") as stream:
        write_attempts(path.name, stream, spooled(folder / "spool"), usd_of_run(result))
    return path


def price_list(scenario: Scenario, benchmarks: dict[str, Benchmark]) -> dict[str, Any]:
    pools = {}
    for name, spec in scenario.pools.items():
        node, best = spec.node, benchmarks[name]
        spot_usd = node.usd_per_spot_node_hour if node.spot else 0.0
        pools[name] = {
            "usd": (node.usd_per_node_hour, spot_usd), "gpus": node.gpus,
            "tokens_per_s": best.tokens_per_s,
            "rates": (best.rates.pre_s, best.rates.rent_s, best.rates.out_s),
        }  # fmt: skip
    routes = {}
    for name, spec in scenario.routes.items():
        api = spec.overflow
        routes[name] = {
            "pools": spec.pools, "useful": spec.useful, "template_tokens": spec.head_tokens,
            "reasoning_share": spec.reasoning_share, "slo": spec.slo.targets() if spec.slo else (),
            "api": {
                "input": api.usd_per_million_input,
                "cached_input": api.usd_per_million_cached_input,
                "output": api.usd_per_million_output,
            } if api else dict.fromkeys(recount.KINDS, 0.0),
        }  # fmt: skip
    bill = [line.model_dump() for line in scenario.bill]
    return {"window_s": scenario.horizon, "bill": bill, "pools": pools, "routes": routes}


def places(summary: dict[str, Any]) -> dict[str | None, dict[str, Any]]:
    return {None: summary, **summary["routes"]}


def test_every_printed_figure_of_requests_tokens_and_money(case: Recounted) -> None:
    for name, place in places(case.summary).items():
        printed = dict(leaves({key: place[key] for key in PRINTED if key in place}))
        assert len(printed) > 50
        found = case.figures[name]
        wrong = {
            path: (value, found.get(path))
            for path, value in printed.items()
            if not (
                found.get(path) is None
                if value is None
                else math.isclose(value, found.get(path, 0.0), rel_tol=1e-9, abs_tol=1e-12)
            )
        }
        assert not wrong, name


def test_what_each_pool_of_a_route_had(case: Recounted) -> None:
    for name, place in case.summary["routes"].items():
        for pool, part in place.get("pools", {}).items():
            found = case.figures[name]
            assert part["usd"] == pytest.approx(found[f"pools.{pool}.usd"], rel=1e-9)
            assert part["requests"]["sent"] == found[f"pools.{pool}.requests.sent"]


def test_the_bill_line_by_line(case: Recounted) -> None:
    bill = case.summary["bill"]
    printed = {(line["line"], line["pool"]): line["usd"] for line in bill["lines"]}
    found = {key: usd for key, usd in case.lines.items() if usd or key in printed}
    assert found == pytest.approx(printed, rel=1e-9)
    for key in ("total_usd", "usd_per_hour", "usd_per_month"):
        assert case.figures[None][f"bill.{key}"] == pytest.approx(bill[key], rel=1e-9)


def test_paid_and_worked_gpu_hours(case: Recounted) -> None:
    whole, hours = case.figures[None], case.summary["gpu_hours"]
    for key, state in (("paid", "paid"), ("good", "reference_useful"), ("lost", "reference_waste")):
        assert whole[f"gpu_hours.{key}"] == pytest.approx(hours[state], rel=1e-9)
    benchmark = case.summary["utilization"]["benchmark"]
    assert whole["utilization.benchmark"] == pytest.approx(benchmark, rel=1e-9)


def test_attempts_come_to_the_dollars_of_their_route(case: Recounted) -> None:
    for name, place in case.summary["routes"].items():
        mine = [row for row in case.rows if row["route"] == name and row["replica"] != -2]
        ended = [row for row in mine if (row["finished_at_s"] or math.inf) < 1000.0]
        usd = math.fsum(row["usd"] for row in ended)
        assert usd == pytest.approx(place["usd"]["by_use"] - place["usd"]["hosted"], rel=1e-9)


def test_each_case_has_what_it_is_about(case: Recounted) -> None:
    numbers = dict(leaves(case.summary))
    assert all(numbers[path] for path in SIGNS[case.name].split())
