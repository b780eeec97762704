"""Fit: its block is what a scenario takes, and says in comments what it is and how good."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from sim.catalog.presets import Burst
from sim.scenario.document import Scenario
from sim.scenario.load import loads
from sim.workload.arrival_fit import ArrivalFit, OnOff
from sim.workload.block import WIDTH, Block, duration
from sim.workload.cached import CachedShare
from sim.workload.fit import Fit, fit
from sim.workload.hours import Hours
from sim.workload.parts import Part
from sim.workload.requests import Requests
from sim.workload.rows import Row, missing
from sim.workload.start import Start
from sim.workload.tables import Rates, Weights
from sim.workload.token_table import TokenTable

RNG = np.random.default_rng(20_260_104)
POOLS = "pools:\n  main: {model: llama-3.1-8b, gpu: h100-sxm, node: {usd_per_hour: 3}}\n"


def pasted(block: str, *missing_keys: str) -> Scenario:
    """Return the scenario with *block* under its route, and something for what it lacks."""
    lines = "".join(f"    {line}\n" for line in (*block.splitlines(), *missing_keys))
    return loads(f"routes:\n  chat:\n    pool: main\n{lines}{POOLS}")


def trace(n: int = 3000, per_s: float = 5.0) -> Requests:
    at_s = np.cumsum(RNG.exponential(1 / per_s, n))
    inputs = RNG.integers(1, 1000, n)
    outputs = np.where(inputs > 500, 300, 20) + RNG.integers(0, 9, n)
    start = Start(0.0, 0, "UTC")
    return Requests("x.csv", inputs, outputs, at_s, span_s=float(at_s[-1]), start=start)


def test_a_fitted_trace_is_pasted_and_means_what_was_fitted() -> None:
    told: list[tuple[str, int, int]] = []
    requests = trace(1200)
    found = fit(requests, seeds=5, progress=lambda *step: told.append(step))
    assert [done for _, done, _ in told] == [0, 1, 2, 3]
    assert found.arrivals is not None
    assert found.input is not None
    assert found.output_given_input is not None
    route = pasted(found.block()).routes["chat"]
    assert route.arrivals.model_dump()["mean_rps"] == pytest.approx(requests.rate_per_s, rel=1e-5)
    assert route.input_tokens == found.input.spec()
    assert route.output_tokens is not None
    assert len(route.output_tokens.model_dump()["given_input"]) == 10
    text = found.block()
    assert text.startswith("# Fitted to x.csv: 1,200 requests over ")
    assert "# length KS held out, input: " in text
    assert "met\n" in text
    assert max(map(len, text.splitlines())) <= WIDTH + 4


def test_a_fit_is_the_same_each_time() -> None:
    requests = trace(600)
    assert fit(requests, seeds=3).block() == fit(requests, seeds=3).block()


EVERYTHING = ArrivalFit(
    2.0,
    0.8,
    (Burst(variance=0.0123456, time_s=0.7), Burst(variance=1.5, time_s=390.123)),
    3.5,
    0.05,
    OnOff(12, 600.0, 1800.5),
    Hours((0.5,) * 12 + (1.75,) * 12, (0.7,) * 24, "UTC", 7.0, (0.05,)),
)


def test_all_that_arrivals_can_have_comes_back_to_four_digits() -> None:
    table = TokenTable((0.0, 0.25, 0.250001, 1.0), (1, 1, 99, 4096))
    found = Fit("x", "a lot", EVERYTHING, table, table, (table,) * 10)
    route = pasted(found.block()).routes["chat"]
    spec = EVERYTHING.spec()
    back = route.arrivals
    assert back.model_dump(exclude={"bursts", "day_curve", "on_off"}) == spec.model_dump(
        exclude={"bursts", "day_curve", "on_off"}
    )
    assert back.model_dump()["bursts"] == (
        {"variance": 0.01235, "time": 0.7},
        {"variance": 1.5, "time": 390.1},
    )
    assert back.model_dump()["on_off"] == {"clients": 12, "on": 600.0, "off": 1800.0}
    assert back.model_dump()["day_curve"] == spec.model_dump()["day_curve"]
    assert route.input_tokens == table.spec()


def test_days_that_are_alike_are_one_list() -> None:
    hours = Hours((0.5,) * 12 + (1.5,) * 12, None, "file", 3.0)
    found = Fit("x", "y", ArrivalFit(2.0, hours=hours))
    assert "day_curve:  # hours of the file" in found.block()
    route = pasted(found.block(), "input_tokens: {fixed: 5}", "output_tokens: {fixed: 5}")
    assert route.routes["chat"].arrivals.model_dump()["day_curve"] == hours.weekday


def rates_of_a_week() -> Rates:
    per_s = np.tile(np.repeat([1.0, 3.0], 72), 7) * np.exp(0.2 * RNG.standard_normal(1008))
    return Rates("r.csv", 600.0, per_s, "chat", Start(0.0, 0, "UTC"))


@pytest.mark.parametrize(
    ("part", "lacks", "says"),
    [
        (rates_of_a_week(), ("input_tokens", "output_tokens"), "swings faster than 600 s"),
        (Rates("r.csv", 3600.0, np.ones(5)), ("input_tokens", "output_tokens"), "over 5 h"),
        (
            Weights("w_pmf.csv", "input", np.array([3, 9]), np.array([0.5, 0.5])),
            ("arrivals", "output_tokens"),
            "2 token counts",
        ),
        (trace(400).rows(slice(None)), ("arrivals",), "The file has no times"),
        (trace(40), (), "40 requests over "),
    ],
    ids=["rates", "few rates", "weights", "lengths", "small"],
)
def test_every_kind_of_part_has_a_block(part: Part, lacks: tuple[str, ...], says: str) -> None:
    found = fit(part, seeds=3)
    given = {
        "arrivals": "arrivals: {mean_rps: 1}",
        "input_tokens": "input_tokens: {fixed: 5}",
        "output_tokens": "output_tokens: {fixed: 5}",
    }
    assert says.lower() in found.block().replace("\n# ", " ").lower()
    assert pasted(found.block(), *(given[key] for key in lacks)).routes["chat"]
    for key in lacks:
        assert f"\n{key}:" not in found.block()


def test_a_table_of_rates_keeps_its_mean_and_its_hours() -> None:
    part = rates_of_a_week()
    found = fit(part).arrivals
    assert found is not None
    assert found.hours is not None
    assert found.mean_per_s == pytest.approx(part.rate_per_s, rel=0.02)
    assert found.hours.weekday[20] / found.hours.weekday[2] == pytest.approx(3.0, rel=0.15)
    dead = fit(Rates("r.csv", 600.0, np.zeros(300)))
    assert dead.arrivals is None


def test_one_instant_has_lengths_and_no_arrivals() -> None:
    requests = replace(trace(300), arrived_at_s=np.zeros(300), span_s=0.0)
    found = fit(requests, seeds=3)
    assert found.arrivals is None
    assert found.input is not None


def test_comments_are_wrapped_and_cannot_break_out() -> None:
    text = Block()
    text.comment("x" * 10 + "\n\x1b[2J" + " word" * 40)
    text.goodness([
        Row("a", 0.123456, "<= 0.1", None, None, False, "why"),
        Row("b", 1.0, "", None, None, None),
        missing("c", "because"),
    ])  # fmt: skip
    lines = text.written().splitlines()
    assert all(line.startswith("# ") and len(line) <= WIDTH for line in lines)
    assert lines[-2:] == ["# a: 0.123; asked <= 0.1: MISSED", "# b: 1"]
    assert "\x1b" not in text.written()


def test_prefixes_are_told_and_not_made() -> None:
    found = Fit("x", "y", cached=CachedShare(0.374, 0.4, {}))
    assert "up to 37.4% of the input" in found.block()


def test_durations_are_those_of_a_scenario() -> None:
    assert [duration(s) for s in (0.05, 425.14269, 7200.0, 0.0)] == [
        "0.05s",
        "425.1s",
        "7200s",
        "0s",
    ]
