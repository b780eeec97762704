"""Source: routes of a scenario as one stream; streams of their own, templates, traces, loops."""

from __future__ import annotations

import itertools
import math
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.scenario.document import Scenario
from sim.streams import Streams
from sim.traffic.source import batches, closed_loops, trace_reports
from sim.traffic.traces import TraceError
from tests.datadir import data_path

POOL = {
    "timing": {"knots_tokens": [1, 256, 8192], "knots_s": [0.006, 0.009, 0.21]},
    "kv_tokens": 400_000,
    "node": {"usd_per_hour": 2.5},
}
CHAT = {
    "pool": "main",
    "arrivals": {"mean_rps": 4.0, "day_curve": "azure-conv-2024", "gap_shape": 0.95},
    "input_tokens": {"workload": "azure-conv-2023"},
    "output_tokens": {"workload": "azure-conv-2023", "max": 1000},
    "template_tokens": 600,
}
TITLES = {
    "pool": "main",
    "arrivals": {"rps": 9.0},
    "input_tokens": {"lognormal": {"median": 800, "p95": 4000}},
    "output_tokens": {"geometric": 12},
}
BATCH = {
    "pool": "main",
    "arrivals": {"rps": 0.2, "count": 700},
    "input_tokens": {"fixed": 500},
    "output_tokens": {"exponential": 250},
}
AGENTS = {
    "pool": "main",
    "arrivals": {"concurrency": 64, "think_time": "2s"},
    "input_tokens": {"quantiles": {"0": 10, "1": 9000}},
    "output_tokens": {"geometric": 200},
    "template_tokens": 50,
}
Request = tuple[float, int, int, int, Any]


def scenario(starts_on: str = "monday", **routes: dict[str, Any]) -> Scenario:
    return Scenario.model_validate(
        {"routes": routes, "pools": {"main": POOL}, "starts_on": starts_on}
    )


def by_route(
    made: Scenario, end_s: float, seed: int = 7, start_s: float = -600.0
) -> dict[str, list[Request]]:
    """Return each route's requests (time, number, input, output, prefix) before *end_s*."""
    names = list(made.routes)
    got: dict[str, list[Request]] = {name: [] for name in names}
    latest = (-math.inf, -1)
    for batch in batches(made, Streams(seed), start_s):
        for at_s, route, *rest in zip(
            batch.arrived_at_s,
            batch.route,
            batch.number,
            batch.input_tokens,
            batch.output_tokens,
            batch.prefix,
            strict=True,
        ):
            assert (at_s, route) >= latest
            latest = (at_s, route)
            if at_s < end_s:
                got[names[route]].append((at_s, *rest))  # type: ignore[arg-type]
        if latest[0] >= end_s:
            break
    return got


def trace(path: Path, text: str) -> dict[str, Any]:
    path.write_text(text)
    return {"pool": "main", "arrivals": {"trace": str(path)}}


def test_adding_a_route_leaves_every_other_byte_for_byte() -> None:
    alone = by_route(scenario(chat=CHAT), 4000.0)["chat"]
    routes = {"titles": TITLES, "agents": AGENTS, "chat": CHAT, "batch": BATCH}
    # So many routes that chunks are cut differently, too.
    slow = {**TITLES, "arrivals": {"rps": 0.05}}
    more = {f"title-{index}": slow for index in range(80)}
    together = by_route(scenario(**routes, **more), 4000.0)
    assert together["chat"] == alone
    assert len(alone) > 10_000
    assert together["title-0"] != together["title-1"]
    assert by_route(scenario(titles=TITLES), 4000.0)["titles"] == together["titles"]
    assert together["agents"] == []


def test_seeds_and_replications_change_everything() -> None:
    made = scenario(titles=TITLES)
    first = next(batches(made, Streams(7), 0.0))
    for streams in (Streams(8), Streams(7, replication=1)):
        other = next(batches(made, streams, 0.0))
        assert other.arrived_at_s[:5] != first.arrived_at_s[:5]
        assert other.input_tokens[:50] != first.input_tokens[:50]
    assert next(batches(made, Streams(7), 0.0)) == first


def test_numbers_count_each_route_from_zero() -> None:
    for got in by_route(scenario(chat=CHAT, titles=TITLES, batch=BATCH), 2000.0).values():
        assert [number for _, number, *_ in got] == list(range(len(got)))


def test_generated_traffic_starts_with_the_warm_up_and_counted_at_zero() -> None:
    got = by_route(scenario(titles=TITLES, batch=BATCH), 3600.0)
    assert -600.0 <= got["titles"][0][0] < -598.0
    assert 0.0 < got["batch"][0][0] < 60.0
    everything = by_route(scenario(batch=BATCH), math.inf)["batch"]
    assert len(everything) == 700
    assert everything[-1][0] == 3500.0


def test_the_calendar_goes_to_the_day_curve() -> None:
    def mean_per_s(day: str) -> float:
        return len(by_route(scenario(day, chat=CHAT), 7200.0, start_s=0.0)["chat"]) / 7200.0

    weekday, weekend = (mean_per_s(day) for day in ("monday", "sunday"))
    # From the digitised week: 1.14 x (.89, .97) and .65 x (.87, .94), mean 4.
    assert weekday == pytest.approx(4.0 * 1.14 * 0.93, rel=0.05)
    assert weekend == pytest.approx(4.0 * 0.65 * 0.905, rel=0.05)


def test_templates_lead_every_prompt_and_are_shared() -> None:
    got = by_route(scenario(chat=CHAT, titles=TITLES), 100.0)
    assert {prefix for *_, prefix in got["chat"]} == {((("template", "chat"), 600),)}
    assert {prefix for *_, prefix in got["titles"]} == {None}
    bare = {key: value for key, value in CHAT.items() if key != "template_tokens"}
    user = by_route(scenario(chat=bare), 100.0)["chat"]
    assert [request[:4] for request in got["chat"]] == [
        (at_s, number, tokens_in + 600, tokens_out)
        for at_s, number, tokens_in, tokens_out, _ in user
    ]


def test_fixed_lengths_come_through_unchanged() -> None:
    plain = {**TITLES, "input_tokens": {"fixed": 500}, "output_tokens": {"fixed": 250}}
    got = by_route(scenario(plain=plain), 100.0)["plain"]
    assert {request[2:] for request in got} == {(500, 250, None)}


def test_routes_that_are_alike_have_draws_of_their_own() -> None:
    got = by_route(scenario(one=TITLES, other=TITLES), 1000.0)
    for column in (0, 2, 3):  # time, input, output
        one, other = (np.array([row[column] for row in got[name]][:8000]) for name in got)
        assert abs(np.corrcoef(np.diff(one), np.diff(other))[0, 1]) < 4 / math.sqrt(8000)


def test_traces_start_at_zero_and_end(tmp_path: Path) -> None:
    text = "time,input_tokens,output_tokens\n100,10,1\n101.5,20,2\n102,0,3\n104,30,4\n"
    recorded = trace(tmp_path / "a.csv", text)
    source = batches(scenario(recorded=recorded), Streams(7), -600.0)
    assert trace_reports(source)[0][1].rows_read == 0
    (batch,) = source
    assert batch.arrived_at_s == [0.0, 1.5, 4.0]
    assert batch.input_tokens == [10, 20, 30]
    assert batch.output_tokens == [1, 2, 4]
    ((name, report),) = trace_reports(source)
    assert (name, report.rows_read, report.rows_used) == ("recorded", 4, 3)
    assert report.dropped == {"zero input tokens": 1}


def test_a_trace_that_ends_leaves_the_others_running(tmp_path: Path) -> None:
    recorded = trace(tmp_path / "a.csv", "time,input_tokens,output_tokens\n0,10,1\n1,20,2\n")
    got = by_route(scenario(recorded=recorded, titles=TITLES), 5000.0)
    assert len(got["recorded"]) == 2
    assert got["titles"] == by_route(scenario(titles=TITLES), 5000.0)["titles"]


def test_options_of_a_trace_are_passed_on(tmp_path: Path) -> None:
    recorded = trace(tmp_path / "a.csv", "when,i,o\n0,10,1\n1000,20,2\n")
    recorded["arrivals"] |= {
        "columns": {"time": "when", "input_tokens": "i", "output_tokens": "o"},
        "time_unit": "ms",
        "repeat": True,
        "speedup": 2.0,
    }
    recorded["template_tokens"] = 5
    source = batches(scenario(recorded=recorded), Streams(7), 0.0)
    got = list(itertools.islice(source, 3))
    assert [at_s for batch in got for at_s in batch.arrived_at_s] == [0, 0.5, 1, 1.5, 2, 2.5]
    assert got[0].input_tokens == [15, 25]
    assert got[0].prefix == [((("template", "recorded"), 5),)] * 2


def test_a_broken_trace_raises_when_it_is_reached(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    recorded = trace(path, "time,input_tokens,output_tokens\n0,10,1\n1,x,2\n")
    source = batches(scenario(recorded=recorded), Streams(7), 0.0)
    with pytest.raises(TraceError) as caught:
        next(source)
    assert str(caught.value).startswith(f"{path}:3: input_tokens is 'x'")


def test_closed_loops_have_their_users_and_lengths() -> None:
    made = scenario(chat=CHAT, agents=AGENTS)
    (loop,) = closed_loops(made, Streams(7))
    assert (loop.route, loop.concurrency, loop.think_time_s) == (1, 64, 2.0)
    assert loop.prefix == ((("template", "agents"), 50),)
    got = np.array([loop.next_request() for _ in range(20_000)])
    assert got[:, 0].min() >= 60
    assert got[:, 0].max() <= 9050
    assert got[:, 1].mean() == pytest.approx(200, rel=0.03)
    (again,) = closed_loops(scenario(agents=AGENTS), Streams(7))
    assert [again.next_request() for _ in range(5000)] == [tuple(pair) for pair in got[:5000]]
    assert again.route == 0


def test_memory_does_not_grow_with_the_number_of_requests() -> None:
    source = batches(scenario(chat=CHAT, titles=TITLES), Streams(7), 0.0)

    def peak_bytes(requests: int) -> int:
        tracemalloc.reset_peak()
        left = requests
        for batch in source:
            left -= len(batch)
            if left <= 0:
                break
        return tracemalloc.get_traced_memory()[1]

    tracemalloc.start()
    try:
        early = peak_bytes(200_000)
        late = peak_bytes(300_000)
    finally:
        tracemalloc.stop()
    assert late < 1.15 * early
    assert late < 40e6


def test_only_closed_loops_make_no_batches() -> None:
    assert list(batches(scenario(agents=AGENTS), Streams(7), 0.0)) == []


@pytest.mark.data
def test_public_traces_play_with_generated_traffic_and_share_prefixes() -> None:
    mooncake = data_path("traces/mooncake_conversation_trace.jsonl.gz")
    azure = data_path("traces/AzureLLMInferenceTrace_conv.csv")
    made = scenario(
        long={"pool": "main", "arrivals": {"trace": str(mooncake)}},
        titles=TITLES,
        short={"pool": "main", "arrivals": {"trace": str(azure), "format": "azure"}},
    )
    source = batches(made, Streams(7), -60.0)
    counts = np.zeros(3, dtype=int)
    cached_tokens, input_tokens, seen = 0, 0, set()
    for batch in source:
        counts += np.bincount(batch.route, minlength=3)
        for route, tokens, prefix in zip(
            batch.route, batch.input_tokens, batch.prefix, strict=True
        ):
            if route != 0:
                assert prefix is None
                continue
            assert prefix is not None
            assert sum(n for _, n in prefix) == tokens
            input_tokens += tokens
            cached_tokens += sum(n for _, n in itertools.takewhile(lambda p: p[0] in seen, prefix))
            seen.update(key for key, _ in prefix)
        if batch.arrived_at_s[-1] > 3600.0:
            break
    assert counts[0] == 12_031
    assert counts[2] == 19_366
    # What the trace shares, as published with it: 37.4 % of input tokens in an endless cache.
    assert cached_tokens / input_tokens == pytest.approx(0.374, abs=0.0005)
    assert [(name, report.rows_used) for name, report in source.trace_reports()] == [
        ("long", 12_031),
        ("short", 19_366),
    ]
