import pytest

from sim.serving.sequence import Outcome, Sequence, State


def test_a_new_sequence_has_done_nothing() -> None:
    new = Sequence(1, 7, 2.5, 100, 20)
    assert (new.state, new.outcome, new.replica) == (State.NEW, Outcome.IN_FLIGHT, -1)
    assert (new.first_token_at_s, new.finished_at_s) == (None, None)
    assert (new.computed, new.generated, new.cached_input, new.attempt) == (0, 0, 0, 0)
    assert new.queued_at_s == new.arrived_at_s == 2.5
    assert new.charged_s == 0.0


def test_charged_is_the_sum_of_its_parts() -> None:
    sequence = Sequence(0, 0, 0.0, 1, 1)
    for power, part in enumerate(("prefill", "cached", "rent", "decode", "waste")):
        setattr(sequence, f"{part}_s", 2.0**power)
    assert sequence.charged_s == 31.0


def test_what_is_asked_is_what_is_told() -> None:
    sequence = Sequence(
        1, 7, 2.5, 100, 20, prefix=((("template", "chat"), 64),), priority=-2, attempt=3
    )
    assert (sequence.priority, sequence.attempt) == (-2, 3)
    assert sequence.prefix == ((("template", "chat"), 64),)
    assert repr(sequence) == "Sequence(route=1, number=7, NEW, input=100, output=20)"


def test_a_misspelt_field_is_an_error() -> None:
    with pytest.raises(AttributeError):
        Sequence(0, 0, 0.0, 1, 1).finishd_at_s = 3.0  # type: ignore[attr-defined]


def test_sequences_are_told_apart_by_identity() -> None:
    """Two attempts at one request are two keys of a dictionary."""
    one, two = Sequence(0, 0, 0.0, 1, 1), Sequence(0, 0, 0.0, 1, 1)
    assert len({one: None, two: None}) == 2
