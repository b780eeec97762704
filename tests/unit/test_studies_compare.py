from typing import Any

import pytest
from usages import pool, route, scenario

from sim.report.compare_tables import NO_DIFFERENCE, comparison_tables, variance_gain
from sim.scenario.document import Scenario
from sim.studies.compare import MONEY, compare, compared, document
from sim.studies.doubts import prices_times
from sim.studies.paired_runs import PairedRuns

ENGINE = {
    "timing": {"knots_tokens": [1, 256], "knots_s": [0.02, 0.06]},
    "engine": {"max_num_seqs": 8, "max_num_batched_tokens": 256},
    "kv_tokens": 20_000,
    "naive": {"input_tokens": 130, "output_tokens": 20},
}
WINDOW: dict[str, Any] = {"horizon": 300, "warmup": 30}


def example(replicas: int = 1, rps: float = 2.0, **changes: Any) -> Scenario:
    lengths = {"input_tokens": {"exponential": 100}, "output_tokens": {"exponential": 20}}
    return scenario(
        routes={"chat": route(arrivals={"rps": rps}, slo={"ttft_p95": "5s"}, **lengths, **changes)},
        pools={"main": {**pool(), **ENGINE, "replicas": replicas}},
        **WINDOW,
    )


RUNS = PairedRuns(3)


def test_a_scenario_against_itself_shows_no_difference_at_all() -> None:
    both = compare(example(), example(), runs=RUNS)
    for found in (both.same_fleet, both.resized):
        assert found is not None
        for row in found.rows:
            assert row.paired is None or (row.paired.difference, row.paired.shown) == (0.0, False)
    told = {row[-1] for table in comparison_tables(both)[:2] for row in table.rows}
    assert told == {NO_DIFFERENCE}


@pytest.mark.parametrize("factor", [3.0])
def test_prices_times_k_are_money_times_k(factor: float) -> None:
    before, after = example(2), prices_times(example(2), factor)
    simulated = RUNS.simulated
    both = compare(before, after, runs=RUNS, resized=False)
    assert RUNS.simulated <= simulated + 3  # dearer nodes run as cheap ones do
    for measure in MONEY:
        found = both.same_fleet.of(measure.path)
        assert found is not None
        assert found.after == pytest.approx(factor * found.before, rel=1e-12)
        assert found.shown
    ttft = both.same_fleet.of("routes.chat.ttft_s.p95")
    assert ttft is not None
    assert ttft.difference == 0.0


def test_twice_the_replicas_are_twice_the_bill_and_resized_nothing() -> None:
    both = compare(example(1), example(2), runs=RUNS)
    month = both.same_fleet.of("usd_per_month")
    assert month is not None
    assert month.after == pytest.approx(2 * month.before)
    assert (month.interval, month.shown) == (None, True)  # the same in every replication
    assert both.resized is not None
    small = both.resized.of("usd_per_month")
    assert small is not None
    assert (small.difference, small.shown) == (0.0, False)


def test_random_numbers_in_common_are_worth_something() -> None:
    """The spread of demand from replication to replication cancels."""
    found = compare(example(), example(template_tokens=20), runs=RUNS, resized=False).same_fleet
    million = found.of("usd_per_million_useful_tokens")
    assert million is not None
    assert million.variance_ratio is not None
    assert million.variance_ratio > 10
    assert "less variance" in variance_gain(found)


def test_many_intervals_hold_together() -> None:
    results = RUNS.result(example()), RUNS.result(example(template_tokens=20))
    together, alone = (compared(*results, together=t) for t in (True, False))
    unsure = sum(r.paired is not None and r.paired.interval is not None for r in alone.rows)
    assert unsure > 1
    assert together.confidence == pytest.approx(1 - 0.05 / unsure)
    assert alone.confidence == pytest.approx(0.95)
    wide, narrow = (c.of("usd_per_million_useful_tokens") for c in (together, alone))
    assert wide is not None
    assert narrow is not None
    assert wide.interval is not None
    assert narrow.interval is not None
    assert wide.interval.low < narrow.interval.low
    assert wide.interval.high > narrow.interval.high


def test_the_document_has_both_ways() -> None:
    tree = document(compare(example(1), example(2), runs=RUNS))
    assert tree["replications"] == 3
    assert tree["replicas"] == {"before": {"main": 1.0}, "after": {"main": 1.0}}
    month = tree["same_fleet"]["figures"]["usd_per_month"]
    assert month["difference"] == pytest.approx(3.6 * 730)
    assert tree["resized"]["figures"]["usd_per_month"]["shown"] is False


def test_the_second_side_runs_on_the_first_ones_seed() -> None:
    other = example().model_copy(update={"seed": 99})
    both = compare(example(), other, runs=RUNS, resized=False)
    assert all(r.paired is None or r.paired.difference == 0.0 for r in both.same_fleet.rows)
