import math

import numpy as np
import pytest

from sim.ledger import records
from sim.ledger.records import FIELDS, HOSTED_REPLICA, TROUBLE, Columns, Ledger, rows_where
from sim.serving.sequence import Outcome, Sequence

ALL = FIELDS | TROUBLE


def smooth(number: int = 0, **changes: object) -> Sequence:
    """An attempt that was answered at once: 100 tokens in, 20 out."""
    sequence = Sequence(2, number, 1.5, 100, 20)
    sequence.outcome = Outcome.COMPLETED
    sequence.first_token_at_s, sequence.finished_at_s = 2.5, 9.0
    sequence.generated, sequence.computed, sequence.replica = 20, 119, 3
    for name, value in changes.items():
        setattr(sequence, name, value)
    return sequence


def rough(number: int = 0, **changes: object) -> Sequence:
    return smooth(number, **{"outcome": Outcome.FAILED, **changes})


def recorded(*attempts: Sequence) -> list[Columns]:
    chunks: list[Columns] = []
    ledger = Ledger(chunks.append)
    for attempt in attempts:
        ledger.add(attempt)
    ledger.flush()
    return chunks


def row(attempt: Sequence) -> dict[str, object]:
    (columns,) = recorded(attempt)
    return {name: values.item() for name, values in columns.items()}


def test_a_smooth_attempt_becomes_a_row() -> None:
    parts = {"prefill_s": 1.0, "cached_s": 2.0, "rent_s": 3.0, "decode_s": 4.0}
    assert row(smooth(5, cached_input=64, queued_at_s=1.75, **parts)) == {
        **dict.fromkeys(ALL, 0), **parts, "route": 2, "number": 5, "replica": 3, "outcome": 0,
        "arrived_at_s": 1.5, "queued_at_s": 1.75, "first_token_at_s": 2.5, "finished_at_s": 9.0,
        "input_tokens": 100, "cached_input": 64, "output_tokens": 20, "generated": 20,
        "computed": 119,
    }  # fmt: skip


@pytest.mark.parametrize(
    "trouble",
    [
        {"outcome": Outcome.TIMED_OUT, "generated": 3, "computed": 102},
        {"attempt": 2},
        {"superseded": 1},
        {"attempt": 1, "replica": HOSTED_REPLICA},
        {"high_water": 110, "recomputed_input": 100, "recomputed_output": 10, "waste_s": 0.5},
    ],
)
def test_an_attempt_with_trouble_becomes_a_row_with_all_of_it(trouble: dict[str, object]) -> None:
    assert row(smooth(5, **trouble)) == {**row(smooth(5)), **trouble}


def test_what_never_came_is_not_a_number() -> None:
    found = row(rough(first_token_at_s=None, finished_at_s=None))
    assert math.isnan(found["first_token_at_s"])  # type: ignore[arg-type]
    assert math.isnan(found["finished_at_s"])  # type: ignore[arg-type]


def test_columns_have_their_types() -> None:
    for attempt in (smooth(), rough()):
        (columns,) = recorded(attempt)
        assert {name: values.dtype.type for name, values in columns.items()} == ALL
    assert FIELDS["number"] is FIELDS["input_tokens"] is np.int64  # a year has billions of tokens


def test_every_attempt_is_handed_on_once_to_every_reader(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CHUNK_ATTEMPTS", 3)
    one: list[list[int]] = []
    two: list[list[int]] = []
    ledger = Ledger(
        lambda columns: one.append(columns["number"].tolist()),
        lambda columns: two.append(columns["number"].tolist()),
    )
    for number in range(11):
        ledger.add(rough(number) if number % 4 == 1 else smooth(number))
    ledger.flush()
    assert one == two
    assert sorted(n for chunk in one for n in chunk) == list(range(11))
    assert max(map(len, one)) <= 3
    assert ledger.attempts == 11


@pytest.mark.parametrize("make", [smooth, rough])
def test_a_chunk_is_handed_on_as_soon_as_it_is_full(make, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "CHUNK_ATTEMPTS", 3)
    chunks: list[Columns] = []
    ledger = Ledger(chunks.append)
    for number in range(7):
        ledger.add(make(number))
        assert sum(len(chunk["number"]) for chunk in chunks) == 3 * ((number + 1) // 3)


def test_nothing_held_is_nothing_handed_on() -> None:
    assert recorded() == []
    chunks: list[Columns] = []
    ledger = Ledger(chunks.append)
    ledger.add(smooth())
    ledger.flush()
    ledger.flush()
    assert len(chunks) == 1


@pytest.mark.parametrize("make", [smooth, rough])
def test_a_row_is_a_copy(make) -> None:
    """What becomes of the attempt later is not in the ledger."""
    chunks: list[Columns] = []
    ledger = Ledger(chunks.append)
    sequence = make(generated=7)
    ledger.add(sequence)
    sequence.generated = 8
    ledger.flush()
    assert chunks[0]["generated"].tolist() == [7]


def test_chosen_rows() -> None:
    columns = {"a": np.array([1, 2, 3]), "b": np.array([4.0, 5.0, 6.0])}
    some = rows_where(columns, np.array([True, False, True]))
    assert {name: values.tolist() for name, values in some.items()} == {"a": [1, 3], "b": [4, 6]}
    assert rows_where(columns, np.ones(3, bool)) is columns
