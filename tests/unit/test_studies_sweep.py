from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

import pytest

from sim.scenario.document import Scenario
from sim.scenario.load import loads
from sim.scenario.problem import ScenarioError
from sim.studies.executors import LocalExecutor, Outcome, WorkerDiedError
from sim.studies.grid import Point, grid
from sim.studies.store import Row, Store
from sim.studies.sweep import Told, best, plan, run_sweep
from sim.studies.sweep_point import Entry, key_of, meets_slos, simulated

SCENARIO = """
name: small
horizon: 2m
warmup: 0s
routes:
  chat:
    pool: main
    arrivals: {rps: 1}
    input_tokens: {fixed: 200}
    output_tokens: {exponential: 20}
    slo: {ttft_p95: 1s}
pools:
  main:
    timing: {knots_tokens: [1, 256, 8192], knots_s: [0.006, 0.009, 0.21]}
    kv_tokens: 40k
    naive: {total_tokens_per_s: 10000}
    node: {usd_per_hour: 4}
"""
POINTS = grid({"pools.main.replicas": [1, 2], "routes.chat.arrivals.rps": [1, 2]})


def load(overrides: Sequence[str]) -> Scenario:
    return loads(SCENARIO, overrides=overrides)


class Dies:
    """An executor whose worker dies at the task *at*; it counts what it is asked for."""

    def __init__(self, at: int = -1) -> None:
        self.at, self.asked = at, 0

    def outcomes(
        self, function: Callable[[Any], Any], tasks: Sequence[Any]
    ) -> Generator[tuple[int, Outcome[Any]], None, None]:
        for index, task in reversed(list(enumerate(tasks))):
            self.asked += 1
            error = WorkerDiedError("died twice") if index == self.at else None
            yield index, Outcome(None if error else function(task), error)


def swept(
    path: Path, points: Sequence[Point] = POINTS, executor: Any = None, replications: int = 1
) -> tuple[list[Row], list[Told]]:
    told: list[Told] = []
    planned = plan(load, points, replications)
    with Store.create(path) as store:
        store.plan([(one.key, one.parameters) for one in planned], {})
        run_sweep(planned, store, executor or LocalExecutor(1), progress=told.append)
        return store.rows(), told


def test_points_share_their_random_numbers(tmp_path: Path) -> None:
    """The same requests come to one replica and to two, so that only the bill doubles."""
    rows, told = swept(tmp_path / "r.sqlite")
    usd = [row.figures["usd_per_million"] for row in rows]
    assert usd[2] == pytest.approx(2 * usd[0], rel=1e-9)  # type: ignore[operator]
    assert usd[3] == pytest.approx(2 * usd[1], rel=1e-9)  # type: ignore[operator]
    assert [(t.done, t.total, t.failed) for t in told] == [(i, 4, 0) for i in range(5)]
    assert told[-1].best == rows[1]


def test_a_rerun_does_only_what_is_missing(tmp_path: Path) -> None:
    path, counting = tmp_path / "r.sqlite", Dies()
    first, _ = swept(path, POINTS[:3])
    again, told = swept(path, POINTS, counting)
    assert counting.asked == 1
    assert [row.figures for row in again[:3]] == [row.figures for row in first]
    assert told[0].done == 3
    swept(path, POINTS, counting)
    assert counting.asked == 1
    swept(path, POINTS, counting, replications=2)  # other results, by another key
    assert counting.asked == 5


def test_a_point_whose_worker_dies_is_a_row_and_is_tried_again(tmp_path: Path) -> None:
    path = tmp_path / "r.sqlite"
    rows, told = swept(path, executor=Dies(at=2))
    assert [row.status for row in rows] == ["ok", "ok", "failed", "ok"]
    assert rows[2].error == "WorkerDiedError: died twice"
    assert told[-1].failed == 1
    rows, _ = swept(path)
    assert [row.status for row in rows] == ["ok"] * 4


def test_an_impossible_point_is_a_row_with_its_error(tmp_path: Path) -> None:
    rows, _ = swept(tmp_path / "r.sqlite", grid({"pools.main.replicas": [1, 0]}))
    assert [row.status for row in rows] == ["ok", "failed"]
    assert "at least 1" in (rows[1].error or "")


def test_a_path_that_never_fits_is_no_sweep() -> None:
    with pytest.raises(ScenarioError, match="replica"):
        plan(load, grid({"pools.main.replica": [1, 2]}), 1)


def test_order_of_ending_and_processes_change_nothing(tmp_path: Path) -> None:
    here, _ = swept(tmp_path / "a")
    there, _ = swept(tmp_path / "b", executor=Dies())
    assert here == there


def test_the_key_tells_what_results_depend_on(tmp_path: Path) -> None:
    base = key_of(load([]), 5)
    assert key_of(load(["pools.main.replicas=1"]), 5) == base  # the default, spelt out
    for other in (["seed=1"], ["horizon=3m"], ["bill=[{line: a, driver: hours, usd: 1}]"]):
        assert key_of(load(other), 5) != base
    assert key_of(load([]), 4) != base


def test_the_key_holds_what_is_in_a_trace(tmp_path: Path) -> None:
    trace = tmp_path / "t.csv"
    keys = []
    for tokens in (100, 101):
        trace.write_text(f"arrived_at_s,input_tokens,output_tokens\n0,{tokens},20\n")
        played = [f"routes.chat={{pool: main, arrivals: {{trace: {trace}}}}}"]
        keys.append(key_of(load(played), 1))
    assert keys[0] != keys[1]


def test_an_entry_is_the_run_and_nothing_of_when_it_was() -> None:
    task = plan(load, [{"routes.chat.arrivals.rps": 2}], 3)[0]
    from sim.studies.replications import run
    from sim.studies.sweep_point import Task, unpacked

    assert task.scenario is not None
    made = Task(task.key, task.scenario, 3)
    entry = simulated(made)
    summary = run(task.scenario, replications=3).summary()
    cost = summary["cost"]["usd_per_million_useful_tokens"]
    assert entry.figures["usd_per_million"] == cost["value"]
    figures = entry.figures
    assert [figures["usd_per_million_low"], figures["usd_per_million_high"]] == cost["ci95"]
    assert entry.packed is not None
    assert unpacked(entry.packed)["requests"] == summary["requests"]
    assert simulated(made) == entry


def test_meeting_all_slos() -> None:
    cases: list[tuple[list[bool | None], bool | None]] = [
        ([], None), ([True, True], True), ([True, None], None), ([None, False], False),
    ]  # fmt: skip
    for met, whole in cases:
        assert meets_slos({"slo": [{"met": m} for m in met]}) is whole


def row(number: int, usd: float | None, met: bool | None) -> Row:
    status = "ok" if usd is not None else "failed"
    return Row(number, str(number), {}, status, None, met, {"usd_per_million": usd})


def test_the_best_meets_its_slos() -> None:
    rows = [row(1, 0.1, False), row(2, 0.3, True), row(3, 0.2, True), row(4, 0.2, True)]
    found = best([*rows, row(5, None, None)])
    assert found is not None
    assert found.number == 3
    assert best([row(1, 0.1, False)]) is None
    assert best([row(1, 0.2, None), row(2, 0.1, None)]) == row(2, 0.1, None)
    assert best([]) is None
    assert Entry("k").status == "ok"
