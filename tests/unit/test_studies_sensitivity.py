import json
from dataclasses import asdict
from typing import Any

import pytest
from usages import pool, route, scenario

from sim.report.canvas import render
from sim.report.levers_tables import sensitivity_tables
from sim.report.tornado_figure import Bar, Tornado, tornado_figure, tornado_in, tornado_of
from sim.scenario.document import Scenario
from sim.simulation import simulate
from sim.studies.doubts import doubts, failures_times, lines_times, prices_times, steps_times
from sim.studies.longer import longer
from sim.studies.sensitivity import document, rows, sensitivity

ENGINE = {
    "timing": {"knots_tokens": [1, 256], "knots_s": [0.02, 0.06]},
    "engine": {"max_num_seqs": 8, "max_num_batched_tokens": 256},
    "kv_tokens": 20_000,
    "naive": {"input_tokens": 100, "output_tokens": 20},
}


def example(**changes: Any) -> Scenario:
    fixed = {"input_tokens": {"fixed": 100}, "output_tokens": {"fixed": 20}}
    return scenario(
        routes={"chat": {**route(arrivals={"rps": 1.0}), **fixed}},
        pools={"main": {**pool(), **ENGINE, **changes}},
        bill=[{"line": "team", "driver": "months", "usd": 2628}],  # as much as the node
        horizon=120,
        warmup=0,
    )


@pytest.fixture(scope="module")
def found() -> Any:
    of = example()
    return sensitivity(of, list(doubts(of)), replications=2)


def test_doubts_are_sorted_by_what_they_move(found: Any) -> None:
    """Demand -20 % and +20 %: 1/0.8 - 1/1.2 = 42 %, less what chance does to some 120 requests."""
    names = [swing.doubt.name for swing in found.swings]
    assert names[0] == "demand"
    width = {swing.doubt.name: swing.width for swing in found.swings}
    now = found.base.statement.cost.by_use.usd_per_million_useful_tokens
    assert width["demand"] / now == pytest.approx(1 / 0.8 - 1 / 1.2, rel=0.25)
    assert width["node prices"] / now == pytest.approx(0.2, rel=1e-9)
    assert width["other lines of the bill"] / now == pytest.approx(0.2, rel=1e-9)
    assert width["prompt lengths"] / now == pytest.approx(120 / 110 - 120 / 130, rel=1e-9)
    assert width["answer lengths"] / now == pytest.approx(120 / 118 - 120 / 122, rel=1e-9)


def test_what_is_no_doubt_says_why(found: Any) -> None:
    why = {doubt.name: doubt.obstacle for doubt in found.left_out}
    assert why["failures"] == "nothing fails at random in this scenario"
    assert why["step times (the tables' stated error)"].startswith("no pool's step times")


def test_chance_is_told_apart(found: Any) -> None:
    doubtful, left = sensitivity_tables(found)
    assert "by chance" in doubtful.note
    assert len(doubtful.rows) == len(found.swings)
    assert len(left.rows) == 2
    tree = document(found)
    assert tree["usd_per_million_useful_tokens"]["same_fleet_ci95"] is not None
    assert len(rows(found)) == 2 * len(found.swings)


def test_the_tornado_is_drawn_from_the_widest_bar_down(found: Any) -> None:
    tornado = tornado_of(found)
    assert tornado is not None
    widths = [abs(bar.high - bar.low) for bar in tornado.bars]
    assert widths == sorted(widths, reverse=True)
    drawn = tornado_figure(tornado)
    (axes,) = drawn.axes
    assert axes.get_yticklabels()[0].get_text() == "demand"
    assert len(axes.patches) == 2 * len(widths) + 1  # and the band of chance
    assert render(drawn) == render(tornado_figure(tornado))
    kept = json.loads(json.dumps({"tornado": asdict(tornado)}))
    assert tornado_in(kept) == tornado


def test_a_tornado_of_nothing_is_still_a_figure() -> None:
    assert render(tornado_figure(Tornado("t", "u", 1.0, ())))
    flat = Bar("a name that is so long that it needs a second line", 1.0, 1.0, "-", "+")
    assert b"<svg" in render(tornado_figure(Tornado("t", "u", 1.0, (flat,))))


def test_prices_and_lines_are_multiplied() -> None:
    of = scenario(
        pools={
            "main": {
                **pool(startup="none"),
                "node": {
                    "usd_per_gpu_hour": 2.0,
                    "gpus": 4,
                    "spot": {"usd_per_hour": 3.0, "mean_life": "9h"},
                },
            }
        },
        bill=[
            {"line": "team", "driver": "months", "usd": 10},
            {"line": "setup", "one_time": {"usd": 1200, "months": 12}},
            {"line": "support", "percent": "10%"},
        ],
    )
    node = prices_times(of, 1.5).pools["main"].node
    assert (node.usd_per_node_hour, node.usd_per_spot_node_hour) == (12.0, 4.5)
    team, setup, support = lines_times(of, 1.5).bill
    assert team.usd == 15
    assert setup.one_time is not None
    assert setup.one_time.usd == 1800
    assert support == of.bill[2]


def test_failures_come_more_often() -> None:
    of = example(failures={"mtbf": "10d", "zone_mtbf": "30d", "zone_outage": "1h"}, startup="none")
    worse = failures_times(of, 2.0).pools["main"].failures
    assert worse is not None
    assert (worse.mtbf, worse.zone_mtbf) == (5 * 86_400.0, 15 * 86_400.0)


def served(of: Scenario) -> Any:
    return simulate(of).usage.routes["chat"]


def public(**changes: Any) -> Scenario:
    """A route of a public workload, whose answers depend on their prompts."""
    lengths = {
        "input_tokens": {"workload": "azure-conv-2023"},
        "output_tokens": {"workload": "azure-conv-2023"},
    }
    engine = {"model": "llama-3.1-8b", "gpu": "h100-sxm", "node": {"usd_per_hour": 3.0}}
    return scenario(
        routes={"chat": route(arrivals={"rps": 2.0}, **lengths, **changes)},
        pools={"main": engine},
        horizon=200,
        warmup=0,
    )


def test_lengths_times_one_are_what_they_were() -> None:
    now, tabled = served(public()), served(longer(public(), "output", 1.0))
    assert tabled.offered == now.offered


@pytest.mark.parametrize(("side", "other"), [("input", "output"), ("output", "input")])
def test_lengths_are_longer_on_one_side_alone(side: Any, other: str) -> None:
    now, then = served(public()).offered, served(longer(public(), side, 1.1)).offered
    assert getattr(then, other) == getattr(now, other)
    grown = getattr(then, side) / getattr(now, side)
    assert grown == pytest.approx(1.1, abs=0.01)
    assert then.template == now.template


def test_steps_times_one_are_the_tables() -> None:
    now, same = served(public()), served(steps_times(public(), 1.0))
    assert same.ttft_s == now.ttft_s
    slower = served(steps_times(public(), 1.1))
    assert (
        1.0 < slower.tpot_s.mean / now.tpot_s.mean < 1.12
    )  # fuller batches, but the host's part stays
