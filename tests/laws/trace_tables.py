"""Trace files as arrays, and the plain statistics that catalog numbers are recomputed with."""

from __future__ import annotations

import csv
import gzip
import json
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import numpy as np
import numpy.typing as npt

from tests.datadir import data_path

Array = npt.NDArray[np.float64]

_BULK = [round(0.05 * i, 2) for i in range(1, 19)]
DEFAULT_LEVELS = (0, 0.001, 0.01, 0.025, *_BULK, 0.925, 0.95, 0.975, 0.99, 0.995, 0.999, 1)


def azure() -> tuple[Array, Array]:
    """Arrival times (s) and (input, output) of Azure's chats of 2023."""
    with data_path("traces/AzureLLMInferenceTrace_conv.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    at = [datetime.fromisoformat(row["TIMESTAMP"][:26]).timestamp() for row in rows]
    lengths = [(int(row["ContextTokens"]), int(row["GeneratedTokens"])) for row in rows]
    return np.array(at) - at[0], np.array(lengths, dtype=float)


def mooncake_rows() -> list[dict[str, Any]]:
    """Requests of Mooncake's conversations, with the 512-token blocks of their prompts."""
    path = data_path("traces/mooncake_conversation_trace.jsonl.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def mooncake() -> tuple[Array, Array]:
    """Arrival times (s, ticks of 3 s) and (input, output) of Mooncake's conversations."""
    rows = mooncake_rows()
    lengths = np.array([(r["input_length"], r["output_length"]) for r in rows], dtype=float)
    return np.array([r["timestamp"] for r in rows], dtype=float) / 1000, lengths


def arxiv() -> tuple[None, Array]:
    """(input, output) of the summaries, which have no times."""
    path = data_path("traces/vidur_arxiv_summarization_lengths.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [(r["num_prefill_tokens"], r["num_decode_tokens"]) for r in csv.DictReader(lines)]
    return None, np.array(rows, dtype=float)


def pool_pmf(pool: str, side: str) -> tuple[Array, Array]:
    """Token counts of a ServeGen pool and their probabilities."""
    path = data_path(f"traces/servegen_{pool}_{side}_tokens_pmf.csv.gz")
    with gzip.open(path, "rt", encoding="utf-8") as lines:
        rows = [(r["value"], r["prob"]) for r in csv.DictReader(lines)]
    values, shares = np.array(rows, dtype=float).T
    return values, shares / shares.sum()


def pool_clients(pool: str) -> dict[int, dict[str, float]]:
    """Figures of each client of a ServeGen pool; those that are not public are left out."""
    with data_path(f"traces/servegen_{pool}_clients.csv").open(encoding="utf-8") as lines:
        rows = list(csv.DictReader(lines))
    return {int(r["client"]): {k: float(v) for k, v in r.items() if v} for r in rows}


def pool_counts(pool: str) -> Array:
    """Requests of a ServeGen pool in each ten minutes."""
    with data_path(f"traces/servegen_{pool}_fleet_10min.csv").open(encoding="utf-8") as lines:
        return np.array([r["requests"] for r in csv.DictReader(lines)], dtype=float)


def quantiles(values: Array, levels: Sequence[float]) -> Array:
    """Smallest value whose cumulative share of *values* reaches each level."""
    ordered = np.sort(values)
    at = np.ceil(np.array(levels) * len(ordered) - 1e-9).astype(int) - 1
    return np.asarray(ordered[np.maximum(at, 0)])


def ranks(values: Array, bins: int = 10) -> npt.NDArray[np.int64]:
    """Bin of each value by its rank, equal ones in random order (seed 7)."""
    order = np.lexsort((np.random.default_rng(7).random(len(values)), values))
    rank = np.empty(len(values))
    rank[order] = (np.arange(len(values)) + 0.5) / len(values)
    return (rank * bins).astype(np.int64)


def idc(at_s: Array, window_s: float) -> float:
    """Variance / mean of the counts in whole windows from the first arrival on."""
    windows = int(at_s[-1] // window_s)
    counts = np.histogram(at_s, np.arange(windows + 1) * window_s)[0]
    return float(counts.var(ddof=1) / counts.mean())


def whole_tokens(levels: Sequence[float], tokens: Sequence[float], u: Array) -> Array:
    """Tokens at *u* of the law that is linear in ln between levels, rounded up."""
    return np.asarray(np.ceil(np.exp(np.interp(u, levels, np.log(tokens))) * (1 - 1e-12)))


def joint_cdf(pairs: Array, x: Array, y: Array) -> Array:
    """Share of *pairs* that is at most (x_i, y_j), for each i and j."""
    cells = np.zeros((len(x) + 1, len(y) + 1))
    np.add.at(cells, (np.searchsorted(x, pairs[:, 0]), np.searchsorted(y, pairs[:, 1])), 1)
    return np.asarray(cells.cumsum(0).cumsum(1)[:-1, :-1] / len(pairs))
