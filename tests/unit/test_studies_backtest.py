import dataclasses
from pathlib import Path
from typing import Any

import pytest

from sim.studies.backtest import backtest, prediction
from sim.studies.backtest_actual import EXAMPLE, KINDS, Actual, Figure, read_actual
from sim.studies.intervals import Interval, student_t
from sim.traffic.trace_text import TraceError


@dataclasses.dataclass(frozen=True)
class Told:
    """A result whose summary is given: two replications of an hour."""

    document: dict[str, Any]
    runs: tuple[int, ...] = (0, 1)
    usage: Any = dataclasses.field(default_factory=lambda: Hour())

    def summary(self) -> dict[str, Any]:
        return self.document


@dataclasses.dataclass(frozen=True)
class Hour:
    window_s: float = 3600.0


def told(requests: float = 100.0) -> Any:
    tree = {
        "requests": {"arrived": requests},
        "latency": {"ttft_s": {"p95": 0.5}},
        "cost": {"usd_per_million_useful_tokens": {"value": 2.0, "ci95": None}},
        "routes": {"chat": {"requests": {"arrived": requests / 2}}},
        "intervals": {
            "requests.arrived": [requests - 10, requests + 10],
            "latency.ttft_s.p95": None,
            "cost.usd_per_million_useful_tokens": [1.0, 3.0],
        },
    }
    return Told(tree)


def actual(*figures: Figure, period_s: float | None = None) -> Actual:
    return Actual(figures, period_s)


def test_totals_grow_with_the_period_and_latencies_do_not() -> None:
    given = actual(Figure("requests", 400.0), Figure("ttft_p95", 0.4), period_s=4 * 3600.0)
    requests, ttft = backtest(told(), given).checked
    assert requests.simulated == 400.0
    assert requests.error == 0.0
    assert ttft.simulated == 0.5
    assert ttft.error == pytest.approx(0.25)
    assert ttft.inside is None


def test_the_interval_is_of_one_period() -> None:
    """Half-width 10 of a mean of two; one period of the same length: 10 sqrt(1 + 2)."""
    (one,) = backtest(told(), actual(Figure("requests", 118.0))).checked
    assert one.interval == Interval(pytest.approx(100 - 300**0.5), pytest.approx(100 + 300**0.5))
    assert one.inside is False
    (near,) = backtest(told(), actual(Figure("requests", 117.0))).checked
    assert near.inside is True


def test_a_route_and_a_price_are_found() -> None:
    given = actual(Figure("requests", 50.0, "chat"), Figure("usd_per_million_tokens", 4.0))
    route, price = backtest(told(), given).checked
    assert (route.simulated, route.interval) == (50.0, None)
    assert (price.simulated, price.error) == (2.0, -0.5)
    assert price.interval is not None


def test_a_figure_that_the_simulation_does_not_have() -> None:
    (one,) = backtest(told(), actual(Figure("kv", 0.5))).checked
    assert (one.simulated, one.error, one.inside) == (None, None, None)


def test_a_forecast_stands_as_simulated_beside_the_error() -> None:
    found = backtest(told(100.0), actual(Figure("requests", 80.0)), told(300.0))
    (ahead,) = found.forecast
    assert ahead.simulated == 300.0
    assert ahead.backtest_error == pytest.approx(0.25)


def test_the_prediction_is_the_textbook_s() -> None:
    values = [3.0, 5.0, 4.0, 8.0]
    mean = student_t(values)
    assert mean is not None
    found = prediction([mean.low, mean.high], 4, 1.0)
    assert found is not None
    spread = (sum((v - 5.0) ** 2 for v in values) / 3) ** 0.5
    assert (found.high - found.low) / 2 == pytest.approx(3.182446 * spread * 1.25**0.5, rel=1e-6)
    assert prediction(None, 4, 1.0) is None


def read(tmp_path: Path, text: str, name: str = "a.yaml") -> Actual:
    file = tmp_path / name
    file.write_text(text)
    return read_actual(file, ["chat", "voice"])


def test_the_example_can_be_read(tmp_path: Path) -> None:
    found = read(tmp_path, EXAMPLE)
    assert found.period_s == 30 * 86_400.0
    values = {(f.route, f.name): f.value for f in found.figures}
    assert values[None, "input_tokens"] == 12.4e9
    assert values["chat", "tpot_p95"] == pytest.approx(0.048)
    assert values[None, "bill_usd"] == 19650.0


def test_a_table_says_the_same(tmp_path: Path) -> None:
    text = "figure,actual,route\nperiod,7d,\nrequests,2.4M,\nttft_p95,850ms,chat\n"
    found = read(tmp_path, text, "a.csv")
    assert found == Actual(
        (Figure("requests", 2.4e6), Figure("ttft_p95", 0.85, "chat")), 7 * 86_400.0
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "requests: 1\nttft_p96: 1s\n",
            "a.yaml:2: unknown figure 'ttft_p96'; did you mean ttft_p9",
        ),
        ("requests: many\n", "a.yaml:1: requests must be a number such as 8.1M or 2.4B"),
        ("requests: 0\n", "a.yaml:1: requests must be more than 0"),
        ("bill_usd: 5k\n", "a.yaml:1: bill_usd must be a plain number"),
        ("busy: true\n", "a.yaml:1: busy must be a number"),
        ("ttft_p95: soon\n", "a.yaml:1: ttft_p95 must be a duration"),
        ("period: 0s\nrequests: 1\n", "a.yaml:1: period must be more than 0"),
        ("period: 1d\n", "a.yaml: holds no figure; allowed: requests"),
        ("[1]\n", "a.yaml:1: must be a mapping of figures"),
        ("routes: 5\n", "a.yaml:1: routes must be a mapping"),
        ("routes:\n  chat: 5\n", "a.yaml:2: routes.chat must be a mapping"),
        (
            "routes:\n  chats: {requests: 5}\n",
            "a.yaml:2: no route is called 'chats'; there is chat",
        ),
        ("routes:\n  chat: {bill_usd: 5}\n", "unknown figure 'bill_usd' of a single route"),
        ("requests: 1\nrequests: 2\n", "a.yaml:2: "),
        ("requests: [1\n", "a.yaml:"),
    ],
)
def test_files_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TraceError) as caught:
        read(tmp_path, text)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("what,actual\nrequests,1\n", "a.csv:1: has no column figure"),
        ("figure,actual\nrequests,1\nrequests,2\n", "a.csv:3: requests is given twice"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(TraceError) as caught:
        read(tmp_path, text, "a.csv")
    assert message in str(caught.value)


def test_every_kind_is_a_figure_of_a_summary() -> None:
    """Against a real summary, so that a renamed key is noticed."""
    import sim
    from sim.studies.summary import leaves
    from tests.datadir import REPOSITORY

    scenario = sim.load(REPOSITORY / "scenarios" / "contract-engine.yaml", ["horizon=5m"])
    paths = dict(leaves(sim.run(scenario, replications=1).summary()))
    for name, kind in KINDS.items():
        assert kind.path in paths or f"{kind.path}.value" in paths, name
