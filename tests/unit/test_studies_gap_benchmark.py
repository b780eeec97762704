"""Benchmarks of other tools as the naive end of the ladder."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from usages import pool, route, scenario

from sim.studies.gap_benchmark import BenchmarkError, read_throughput, with_benchmark

VLLM = {
    "duration": 20.0,
    "completed": 500,
    "total_input_tokens": 256_000,
    "total_output_tokens": 128_000,
    "output_throughput": 6400.0,
    "total_token_throughput": 19_200.0,
}


def guide(*rates: float) -> dict[str, Any]:
    """A sweep of GuideLLM, cut to what is read."""
    runs = [{"metrics": {"tokens_per_second": {"successful": {"mean": r}}}} for r in rates]
    return {"metadata": {"version": 1}, "benchmarks": runs}


def written(tmp_path: Path, document: Any) -> Path:
    path = tmp_path / "bench.json"
    path.write_text(document if isinstance(document, str) else json.dumps(document))
    return path


@pytest.mark.parametrize(
    ("document", "tokens_per_s"),
    [
        (VLLM, 19_200.0),
        ({k: v for k, v in VLLM.items() if k != "total_token_throughput"}, 19_200.0),
        (guide(900.0, 4_000.0, 3_500.0), 4_000.0),
        (
            {
                "benchmarks": [
                    {
                        "metrics": {
                            "prompt_tokens_per_second": {"total": {"mean": 100.0}},
                            "output_tokens_per_second": {"total": {"mean": 40.0}},
                        }
                    }
                ]
            },
            140.0,
        ),
    ],
)
def test_throughput(tmp_path: Path, document: Any, tokens_per_s: float) -> None:
    assert read_throughput(written(tmp_path, document)) == tokens_per_s


@pytest.mark.parametrize(
    ("document", "why"),
    [
        ("not json", "is no JSON"),
        ("[1]", "is no JSON object"),
        ({}, "has no throughput"),
        ({"total_token_throughput": "fast"}, "has no throughput"),
        ({"total_token_throughput": True}, "has no throughput"),
        ({"total_token_throughput": -3}, "cannot be"),
        ({"total_input_tokens": 1, "total_output_tokens": 1, "duration": 0}, "has no throughput"),
        ({"benchmarks": []}, "has no throughput"),
        ({"benchmarks": [3, {"metrics": 1}]}, "has no throughput"),
        ({"benchmarks": 7}, "has no throughput"),
    ],
)
def test_what_cannot_be_used(tmp_path: Path, document: Any, why: str) -> None:
    with pytest.raises(BenchmarkError, match=why):
        read_throughput(written(tmp_path, document))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(BenchmarkError, match="No such file"):
        read_throughput(tmp_path / "none.json")


def test_a_shape() -> None:
    naive = with_benchmark(scenario(), "1024/512").pools["main"].naive
    assert naive is not None
    assert (naive.input_tokens, naive.output_tokens) == (1024, 512)
    with pytest.raises(BenchmarkError, match="at least 1 token"):
        with_benchmark(scenario(), "0/512")


def test_of_several_pools_one_is_named(tmp_path: Path) -> None:
    two = scenario({"a": route("p"), "b": route("q")}, {"p": pool(), "q": pool()})
    found = with_benchmark(two, f"q={written(tmp_path, VLLM)}")
    assert found.pools["p"].naive is None
    naive = found.pools["q"].naive
    assert naive is not None
    assert naive.total_tokens_per_s == 19_200.0
    with pytest.raises(BenchmarkError, match="say of which pool, as p="):
        with_benchmark(two, "1024/512")


def test_a_pool_that_there_is_not() -> None:
    with pytest.raises(BenchmarkError, match="no pool is called 'other'"):
        with_benchmark(scenario(), "other=1024/512")
