import math
from pathlib import Path
from typing import Any

import numpy as np

from sim.ledger.records import FIELDS, TROUBLE, Columns
from sim.ledger.spool import Spool, read
from sim.serving.sequence import Outcome

COLUMNS = {
    "route", "request_id", "attempt", "replica", "arrived_at_s", "queued_at_s",
    "first_token_at_s", "finished_at_s", "input_tokens", "cached_input_tokens", "output_tokens",
    "outcome", "prefill_gpu_s", "decode_gpu_s", "rent_gpu_s", "waste_gpu_s", "uncached_tokens",
}  # fmt: skip


def columns(*rows: dict[str, Any]) -> Columns:
    usual = dict.fromkeys(FIELDS | TROUBLE, 0) | {"input_tokens": 100, "output_tokens": 5}
    return {
        name: np.array([(usual | row)[name] for row in rows], dtype=kind)
        for name, kind in (FIELDS | TROUBLE).items()
    }


def row_of(directory: Path, *rows: dict[str, Any]) -> dict[str, Any]:
    Spool(directory, ["chat", "code"], 1000.0).read(columns(*rows))
    (chunk,) = read(directory)
    return {name: values.tolist()[0] for name, values in chunk.items()}


def test_an_attempt_as_it_is_written(tmp_path: Path) -> None:
    attempt = {
        "route": 1, "number": 7, "attempt": 2, "replica": 3, "arrived_at_s": 1.0,
        "queued_at_s": 2.0, "first_token_at_s": 3.0, "finished_at_s": 4.0, "cached_input": 64,
        "generated": 4, "computed": 103, "prefill_s": 1.0, "cached_s": 2.0, "rent_s": 4.0,
        "decode_s": 8.0, "waste_s": 16.0, "outcome": Outcome.TIMED_OUT,
    }  # fmt: skip
    assert row_of(tmp_path, attempt) == {
        "route": "code", "request_id": 7, "attempt": 2, "replica": 3, "arrived_at_s": 1.0,
        "queued_at_s": 2.0, "first_token_at_s": 3.0, "finished_at_s": 4.0, "input_tokens": 100,
        "cached_input_tokens": 64, "output_tokens": 4, "outcome": "timed_out",
        "prefill_gpu_s": 3.0, "decode_gpu_s": 8.0, "rent_gpu_s": 4.0, "waste_gpu_s": 16.0,
        "uncached_tokens": 36,
    }  # fmt: skip


def test_seconds_are_of_every_gpu_of_a_replica(tmp_path: Path) -> None:
    parts = {"prefill_s": 1.0, "cached_s": 2.0, "rent_s": 4.0, "decode_s": 8.0, "waste_s": 16.0}
    rows = [{**parts, "route": 0}, {**parts, "route": 1}]
    Spool(tmp_path, ["chat", "code"], 1000.0, gpus=[1, 4]).read(columns(*rows))
    (chunk,) = read(tmp_path)
    seconds = {
        name: chunk[f"{name}_gpu_s"].tolist() for name in ("prefill", "decode", "rent", "waste")
    }
    assert seconds == {
        "prefill": [3.0, 12.0], "decode": [8.0, 32.0], "rent": [4.0, 16.0], "waste": [16.0, 64.0],
    }  # fmt: skip


def test_columns_are_those_of_the_contract(tmp_path: Path) -> None:
    assert set(row_of(tmp_path, {})) == COLUMNS


def test_an_attempt_that_no_replica_took_was_never_queued(tmp_path: Path) -> None:
    rejected = {"replica": -1, "queued_at_s": 5.0, "outcome": Outcome.REJECTED}
    assert math.isnan(row_of(tmp_path, rejected)["queued_at_s"])


def test_the_first_replica_is_one_too(tmp_path: Path) -> None:
    assert row_of(tmp_path, {"replica": 0, "queued_at_s": 5.0})["queued_at_s"] == 5.0


def test_computed_prompt_tokens_count_again_each_time(tmp_path: Path) -> None:
    """104 computed before a preemption, 103 of them again, gone in the midst of it."""
    gone = {"computed": 103, "high_water": 104, "recomputed_input": 100, "recomputed_output": 3}
    assert row_of(tmp_path, gone)["uncached_tokens"] == 100 + 103


def test_cached_but_not_admitted_computes_nothing(tmp_path: Path) -> None:
    assert row_of(tmp_path, {"cached_input": 64})["uncached_tokens"] == 0


def test_only_arrivals_of_the_window_in_the_order_of_chunks(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "deep" / "down", ["chat"], 1000.0)
    spool.read(columns({"number": 0, "arrived_at_s": -1.0}))  # nothing of it: no file
    for first in range(1, 13):
        rows = [{"number": first, "arrived_at_s": at_s} for at_s in (0.0, 999.0, 1000.0)]
        spool.read(columns(*rows))
    found = [chunk["request_id"].tolist() for chunk in read(tmp_path / "deep" / "down")]
    assert found == [[n, n] for n in range(1, 13)]
