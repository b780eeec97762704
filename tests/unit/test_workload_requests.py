"""Requests: read from traces, generated from scenarios, and cut."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from sim.scenario.load import loads
from sim.workload.requests import Requests, generated, read
from sim.workload.start import Start
from sim.workload.stretch import stretch_of

SCENARIO = """
routes:
  chat:
    pool: main
    arrivals: {mean_rps: 5.0}
    input_tokens: {fixed: 100}
    output_tokens: {geometric: 20}
    template_tokens: 7
  users:
    pool: main
    arrivals: {concurrency: 4}
    input_tokens: {fixed: 100}
    output_tokens: {fixed: 20}
pools:
  main: {model: llama-3.1-8b, gpu: h100-sxm, node: {usd_per_hour: 3}}
starts_on: wednesday
"""


def csv(folder: Path, rows: list[tuple[object, ...]], head: str) -> Path:
    path = folder / "trace.csv"
    path.write_text(head + "\n" + "".join(",".join(map(str, row)) + "\n" for row in rows))
    return path


def test_a_trace_gives_its_arrays_and_its_place_on_the_calendar(tmp_path: Path) -> None:
    rows = [
        ("2023-11-16 18:15:46.5", 374, 44),
        ("2023-11-16 18:15:50.0", 396, 0),
        ("2023-11-16 18:15:51.0", 879, 55),
    ]
    found = read(csv(tmp_path, rows, "TIMESTAMP,ContextTokens,GeneratedTokens"))
    assert found.arrived_at_s is not None
    assert found.arrived_at_s.tolist() == [0.0, 4.5]
    assert (found.input_tokens.tolist(), found.output_tokens.tolist()) == ([374, 879], [44, 55])
    assert (found.span_s, found.rate_per_s, found.tick_s) == (4.5, 2 / 4.5, None)
    assert found.start == Start(65_746.5, 3, "UTC")
    assert found.notes == ("of 3 rows, 1 with zero output tokens were left out",)
    assert found.prefixes is None
    assert found.path == tmp_path / "trace.csv"


def test_times_that_are_no_dates_start_in_the_files_own_day(tmp_path: Path) -> None:
    found = read(csv(tmp_path, [(90_000, 5, 5), (90_100, 5, 5)], "time_s,isl,osl"))
    assert found.start == Start(3600.0, None, "file")


def test_coarse_ticks_are_spread_and_the_last_counts_in_the_span(tmp_path: Path) -> None:
    rows = [(3 * (n // 10), 5, 5) for n in range(1000)]
    found = read(csv(tmp_path, rows, "time_s,input_tokens,output_tokens"))
    assert found.tick_s == 3.0
    assert found.span_s == 300.0
    assert found.arrived_at_s is not None
    assert len(np.unique(found.arrived_at_s)) == 1000
    assert found.arrived_at_s.max() < 300.0
    assert "ticks of 3 s" in found.notes[-1]


def test_hashes_are_kept_request_by_request(tmp_path: Path) -> None:
    path = tmp_path / "mooncake.jsonl"
    path.write_text(
        '{"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [1, 2]}\n'
        '{"timestamp": 1500, "input_length": 9, "output_length": 5, "hash_ids": []}\n'
    )
    found = read(path)
    assert found.prefixes == ((1, 2), ())
    assert found.span_s == 1.5


def test_generated_requests_are_those_of_the_route_alone() -> None:
    scenario = loads(SCENARIO)
    found = generated(scenario, "chat", 600.0, seed=3)
    assert len(found) == pytest.approx(3000, abs=4 * 3000**0.5)
    assert found.arrived_at_s is not None
    assert 0.0 <= found.arrived_at_s.min() <= found.arrived_at_s.max() < 600.0
    assert set(found.input_tokens.tolist()) == {107}
    assert found.output_tokens.mean() == pytest.approx(20, rel=0.1)
    assert found.start == Start(0.0, 2, "UTC")
    again = generated(scenario, "chat", 300.0, seed=3)
    assert again.arrived_at_s is not None
    assert (again.arrived_at_s == found.arrived_at_s[: len(again)]).all()


@pytest.mark.parametrize(
    ("route", "seconds", "message"),
    [
        (None, 10.0, "more than one route; allowed: chat, users"),
        ("code", 10.0, "no route 'code'; allowed: chat, users"),
        ("users", 10.0, "routes.users waits for answers"),
        ("chat", 1e-9, "routes.chat gets no request"),
    ],
)
def test_what_cannot_be_generated_is_said(route: str | None, seconds: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        generated(loads(SCENARIO), route, seconds)


def test_a_cut_starts_at_zero_again_and_later_in_the_day() -> None:
    requests = Requests(
        "x",
        np.arange(1, 11),
        np.arange(11, 21),
        np.arange(10.0),
        tuple((n,) for n in range(10)),
        span_s=10.0,
        start=Start(86_399.0, 6, "UTC"),
    )
    part = requests.between(2.0, 5.0)
    assert part.arrived_at_s is not None
    assert part.arrived_at_s.tolist() == [0.0, 1.0, 2.0]
    assert part.input_tokens.tolist() == [3, 4, 5]
    assert part.prefixes == ((2,), (3,), (4,))
    assert (part.span_s, part.start) == (3.0, Start(1.0, 0, "UTC"))
    rows = requests.rows(slice(0, None, 2))
    assert rows.arrived_at_s is None
    assert rows.output_tokens.tolist() == [11, 13, 15, 17, 19]
    with pytest.raises(ValueError, match="x has no times"):
        rows.between(0.0, 1.0)


def test_a_long_trace_is_judged_by_its_middle() -> None:
    requests = Requests(
        "x", np.ones(1000, dtype=np.int64), np.ones(1000, dtype=np.int64), np.arange(1000.0),
        span_s=1000.0,
    )  # fmt: skip
    part, note = stretch_of(requests, 100)
    assert part.span_s == 100.0
    assert len(part) == 100
    assert note == "arrivals are fitted and tested on the middle 100 requests (0.0278 h)"
    assert stretch_of(requests, 1000) == (requests, "")
