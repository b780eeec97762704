"""The plan against a sweep over everything, on engines that a request a second fills."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from usages import pool, route, scenario

from sim.cost.bill import bill
from sim.report.frontier_figure import frontier, frontier_figure
from sim.report.plan_tables import headroom_lines, plan_tables
from sim.report.summary import Summary
from sim.scenario.document import Scenario
from sim.studies.design import Choices, designs
from sim.studies.headroom import Headroom, _last, headroom
from sim.studies.paired_runs import PairedRuns
from sim.studies.plan import Plan, plan
from sim.studies.plan_document import plan_document
from sim.studies.plan_judge import margins
from sim.studies.plan_race import Race, figures_of
from sim.studies.resize_dial import with_pool

SLOW = {
    "timing": {"knots_tokens": [1, 256], "knots_s": [0.2, 0.6]},
    "engine": {"max_num_seqs": 4, "max_num_batched_tokens": 256},
    "kv_tokens": 20_000,
    "naive": {"input_tokens": 130, "output_tokens": 20},
}
SHORT = {
    "input_tokens": {"lognormal": {"median": 100, "p95": 300}},
    "output_tokens": {"exponential": 20},
}
REPLICATIONS = 3
SIZES = (2, 8)
"""Batch limits beside the engine's own 4."""


def fleet(replicas: int = 2, slo: dict[str, Any] | None = None, rps: float = 1.5) -> Scenario:
    slo = slo or {"ttft_p95": "4s", "tpot_p95": "600ms"}
    return scenario(
        routes={"chat": route(arrivals={"rps": rps}, slo=slo, **SHORT)},
        pools={"main": {**pool(), **SLOW, "replicas": replicas}},
        horizon=600,
        warmup=60,
        slo_windows=0.5,
    )


@pytest.fixture(scope="module")
def runs() -> PairedRuns:
    return PairedRuns(REPLICATIONS, 1)


@pytest.fixture(scope="module")
def found(runs: PairedRuns) -> Plan:
    return plan(fleet(), Choices(max_num_seqs=SIZES), runs=runs)


def swept(of: Scenario, runs: PairedRuns, most: int) -> dict[tuple[str, int], float]:
    """USD a month of every design at every size that meets all SLOs, by trying them all."""
    good = {}
    for design in designs(of.pools["main"], Choices(max_num_seqs=SIZES))[0]:
        for n in range(1, most + 1):
            at = with_pool(of, "main", design.pool.model_copy(update={"replicas": n}))
            every = runs.runs(at, range(REPLICATIONS))
            judged = margins([list(figures_of(at, run)) for run in every], at.slo_windows)
            if all(m.met for m in judged):
                usd = [bill(run.usage, at).usd_per_month for run in every]
                good[design.label, n] = sum(usd) / len(usd)
    return good


def test_the_choice_is_the_cheapest_of_all(found: Plan, runs: PairedRuns) -> None:
    choice, second = found.pools[0].choice, found.pools[0].runner_up
    assert choice is not None
    assert second is not None
    good = swept(fleet(), runs, choice.level + 2)
    assert choice.mean_usd_per_month == pytest.approx(min(good.values()))
    assert good[choice.design.label, choice.level] == pytest.approx(choice.mean_usd_per_month)
    others = [usd for (label, _), usd in good.items() if label != choice.design.label]
    assert second.mean_usd_per_month == pytest.approx(min(others))
    smaller = {n for (_, n) in good if n < choice.level}
    assert not smaller


def test_the_race_simulates_less_than_the_sweep(found: Plan) -> None:
    assert 0 < found.simulated < found.exhaustive


def test_the_scenario_of_the_plan_has_the_choice(found: Plan) -> None:
    choice = found.pools[0].choice
    assert choice is not None
    assert found.scenario.pools["main"].replicas == choice.level
    assert found.result.statement.bill.usd_per_month == pytest.approx(choice.mean_usd_per_month)


def test_where_it_starts_does_not_matter(found: Plan, runs: PairedRuns) -> None:
    other = plan(fleet(replicas=7), Choices(max_num_seqs=SIZES), runs=runs)
    ours, theirs = found.pools[0].choice, other.pools[0].choice
    assert ours is not None
    assert theirs is not None
    assert (ours.level, ours.design.label) == (theirs.level, theirs.design.label)


def test_an_slo_that_no_fleet_meets_is_said_to_be_so(runs: PairedRuns) -> None:
    found = plan(fleet(slo={"tpot_p95": "1ms"}), Choices(), runs=runs)
    assert not found.found
    assert "no design" in found.pools[0].note
    assert found.scenario == fleet(slo={"tpot_p95": "1ms"})


def test_the_race_stops_when_nothing_can_be_gained(runs: PairedRuns) -> None:
    race = Race(fleet(slo={"tpot_p95": "1ms"}), "main", runs)
    race.run(designs(fleet().pools["main"], Choices())[0])
    assert len(race.contenders) < 10
    assert not race.finishers


def test_headroom_is_where_an_slo_breaks(found: Plan, runs: PairedRuns) -> None:
    room = found.headroom
    assert room.multiple >= 1.0
    assert room.misses_at is not None
    assert 1.0 < room.misses_at / room.multiple < 1.06
    assert room.binds.startswith("chat T")
    twice = headroom(with_pool(found.scenario, "main", _doubled(found)), runs)
    assert twice.multiple > 1.3 * room.multiple


def _doubled(found: Plan) -> Any:
    pool = found.scenario.pools["main"]
    return pool.model_copy(update={"replicas": 2 * pool.start_replicas})


@pytest.mark.parametrize("edge", [-60, -7, 0, 1, 19, 57])
def test_the_last_level_that_holds_is_found(edge: int) -> None:
    assert _last(lambda level: level <= edge) == edge


def test_nothing_may_hold_at_all() -> None:
    assert _last(lambda level: False) is None


def test_growth_uses_the_headroom_up() -> None:
    room = Headroom(1.21, 1.27, "chat TTFT p95", True)
    assert room.weeks_until_full(10.0) == pytest.approx(2.0)
    assert room.full_on(10.0, date(2026, 1, 1)) in (
        date(2026, 1, 14),
        date(2026, 1, 15),
    )
    assert room.full_on(0.0, date(2026, 1, 1)) is None


def test_the_document_is_told_in_tables_and_a_picture(found: Plan) -> None:
    document = plan_document(found, growth_percent_per_week=2.0, today=date(2026, 1, 1))
    summary = Summary(document)
    titles = [table.title for table in plan_tables(summary)]
    assert titles == ["The fleet", "The plan", "What was tried for main"]
    lines = " ".join(headroom_lines(summary))
    assert "x today's traffic" in lines
    assert "2 % growth a week" in lines
    points = frontier(summary.part("pools", "main"))
    assert sum(point.chosen for point in points) == 1
    assert points[0].usd_per_month == min(point.usd_per_month for point in points)
    drawn = frontier_figure(summary, "main")
    assert drawn is not None
    assert drawn.axes[0].get_xlabel() == "$ a month, the whole bill"
