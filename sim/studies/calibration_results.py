"""Calibration results: files of `vllm bench serve`, or a table, as runs; knows no clock."""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from sim.scenario.arrivals import PoissonArrivals
from sim.scenario.document import Scenario
from sim.studies.calibration_runs import BenchmarkRun, Load, Serving, Statistic
from sim.traffic.trace_documents import Found, documents
from sim.traffic.trace_text import TraceError, head, shown, whole

COLUMNS: dict[str, tuple[str, ...]] = {
    "rps": ("rps", "request_rate", "rate"),
    "output_tokens_per_s": ("output_tokens_per_s", "tps_output", "output_throughput"),
    "tpot": ("tpot_p50_ms", "tpot_p50_s", "median_tpot_ms", "median_tpot_s"),
    "ttft": ("ttft_p50_ms", "ttft_p50_s", "median_ttft_ms", "median_ttft_s"),
    "requests": ("requests", "num_prompts", "count"),
    "input_tokens": ("input_tokens", "input_len"),
    "output_tokens": ("output_tokens", "output_len"),
    "burstiness": ("burstiness",),
    "max_concurrency": ("max_concurrency",),
    "pool": ("pool",),
}
"""What a table may say, and the heads by which it is known unless `Reading.columns` names others.
Latencies are p50s; their heads end with _ms or _s."""

MOST_REQUESTS = 1_000_000


@dataclass(frozen=True)
class Reading:
    """How result files are read: which pool they are of, and what they do not say themselves.

    `columns`: heads of a table by the names of `COLUMNS`. `where`: rows of a table that count, by
    head and value. `defaults`: requests, input_tokens and output_tokens where a table has none.
    """

    pools: tuple[str, ...]
    pool: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    where: Mapping[str, str] = field(default_factory=dict)
    defaults: Mapping[str, float] = field(default_factory=dict)

    def pool_called(self, name: str | None, path: Path, line: int) -> str:
        """The pool that *name* (in any case) means; the only one if None."""
        wanted = self.pool if name is None else name
        if wanted is None:
            if len(self.pools) == 1:
                return self.pools[0]
            raise TraceError(
                path, line, f"does not say of which pool it is; give --pool, or --column pool=HEAD "
                f"(pools: {', '.join(self.pools)})"
            )  # fmt: skip
        for pool in self.pools:
            if pool.lower() == wanted.lower():
                return pool
        raise TraceError(
            path, line, f"is of pool {shown(wanted)}; the scenario has {', '.join(self.pools)}"
        )


def defaults_of(scenario: Scenario) -> dict[str, float]:
    """Requests and lengths that *scenario* itself sends, as far as they are fixed numbers."""
    found: dict[str, float] = {}
    for route in scenario.routes.values():
        if isinstance(route.arrivals, PoissonArrivals) and route.arrivals.count is not None:
            found.setdefault("requests", float(route.arrivals.count))
        for name in ("input_tokens", "output_tokens"):
            if (fixed := getattr(getattr(route, name), "fixed", None)) is not None:
                found.setdefault(name, float(fixed))
    return found


def read_results(path: Path, reading: Reading) -> list[BenchmarkRun]:
    """The runs in *path*: JSON of `vllm bench serve` (one result, or appended ones), else a table.

    Raises TraceError for what cannot be read or lacks what a replay needs.
    """
    if head(path).lstrip()[:1] == "{":
        return [_of_result(path, found, reading) for found in documents(path)]
    return list(_of_table(path, reading))


def _of_result(path: Path, found: Found, reading: Reading) -> BenchmarkRun:
    line, result = found
    if not isinstance(result, dict):
        raise TraceError(path, line, f"is {shown(result)}; allowed: the JSON object of one result")
    say = _Result(path, line, result)
    if result.get("ramp_up_strategy"):
        raise TraceError(path, line, "was run with a ramp-up, which is not replayed")
    requests = int(say.number("completed", least=1, most=MOST_REQUESTS))
    rps = say.rate()
    limit = result.get("max_concurrency")
    input_tokens, output_tokens = say.lengths(requests)
    label = str(result.get("label") or path.name)
    load = Load(
        requests=requests,
        rps=rps,
        input_tokens=input_tokens,
        output_tokens=output_tokens,
        burstiness=1.0 if result.get("burstiness") is None else say.number("burstiness", 0.01, 1e3),
        max_concurrency=None if limit is None else int(say.number("max_concurrency", 1, 1e6)),
        sent_at_s=say.sent_at_s(requests) if limit is None else None,
    )
    statistic: Statistic = "p50" if result.get("median_ttft_ms") is not None else "mean"
    word = "median" if statistic == "p50" else "mean"
    measured = Serving(
        output_tokens_per_s=say.number("output_throughput", 1e-9),
        tpot_s=say.latency_s(f"{word}_tpot_ms"),
        ttft_s=say.latency_s(f"{word}_ttft_ms"),
    )
    return BenchmarkRun(label, reading.pool_called(None, path, line), load, measured, statistic)


@dataclass(frozen=True)
class _Result:
    """One JSON result and where it stands."""

    path: Path
    line: int
    values: Mapping[str, Any]

    def number(self, key: str, least: float = 0.0, most: float = math.inf) -> float:
        value = self.values.get(key)
        if (
            isinstance(value, bool)
            or not isinstance(value, int | float)
            or not least <= value <= most
        ):
            what = "has no" if key not in self.values else f"has {key} {shown(value)}; needed: a"
            rest = f"number of at least {least:g}" if key in self.values else key
            raise TraceError(self.path, self.line, f"{what} {rest}")
        return float(value)

    def latency_s(self, key: str) -> float | None:
        """A latency in seconds; None if absent or 0 (answers of one token have no TPOT)."""
        if self.values.get(key) is None:
            return None
        return self.number(key) / 1000.0 or None

    def rate(self) -> float | None:
        value = self.values.get("request_rate", "inf")
        if value in ("inf", None) or value == math.inf:
            return None
        return self.number("request_rate", 1e-9, 1e6)

    def lengths(self, requests: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """Lengths of each request where they were saved, else the mean ones of all."""
        pair = [self._list("input_lens"), self._list("output_lens")]
        if all(one is not None and len(one) == requests for one in pair):
            whole_numbers = [[max(1, round(n)) for n in one or ()] for one in pair]
            return tuple(whole_numbers[0]), tuple(whole_numbers[1])
        totals = (self.number("total_input_tokens", 1), self.number("total_output_tokens", 1))
        prompt, answer = (max(1, round(total / requests)) for total in totals)
        return (prompt,), (answer,)

    def sent_at_s(self, requests: int) -> tuple[float, ...] | None:
        """Instants at which requests were sent, from the first on, where they were saved."""
        times = self._list("start_times")
        if times is None or len(times) != requests or sorted(times) != times:
            return None
        return tuple(time - times[0] for time in times)

    def _list(self, key: str) -> list[float] | None:
        """A saved list of one number per request; None if it is absent or no such thing."""
        value = self.values.get(key)
        numbers = isinstance(value, list) and all(
            isinstance(n, int | float) and math.isfinite(n) for n in value
        )
        return value if numbers else None


def _of_table(path: Path, reading: Reading) -> Iterator[BenchmarkRun]:
    text = whole(path)
    rows = csv.DictReader(io.StringIO(text, newline=""))
    heads = _heads(path, rows.fieldnames or (), reading)
    used = 0
    for row in rows:
        line = rows.line_num
        if any(row.get(name) != value for name, value in reading.where.items()):
            continue
        used += 1
        yield _of_row(path, line, row, heads, reading)
    if not used:
        told = " with " + ", ".join(f"{k}={v}" for k, v in reading.where.items())
        raise TraceError(path, None, f"has no row{told if reading.where else ''}")


def _heads(path: Path, fields: Sequence[str], reading: Reading) -> dict[str, str]:
    """Which head of the table holds what."""
    found: dict[str, str] = {}
    for name, usual in COLUMNS.items():
        wanted = reading.columns.get(name)
        if wanted is not None and wanted not in fields:
            raise TraceError(
                path, 1, f"has no column {shown(wanted)}; there is {', '.join(fields)}"
            )
        chosen = wanted or next((head for head in usual if head in fields), None)
        if chosen is not None:
            found[name] = chosen
    for name in reading.where:
        if name not in fields:
            raise TraceError(path, 1, f"has no column {shown(name)}; there is {', '.join(fields)}")
    if "rps" not in found:
        raise TraceError(
            path, 1, "has no column of the request rate (rps); name it with --column rps=HEAD"
        )
    if not {"output_tokens_per_s", "tpot", "ttft"} & found.keys():
        raise TraceError(
            path, 1, "has no column of output_tokens_per_s, tpot_p50_ms or ttft_p50_ms; name them "
            "with --column output_tokens_per_s=HEAD, tpot=HEAD, ttft=HEAD"
        )  # fmt: skip
    for name in ("tpot", "ttft"):
        if name in found and not found[name].endswith(("_ms", "_s")):
            raise TraceError(
                path, 1, f"column {shown(found[name])} must end with _ms or _s, its unit"
            )
    return found


def _of_row(
    path: Path, line: int, row: Mapping[str, str], heads: Mapping[str, str], reading: Reading
) -> BenchmarkRun:
    def cell(name: str) -> float | None:
        text = (row.get(heads[name]) or "").strip() if name in heads else ""
        if not text:
            return reading.defaults.get(name)
        try:
            value = float(text)
        except ValueError:
            value = math.nan
        if math.isnan(value) or value <= 0:
            raise TraceError(
                path, line, f"{heads[name]} is {shown(text)}; needed: a number above 0"
            )
        return value

    def length(name: str) -> int:
        value = cell(name)
        if value is None or not 1 <= value <= MOST_REQUESTS:
            option = name.replace("_", "-")
            raise TraceError(
                path, line, f"says no {name} (1 to {MOST_REQUESTS:,}); give --{option}"
            )
        return round(value)

    rps, limit, shape = cell("rps"), cell("max_concurrency"), cell("burstiness")
    if rps is None:
        raise TraceError(path, line, f"{heads['rps']} is empty; needed: a number above 0, or inf")
    pool = row.get(heads["pool"]) if "pool" in heads else None
    load = Load(
        requests=length("requests"),
        rps=None if math.isinf(rps) else rps,
        input_tokens=(length("input_tokens"),),
        output_tokens=(length("output_tokens"),),
        burstiness=1.0 if shape is None else shape,
        max_concurrency=None if limit is None else round(limit),
    )
    measured = Serving(
        cell("output_tokens_per_s"), _seconds(cell, heads, "tpot"), _seconds(cell, heads, "ttft")
    )
    return BenchmarkRun(
        f"{path.name}:{line}", reading.pool_called(pool, path, line), load, measured
    )


def _seconds(
    cell: Callable[[str], float | None], heads: Mapping[str, str], name: str
) -> float | None:
    value = cell(name)
    return value if value is None or not heads[name].endswith("_ms") else value / 1000.0
