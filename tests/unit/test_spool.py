import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sim.ledger.records import FIELDS, HOSTED_REPLICA, TROUBLE, Columns
from sim.ledger.spool import Spool, read
from sim.serving.sequence import Outcome

COLUMNS = {
    "route", "request_id", "attempt", "replica", "arrived_at_s", "queued_at_s",
    "first_token_at_s", "finished_at_s", "input_tokens", "cached_input_tokens", "output_tokens",
    "outcome", "prefill_gpu_s", "decode_gpu_s", "rent_gpu_s", "waste_gpu_s",
    "computed_input_tokens", "recomputed_input_tokens", "recomputed_output_tokens",
    "pool",
}  # fmt: skip
COMPUTED = ("computed_input", "recomputed_input", "recomputed_output")
TIMES = ("queued_at_s", "first_token_at_s", "finished_at_s")


POOLS = {"chat": ("main",), "code": ("big",)}


def columns(*rows: dict[str, Any]) -> Columns:
    usual = dict.fromkeys(FIELDS | TROUBLE, 0) | {"input_tokens": 100, "output_tokens": 5}
    return {
        name: np.array([(usual | row)[name] for row in rows], dtype=kind)
        for name, kind in (FIELDS | TROUBLE).items()
    }


def row_of(directory: Path, *rows: dict[str, Any]) -> dict[str, Any]:
    Spool(directory, POOLS, 1000.0).read(columns(*rows))
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
        "computed_input_tokens": 36, "recomputed_input_tokens": 0, "recomputed_output_tokens": 0,
        "pool": "big",
    }  # fmt: skip


def test_seconds_are_of_every_gpu_of_a_replica(tmp_path: Path) -> None:
    parts = {"prefill_s": 1.0, "cached_s": 2.0, "rent_s": 4.0, "decode_s": 8.0, "waste_s": 16.0}
    rows = [{**parts, "route": 0}, {**parts, "route": 1}]
    Spool(tmp_path, POOLS, 1000.0, gpus={"main": 1, "big": 4}).read(columns(*rows))
    (chunk,) = read(tmp_path)
    seconds = {
        name: chunk[f"{name}_gpu_s"].tolist() for name in ("prefill", "decode", "rent", "waste")
    }
    assert seconds == {
        "prefill": [3.0, 12.0], "decode": [8.0, 32.0], "rent": [4.0, 16.0], "waste": [16.0, 64.0],
    }  # fmt: skip


def test_columns_are_those_of_the_contract(tmp_path: Path) -> None:
    assert set(row_of(tmp_path, {})) == COLUMNS


def times_of(directory: Path, **attempt: Any) -> list[float | None]:
    """The times of an attempt of which all were written down, None for those that are empty."""
    written = row_of(directory, {**dict.fromkeys(TIMES, 5.0), **attempt})
    return [None if math.isnan(written[name]) else written[name] for name in TIMES]


def test_an_attempt_that_was_rejected_never_started(tmp_path: Path) -> None:
    """By the gateway, or by the replica itself (too long for its cache)."""
    for replica in (-1, 3):
        found = times_of(tmp_path / f"{replica}", replica=replica, outcome=Outcome.REJECTED)
        assert found == [None, None, None]


def test_an_attempt_that_no_replica_took_was_never_queued(tmp_path: Path) -> None:
    """It waited for one, until its client had enough."""
    found = times_of(tmp_path, replica=-1, outcome=Outcome.TIMED_OUT, first_token_at_s=math.nan)
    assert found == [None, None, 5.0]


@pytest.mark.parametrize("replica", [0, 7, HOSTED_REPLICA])
def test_other_attempts_have_their_times(replica: int, tmp_path: Path) -> None:
    assert times_of(tmp_path, replica=replica) == [5.0, 5.0, 5.0]


def test_an_api_that_has_not_answered_yet_gave_nothing(tmp_path: Path) -> None:
    """Its answer's times are known beforehand, but the run is over before."""
    pending = {"replica": HOSTED_REPLICA, "outcome": Outcome.IN_FLIGHT, "generated": 5}
    assert times_of(tmp_path / "a", **pending, finished_at_s=math.nan) == [5.0, None, None]
    assert row_of(tmp_path / "b", pending)["output_tokens"] == 0


def test_the_fleet_computed_nothing_of_what_an_api_answered(tmp_path: Path) -> None:
    answered = {"replica": HOSTED_REPLICA, "computed": 104, "generated": 5}
    written = row_of(tmp_path, answered)
    assert (written["computed_input_tokens"], written["output_tokens"]) == (0, 5)


def test_computed_prompt_tokens_count_again_each_time(tmp_path: Path) -> None:
    """104 computed before a preemption, 103 of them again, gone in the midst of it."""
    gone = {"computed": 103, "high_water": 104, "recomputed_input": 100, "recomputed_output": 3}
    written = row_of(tmp_path, gone)
    found = [written[f"{name}_tokens"] for name in COMPUTED]
    assert found == [100, 100, 3]


def test_cached_but_not_admitted_computes_nothing(tmp_path: Path) -> None:
    assert row_of(tmp_path, {"cached_input": 64})["computed_input_tokens"] == 0


def test_only_arrivals_of_the_window_in_the_order_of_chunks(tmp_path: Path) -> None:
    spool = Spool(tmp_path / "deep" / "down", {"chat": ("main",)}, 1000.0)
    spool.read(columns({"number": 0, "arrived_at_s": -1.0}))  # nothing of it: no file
    for first in range(1, 13):
        rows = [{"number": first, "arrived_at_s": at_s} for at_s in (0.0, 999.0, 1000.0)]
        spool.read(columns(*rows))
    found = [chunk["request_id"].tolist() for chunk in read(tmp_path / "deep" / "down")]
    assert found == [[n, n] for n in range(1, 13)]
