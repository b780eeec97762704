import csv
import gzip
import json
from collections import defaultdict
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import pytest

from sim.catalog.names import UnknownName
from sim.catalog.workloads import (
    DayCurve,
    LengthTable,
    day_curve,
    day_curves,
    length_table,
    workloads,
)
from tests.datadir import data_path

TABLES = [table for workload in workloads() for table in (workload.input, workload.output)]


def test_the_workloads() -> None:
    assert [workload.name for workload in workloads()] == [
        "azure-conv-2023",
        "mooncake-conversation",
        "arxiv-summaries",
        "azure-conv-2024",
        "azure-code-2024",
    ]
    for workload in workloads():
        assert workload.input is length_table(workload.name, "input")
        assert workload.output is length_table(workload.name, "output")
        assert (workload.input.field, workload.output.field) == ("input", "output")


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t.name}-{t.field}")
def test_tables_are_quantile_functions(table: LengthTable) -> None:
    assert len(table.levels) == len(table.tokens)
    assert (table.levels[0], table.levels[-1]) == (0, 1)
    assert all(a < b for a, b in pairwise(table.levels))
    assert all(a <= b for a, b in pairwise(table.tokens))
    assert table.tokens[0] >= 1
    assert table.source
    assert table.licence


def test_tables_of_traces_have_29_points_and_digitised_ones_say_what_they_lack() -> None:
    for table in TABLES:
        if table.name.endswith("-2024"):
            assert table.lacks
            assert "plots" in table.source
            assert table.trace_mean_tokens is None
        else:
            assert len(table.levels) == 29
            assert table.trace_mean_tokens is not None


def mean_tokens(table: LengthTable) -> float:
    """Mean of the law that is linear in ln(tokens) between levels: log mean of each piece."""
    total = 0.0
    for (p, a), (q, b) in pairwise(zip(table.levels, table.tokens, strict=True)):
        total += (q - p) * (a if a == b else (b - a) / np.log(b / a))
    return float(total)


@pytest.mark.parametrize("table", [t for t in TABLES if t.trace_mean_tokens])
def test_means_of_the_tables_are_near_those_of_the_traces(table: LengthTable) -> None:
    assert mean_tokens(table) == pytest.approx(table.trace_mean_tokens, rel=0.03)


def test_digitised_quantiles_as_read() -> None:
    conv = length_table("azure-conv-2024", "input")
    assert dict(zip(conv.levels, conv.tokens, strict=True))[0.5] == 913
    code = length_table("azure-code-2024", "output")
    median = np.exp(np.interp(0.5, code.levels, np.log(code.tokens)))
    assert 1 < median < 11  # the plot shows no more than that it is under 11


def week_mean(curve: DayCurve) -> float:
    return (5 * sum(curve.weekday) + 2 * sum(curve.weekend)) / 168


@pytest.mark.parametrize("curve", day_curves(), ids=lambda curve: curve.name)
def test_curves_have_mean_one_over_a_week(curve: DayCurve) -> None:
    assert len(curve.weekday) == len(curve.weekend) == 24
    assert week_mean(curve) == pytest.approx(1, rel=1e-12)
    assert min(curve.weekday + curve.weekend) > 0
    assert curve.source
    assert curve.licence


def test_the_curves_and_their_weekends() -> None:
    assert {curve.name: curve.has_weekend for curve in day_curves()} == {
        "azure-code-2024": True,
        "azure-conv-2024": True,
        "burstgpt-1": False,
        "servegen-m-small": False,
        "servegen-m-large": False,
        "deepseek-r1": False,
    }


def test_code_has_a_deep_night_and_a_quiet_weekend() -> None:
    """Hourly max/min over the week: 31 for code, 3.5 for chat (the plots' own values)."""
    for name, ratio in (("azure-code-2024", 31), ("azure-conv-2024", 3.5)):
        curve = day_curve(name)
        hours = curve.weekday + curve.weekend
        assert max(hours) / min(hours) == pytest.approx(ratio, rel=0.25)
        assert sum(curve.weekend) < 0.7 * sum(curve.weekday)


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="did you mean 'arxiv-summaries'"):
        length_table("arxiv-summary", "input")
    with pytest.raises(UnknownName, match="unknown field of a workload 'prompt'"):
        length_table("azure-conv-2023", "prompt")  # type: ignore[arg-type]
    with pytest.raises(UnknownName, match="did you mean 'deepseek-r1'"):
        day_curve("servegen-deepseek-r1")


def azure() -> list[tuple[int, int]]:
    with data_path("traces/AzureLLMInferenceTrace_conv.csv").open(encoding="utf-8") as lines:
        return [(int(r["ContextTokens"]), int(r["GeneratedTokens"])) for r in csv.DictReader(lines)]


def mooncake() -> list[tuple[int, int]]:
    path = data_path("traces/mooncake_conversation_trace.jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [(r["input_length"], r["output_length"]) for r in map(json.loads, lines)]


def arxiv() -> list[tuple[int, int]]:
    path = data_path("traces/vidur_arxiv_summarization_lengths.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = csv.DictReader(lines)
        return [(int(r["num_prefill_tokens"]), int(r["num_decode_tokens"])) for r in rows]


@pytest.mark.data
@pytest.mark.parametrize(
    ("name", "read"),
    [("azure-conv-2023", azure), ("mooncake-conversation", mooncake), ("arxiv-summaries", arxiv)],
)
def test_tables_are_the_quantiles_of_their_traces(
    name: str, read: Callable[[], list[tuple[int, int]]]
) -> None:
    """Kolmogorov-Smirnov distance at most 0.035, the mark that these tables were accepted at."""
    lengths = np.array(read())
    for field, column in (("input", 0), ("output", 1)):
        table = length_table(name, field)  # type: ignore[arg-type]
        values = np.sort(lengths[:, column])
        assert values.mean() == pytest.approx(table.trace_mean_tokens, rel=1e-2)
        at = np.unique(values)
        model = np.interp(np.log(at), np.log(table.tokens), table.levels)
        trace = np.searchsorted(values, at, side="right") / len(values)
        before = np.searchsorted(values, at, side="left") / len(values)
        outside = np.maximum(np.maximum(model - trace, before - model), 0)
        assert outside.max() <= 0.035


@pytest.mark.data
@pytest.mark.parametrize("service", ["conv", "code"])
def test_azure_2024_curves_are_the_digitised_weeks(service: str) -> None:
    by_hour: dict[tuple[bool, int], list[float]] = defaultdict(list)
    with data_path("traces/azure2024_hourly_digitised.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["service"] == service:
                weekend = int(row["weekday_mon0"]) >= 5
                by_hour[weekend, int(row["hour"])].append(float(row["multiplier"]))
    curve = day_curve(f"azure-{service}-2024")
    for weekend, values in ((False, curve.weekday), (True, curve.weekend)):
        expected = [sum(v) / len(v) for v in (by_hour[weekend, hour] for hour in range(24))]
        assert list(values) == pytest.approx(expected, abs=0.02)


@pytest.mark.data
def test_burstgpt_curve_is_the_hourly_count() -> None:
    with data_path("traces/burstgpt1_hourly_sessions.csv").open(encoding="utf-8") as lines:
        expected = [float(row["multiplier"]) for row in csv.DictReader(lines)]
    assert list(day_curve("burstgpt-1").weekday) == pytest.approx(expected, abs=0.006)
