import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.serving.sequence import Sequence, State
from sim.serving.waiting import WaitingLine
from tests.unit.engines import ask


def sequences(*priorities: int) -> list[Sequence]:
    return [ask(number, 0.0, 1, 1, priority=p) for number, p in enumerate(priorities)]


def drained(line: WaitingLine) -> list[int]:
    found = []
    while (head := line.head()) is not None:
        line.pop(head)
        found.append(head.number)
    assert line.count == 0
    return found


def line_of(*priorities: int) -> tuple[WaitingLine, list[Sequence]]:
    line, all_ = WaitingLine(), sequences(*priorities)
    for sequence in all_:
        line.append(sequence)
    return line, all_


def test_an_empty_line_has_no_head() -> None:
    assert WaitingLine().head() is None


def test_first_come_first_served() -> None:
    line, _ = line_of(0, 0, 0)
    assert line.count == 3
    assert drained(line) == [0, 1, 2]


def test_the_lowest_priority_number_goes_first() -> None:
    line, _ = line_of(5, 0, 5, -3, 0)
    assert drained(line) == [3, 1, 4, 0, 2]


def test_looking_at_the_head_takes_nothing() -> None:
    line, (first, _) = line_of(0, 0)
    assert line.head() is line.head() is first
    assert line.count == 2


def test_the_preempted_come_before_their_equals_only() -> None:
    line, _ = line_of(0, 1, 1)
    for sequence in (ask(7, 0.0, 1, 1, priority=1), ask(8, 0.0, 1, 1, priority=1)):
        line.put_back(sequence)  # the last to be put back came first
    line.put_back(ask(9, 0.0, 1, 1, priority=2))
    assert line.count == 6
    assert drained(line) == [0, 8, 7, 1, 2, 9]


def test_who_waits_is_known_to_wait() -> None:
    line, (sequence,) = line_of(0)
    assert sequence.state is State.WAITING
    again = ask(1, 0.0, 1, 1)
    line.put_back(again)
    assert again.state is State.WAITING


@pytest.mark.parametrize("leaver", [0, 1, 2])
def test_who_leaves_is_skipped(leaver: int) -> None:
    line, all_ = line_of(0, 0, 0)
    line.leave(all_[leaver])
    assert all_[leaver].state is State.GONE
    assert line.count == 2
    assert drained(line) == [n for n in range(3) if n != leaver]


def test_clearing_tells_who_waited_in_order() -> None:
    line, all_ = line_of(1, 0, 1, 0)
    line.leave(all_[3])
    assert [s.number for s in line.clear()] == [1, 0, 2]
    assert line.count == 0
    assert line.head() is None
    line.append(all_[2])  # and it can be used again
    assert drained(line) == [2]


@settings(deadline=None)
@given(st.lists(st.tuples(st.sampled_from("apl"), st.integers(0, 2)), max_size=60))
def test_any_history_against_a_sorted_list(history: list[tuple[str, int]]) -> None:
    line, plain = WaitingLine(), list[tuple[int, int, Sequence]]()  # priority, place, who
    for place, (action, priority) in enumerate(history, start=1):
        if action == "l" and plain:
            _, _, who = entry = plain[priority % len(plain)]
            plain.remove(entry)
            line.leave(who)
        elif action != "l":
            who = ask(place, 0.0, 1, 1, priority=priority)
            (line.append if action == "a" else line.put_back)(who)
            plain.append((priority, place if action == "a" else -place, who))
        plain.sort(key=lambda e: e[:2])
        assert line.count == len(plain)
        assert line.head() is (plain[0][2] if plain else None)
    assert drained(line) == [who.number for _, _, who in plain]
