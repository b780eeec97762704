import math

import numpy as np
import pytest

from sim.ledger import records
from sim.ledger.records import FIELDS, Columns, Ledger
from sim.serving.sequence import Outcome, Sequence


def attempt(number: int = 0, **changes: object) -> Sequence:
    sequence = Sequence(2, number, 1.5, 100, 20)
    for name, value in changes.items():
        setattr(sequence, name, value)
    return sequence


def test_an_attempt_becomes_a_row() -> None:
    chunks: list[Columns] = []
    ledger = Ledger(chunks.append)
    ledger.add(
        attempt(5, outcome=Outcome.FAILED, finished_at_s=9.0, computed=64, waste_s=0.25, replica=3)
    )
    ledger.flush()
    (columns,) = chunks
    row = {name: values.item() for name, values in columns.items()}
    assert list(row) == list(FIELDS)
    assert math.isnan(row.pop("first_token_at_s"))  # never came
    expected = dict.fromkeys(FIELDS, 0) | {
        "route": 2, "number": 5, "replica": 3, "outcome": 3, "arrived_at_s": 1.5,
        "queued_at_s": 1.5, "finished_at_s": 9.0, "input_tokens": 100, "output_tokens": 20,
        "computed": 64, "waste_s": 0.25,
    }  # fmt: skip
    del expected["first_token_at_s"]
    assert row == expected


def test_columns_have_their_types() -> None:
    chunks: list[Columns] = []
    ledger = Ledger(chunks.append)
    ledger.add(attempt())
    ledger.flush()
    assert {name: values.dtype.type for name, values in chunks[0].items()} == FIELDS
    assert FIELDS["number"] is FIELDS["input_tokens"] is np.int64  # a year has billions of tokens


def test_every_reader_gets_every_chunk(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CHUNK_ATTEMPTS", 3)
    one: list[list[int]] = []
    two: list[list[int]] = []
    ledger = Ledger(
        lambda columns: one.append(columns["number"].tolist()),
        lambda columns: two.append(columns["number"].tolist()),
    )
    for number in range(7):
        ledger.add(attempt(number))
    assert one == [[0, 1, 2], [3, 4, 5]]  # handed on as soon as a chunk is full
    ledger.flush()
    assert one == two == [[0, 1, 2], [3, 4, 5], [6]]
    assert ledger.attempts == 7


def test_nothing_held_is_nothing_handed_on() -> None:
    chunks: list[Columns] = []
    ledger = Ledger(chunks.append)
    ledger.flush()
    ledger.add(attempt())
    ledger.flush()
    ledger.flush()
    assert len(chunks) == 1


def test_a_row_is_a_copy() -> None:
    """What becomes of the attempt later is not in the ledger."""
    chunks: list[Columns] = []
    ledger = Ledger(chunks.append)
    sequence = attempt(generated=7)
    ledger.add(sequence)
    sequence.generated = 8
    ledger.flush()
    assert chunks[0]["generated"].tolist() == [7]
