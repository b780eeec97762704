"""Gap benchmark: the naive end of the ladder from a user's own benchmark; knows no clock.

A result of `vllm bench serve` or of GuideLLM says how many tokens a second one server made; a
shape such as 1024/1024 says which requests to make it of.
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any

from sim.scenario.document import Scenario
from sim.scenario.hint import listed
from sim.scenario.naive import NaiveSpec
from sim.scenario.spec import FrozenDict

SHAPE = re.compile(r"(\d{1,7})/(\d{1,7})")
"""Input and output tokens of every request: 1024/1024."""

EXPECTED = (
    "expected the JSON of `vllm bench serve` (total_token_throughput) or of GuideLLM (benchmarks)"
)


class BenchmarkError(ValueError):
    """A benchmark that cannot be used; the text says which, what is wrong, and what would do."""


def with_benchmark(scenario: Scenario, given: str) -> Scenario:
    """*scenario* with the naive end of one pool as *given*: FILE or INPUT/OUTPUT, or POOL=either.

    The pool need not be named where there is one. Raises `BenchmarkError`.
    """
    named, equals, rest = given.partition("=")
    pools = list(scenario.pools)
    if equals and named in scenario.pools:
        pool, what = named, rest
    elif equals and SHAPE.fullmatch(rest):
        raise BenchmarkError(
            f"--benchmark {given}: no pool is called {named!r}; there is {listed(pools)}"
        )
    elif len(pools) == 1:
        pool, what = pools[0], given
    else:
        names = ", ".join(pools)
        raise BenchmarkError(
            f"--benchmark {given}: say of which pool, as {pools[0]}=...; the pools are {names}"
        )
    spec = scenario.pools[pool].model_copy(update={"naive": _naive(what)})
    return scenario.model_copy(update={"pools": FrozenDict({**scenario.pools, pool: spec})})


def _naive(what: str) -> NaiveSpec:
    shape = SHAPE.fullmatch(what)
    if shape is None:
        return NaiveSpec(total_tokens_per_s=read_throughput(Path(what)))
    input_tokens, output_tokens = (int(n) for n in shape.groups())
    if not input_tokens or not output_tokens:
        raise BenchmarkError(f"--benchmark {what}: needs at least 1 token of each")
    return NaiveSpec(input_tokens=input_tokens, output_tokens=output_tokens)


def read_throughput(path: Path) -> float:
    """Tokens a second, input and output, that the benchmark in *path* shows of one server.

    Of several runs, as in a sweep, the highest. Raises `BenchmarkError`.
    """
    try:
        document = json.loads(path.read_bytes())
    except OSError as error:
        raise BenchmarkError(
            f"{path}: {error.strerror or error}; or give a shape as 1024/1024"
        ) from error
    except ValueError as error:
        raise BenchmarkError(f"{path}: is no JSON; {EXPECTED}") from error
    if not isinstance(document, dict):
        raise BenchmarkError(f"{path}: is no JSON object; {EXPECTED}")
    found = _guidellm(document) if "benchmarks" in document else _vllm(document)
    if found is None:
        raise BenchmarkError(f"{path}: has no throughput in it; {EXPECTED}")
    if not 0.0 < found <= 1e9:
        raise BenchmarkError(f"{path}: a throughput of {found:g} tokens a second cannot be")
    return found


def _number(value: Any) -> float | None:
    known = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if known and math.isfinite(value) else None


def _vllm(document: dict[str, Any]) -> float | None:
    """`total_token_throughput`, else tokens over `duration` (`vllm bench serve --save-result`)."""
    total = _number(document.get("total_token_throughput"))
    if total is not None:
        return total
    keys = ("total_input_tokens", "total_output_tokens", "duration")
    counted, made, duration_s = (_number(document.get(key)) for key in keys)
    if counted is None or made is None or not duration_s:
        return None
    return (counted + made) / duration_s


def _guidellm(document: dict[str, Any]) -> float | None:
    """The highest mean of `benchmarks[].metrics.tokens_per_second`, of what succeeded."""
    runs = document["benchmarks"]
    found = [_of_run(run) for run in runs] if isinstance(runs, list) else []
    return max((rate for rate in found if rate is not None), default=None)


def _of_run(run: Any) -> float | None:
    metrics = run.get("metrics") if isinstance(run, dict) else None
    if not isinstance(metrics, dict):
        return None
    total = _mean(metrics.get("tokens_per_second"))
    if total is not None:
        return total
    parts = [_mean(metrics.get(f"{kind}_tokens_per_second")) for kind in ("prompt", "output")]
    return None if None in parts else math.fsum(part for part in parts if part is not None)


def _mean(distribution: Any) -> float | None:
    if not isinstance(distribution, dict):
        return None
    part = distribution.get("successful") or distribution.get("total")
    return _number(part.get("mean")) if isinstance(part, dict) else None
