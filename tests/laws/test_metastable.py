"""Metastable failures: a fleet that is whole again, and stays down all the same, or not.

The shipped scenario's outage takes 80 % of the capacity for two minutes. A toy of twenty slots and
one queue was measured before: goodput hours later is 1 without retries; with two it is 1 at a
utilization of 0.3 and 0 at 0.7; dropping who has left cures it at low loads only, a retry budget of
10 % always; and a blow of 40 % for a minute does nothing lasting. So it is here, where engines drop
whom they have begun as well, so that the cure reaches further.
"""

from __future__ import annotations

from datetime import date

import pytest

from sim.scenario.load import load
from sim.scenario.notices import warnings_of
from tests.laws.theory_sample import FOLDER, Sample, observe

SCENARIO = FOLDER.parents[2] / "scenarios" / "retry-storm.yaml"
CAPACITY_RPS = 2.0
"""Twenty slots, and 10 s for an answer."""

LATE_S = 1200.0
"""At the end of the run, half an hour after the outage in the shortest one."""

NO_RETRIES = "routes.chat.retries.max=0"
CANCELLING = "routes.chat.cancel_on_disconnect=true"
BUDGET = "routes.chat.retries.budget=10%"
SMALL = "pools.main.failures.outages=[{at: 10m, for: 1m, share: 40%}]"


def storm(utilization: float, *changes: str, seed: int = 0) -> Sample:
    rate = f"routes.chat.arrivals.rps={utilization * CAPACITY_RPS}"
    return observe(str(SCENARIO), seed, (rate, *changes))


def goodput(sample: Sample, last_s: float = LATE_S) -> float:
    """Share of the requests of the last seconds that were answered in time."""
    late = sample.columns["arrived_at_s"] >= sample.run.usage.window_s - last_s
    return float(sample.done[late].mean())


def test_the_scenario_is_the_one_that_was_measured() -> None:
    sample = storm(0.7, NO_RETRIES)
    pool = sample.scenario.pools["main"]
    assert (pool.resolved_engine().max_num_seqs, pool.start_replicas) == (4, 5)
    before = sample.columns["arrived_at_s"] < 500.0
    service_s = (sample.columns["finished_at_s"] - sample.columns["first_token_at_s"])[before]
    assert service_s.mean() == pytest.approx(10.0, rel=0.1)
    assert load(SCENARIO).routes["chat"].arrivals.rps == pytest.approx(0.7 * CAPACITY_RPS)


@pytest.mark.parametrize("utilization", [0.3, 0.5, 0.7, 0.8])
def test_without_retries_it_recovers(utilization: float) -> None:
    sample = storm(utilization, NO_RETRIES)
    assert goodput(sample) > 0.99
    hit = (sample.columns["arrived_at_s"] > 600.0) & (sample.columns["arrived_at_s"] < 720.0)
    assert sample.done[hit].mean() < 0.9  # though it was hit


def test_two_retries_are_harmless_below_a_third() -> None:
    assert goodput(storm(0.3)) > 0.99


@pytest.mark.parametrize("utilization", [0.7, 0.8])
@pytest.mark.parametrize("seed", [0, 1])
def test_two_retries_keep_it_down(utilization: float, seed: int) -> None:
    sample = storm(utilization, seed=seed)
    assert goodput(sample) < 0.01
    assert sample.pool.failed_s == pytest.approx(4 * 120.0)  # nothing else is broken
    assert sample.columns["attempt"].max() == 2


def test_it_is_still_down_after_hours() -> None:
    assert goodput(storm(0.7, "horizon=9720s")) < 0.01


def test_at_one_half_it_is_a_matter_of_chance() -> None:
    found = [goodput(storm(0.5, "horizon=2h", seed=seed)) for seed in (1, 2)]
    assert found[0] < 0.01
    assert found[1] > 0.99


def test_dropping_who_has_left_is_a_part_of_the_cure() -> None:
    assert goodput(storm(0.5, CANCELLING)) > 0.99
    partly = [goodput(storm(0.8, CANCELLING, seed=seed)) for seed in (0, 1)]
    assert 0.5 < min(partly) <= max(partly) < 0.9


@pytest.mark.parametrize("utilization", [0.3, 0.5, 0.7, 0.8])
def test_a_retry_budget_is_the_whole_cure(utilization: float) -> None:
    assert goodput(storm(utilization, BUDGET, "horizon=90m")) > 0.99


def test_a_smaller_blow_does_nothing_lasting() -> None:
    assert goodput(storm(0.7, SMALL)) > 0.99


def test_the_storm_is_paid_for() -> None:
    calm, stormy = storm(0.7, BUDGET).run.usage, storm(0.7).run.usage
    assert stormy.pools["main"].node_s == calm.pools["main"].node_s
    assert stormy.overall.useful.output < 0.3 * calm.overall.useful.output
    assert stormy.overall.wasted_output["timed_out"] > calm.overall.wasted_output["timed_out"]


@pytest.mark.parametrize(("changes", "warned"), [((), True), ((BUDGET,), False)])
def test_validate_warns_of_it(changes: tuple[str, ...], warned: bool) -> None:
    codes = {notice.code for notice in warnings_of(load(SCENARIO, changes), date(2026, 11, 1))}
    assert ("retry-storm" in codes) is warned
