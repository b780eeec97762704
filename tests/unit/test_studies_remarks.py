from dataclasses import replace
from typing import Any

from usages import hand_usage, scenario

from sim.ledger.usage import RequestCounts
from sim.scenario.arrivals import TraceArrivals
from sim.scenario.document import Scenario
from sim.simulation import Run
from sim.studies.remarks import remarks_of
from sim.traffic.traces import TraceReport


def traced(**changes: Any) -> Scenario:
    of = scenario(horizon=3600)
    trace = TraceArrivals(trace="a.csv", **changes)
    return of.model_copy(
        update={"routes": {"chat": of.routes["chat"].model_copy(update={"arrivals": trace})}}
    )


def told(of: Scenario, *runs: Run) -> list[tuple[str, str, str]]:
    return [(n.code, n.path, n.text) for n in remarks_of(of, runs)]


def reported(last_at_s: float | None, **dropped: int) -> Run:
    report = TraceReport(1000, 1000 - sum(dropped.values()), dropped, 0.0, last_at_s)
    return Run(usage=hand_usage(), refused={}, trace_reports={"chat": report})


def test_nothing_happened_nothing_is_said() -> None:
    assert told(scenario(), Run(usage=hand_usage(), refused={"main": {}})) == []
    assert told(traced(), reported(3599.0)) == []


def test_refusals_are_summed_over_runs() -> None:
    a = Run(usage=hand_usage(), refused={"main": {"full": 3, "too long": 1}})
    b = Run(usage=hand_usage(), refused={"main": {"full": 2}})
    text = "refused, in all 2 runs with warm-up: 5 x full; 1 x too long"
    assert told(scenario(), a, b) == [("refused", "pools.main", text)]


def test_rare_reasons_are_only_counted() -> None:
    run = Run(usage=hand_usage(), refused={"main": {f"r{i}": 10 - i for i in range(6)}})
    ((_, _, text),) = told(scenario(), run)
    assert text.endswith("10 x r0; 9 x r1; 8 x r2; 18 for other reasons")


def test_dropped_rows() -> None:
    (said,) = told(traced(), reported(3599.0, zero_output=12))
    text = "12 of 1,000 rows were dropped: 12 x zero_output"
    assert said == ("trace-rows-dropped", "routes.chat.arrivals.trace", text)


def test_a_trace_that_ends_early() -> None:
    (said,) = told(traced(), reported(1800.0))
    assert said[0] == "trace-ends-early"
    assert said[2] == "the trace ends after 30m, but the fleet is paid for 1h"
    assert told(traced(repeat=True), reported(1800.0)) == []
    assert told(traced(speedup=0.5), reported(1800.0)) == []
    assert told(traced(speedup=2.0), reported(3599.0))[0][0] == "trace-ends-early"


def test_an_empty_trace_ends_at_once() -> None:
    assert told(traced(), reported(None))[0][0] == "trace-ends-early"


def test_a_fleet_that_cannot_keep_up_is_told() -> None:
    usage = hand_usage()
    name = next(iter(usage.routes))
    behind = replace(usage.routes[name], requests=RequestCounts(arrived=9.0, in_flight=7.0))
    run = Run(usage=replace(usage, routes={**usage.routes, name: behind}), refused={})
    ((code, path, text),) = told(scenario(), run)
    assert (code, path) == ("backlog", f"routes.{name}")
    assert text.startswith("7 requests had not ended 15m after the horizon")
