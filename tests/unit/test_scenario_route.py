"""Route: lengths are given once, by the route or by its trace; an SLO promises something."""

from typing import Any

import pytest
from pydantic import ValidationError

from sim.catalog.workloads import workload
from sim.scenario.route import Route, Slo

ROUTE: dict[str, Any] = {
    "pool": "main",
    "arrivals": {"rps": 1},
    "input_tokens": {"fixed": 5},
    "output_tokens": {"fixed": 5},
}


def errors(**changes: Any) -> list[tuple[Any, str]]:
    data = {k: v for k, v in (ROUTE | changes).items() if v != "absent"}
    with pytest.raises(ValidationError) as caught:
        Route.model_validate(data)
    return [(e["loc"][0], str(e["ctx"]["error"])) for e in caught.value.errors()]


def test_defaults() -> None:
    route = Route.model_validate(ROUTE)
    assert (route.head_tokens, route.priority, route.slo) == (0, 0, None)
    assert hash(route) == hash(Route.model_validate(ROUTE))


def test_lengths_are_needed_without_a_trace() -> None:
    text = "is missing: only a trace brings its own lengths, give e.g. {fixed: 500}"
    assert errors(input_tokens="absent", output_tokens="absent") == [
        ("input_tokens", text),
        ("output_tokens", text),
    ]


def test_lengths_are_refused_with_a_trace() -> None:
    text = "must not be given with a trace, which brings its own lengths"
    assert errors(arrivals={"trace": "a.csv"}, input_tokens="absent") == [("output_tokens", text)]


def test_slo_targets_come_with_metric_and_quantile() -> None:
    slo = Slo.model_validate({"tpot_p99": "60ms", "ttft_p50": 1, "e2e_p95": "30s"})
    assert slo.targets() == (("ttft", 0.5, 1.0), ("tpot", 0.99, 0.06), ("e2e", 0.95, 30.0))


def test_an_slo_promises_something() -> None:
    (where, text), *rest = errors(slo={})
    assert (where, rest) == ("slo", [])
    assert text.startswith("promises nothing; give at least one of ttft_p50, ttft_p95")


@pytest.mark.parametrize(
    "change", [{"slo": {"ttft_p95": 0}}, {"priority": 1.5}, {"priority": 10**6}, {"pool": 3}]
)
def test_values_out_of_range(change: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        Route.model_validate(ROUTE | change)


def test_a_workload_brings_its_head_unless_another_is_given() -> None:
    """The catalog counts it in the workload's prompts: it is taken off there, and put in front."""
    own = {**ROUTE, "input_tokens": {"workload": "title-generator"}}
    known = workload("title-generator").template_tokens
    route = Route.model_validate(own)
    assert (route.head_tokens, route.counted_head_tokens) == (known, known)
    longer = Route.model_validate({**own, "template_tokens": "2k"})
    assert (longer.head_tokens, longer.counted_head_tokens) == (2_000, known)
    talks = {**ROUTE, "sessions": {"workload": "mooncake-conversation"}}
    del talks["input_tokens"]
    talking = Route.model_validate(talks)
    assert (talking.head_tokens, talking.counted_head_tokens) == (512, 0)


@pytest.mark.parametrize(
    ("arrivals", "said"),
    [({"concurrency": 4}, "needs arrivals"), ({"rps": 1.0, "count": 9}, "needs arrivals")],
)
def test_conversations_need_random_arrivals(arrivals: dict[str, Any], said: str) -> None:
    sessions = {"turns": {"fixed": 2}, "think_time": "1m"}
    with pytest.raises(ValidationError, match=said):
        Route.model_validate({**ROUTE, "arrivals": arrivals, "sessions": sessions})


def test_first_turns_are_said_once() -> None:
    sessions = {"workload": "mooncake-conversation"}
    with pytest.raises(ValidationError, match="sessions already say"):
        Route.model_validate({**ROUTE, "sessions": sessions})
