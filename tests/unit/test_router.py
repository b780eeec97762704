import ast
import inspect
from collections import Counter
from time import perf_counter
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.fleet import router as module
from sim.fleet.router import (
    LeastLoaded,
    Loads,
    OnlyOne,
    PowerOfTwo,
    PrefixAffinity,
    RoundRobin,
    Router,
    Slots,
    router,
)
from sim.serving.sequence import Prefix
from sim.serving.turn import Turn
from sim.streams import Streams

KINDS = ("least-loaded", "round-robin", "power-of-two", "prefix-affinity")


def rng(seed: int = 7) -> np.random.Generator:
    return Streams(seed).of("router", "main")


def opened(of: Router, replicas: int) -> Any:
    """*of* with so many open slots, 0 to replicas - 1."""
    assert [of.open() for _ in range(replicas)] == list(range(replicas))
    return of


def loads_of(replicas: int) -> Loads:
    loads = Loads()
    for slot in range(replicas):
        loads.open(slot)
    return loads


def least_loaded(replicas: int) -> LeastLoaded:
    of: LeastLoaded = opened(LeastLoaded(), replicas)
    return of


def affinity(replicas: int, **changes: Any) -> PrefixAffinity:
    of: PrefixAffinity = opened(PrefixAffinity(**changes), replicas)
    return of


def power_of_two(replicas: int, seed: int = 7) -> PowerOfTwo:
    of: PowerOfTwo = opened(PowerOfTwo(rng(seed)), replicas)
    return of


def picks(of: Router, count: int, prefix: Prefix | None = None) -> list[int]:
    return [of.pick(prefix) for _ in range(count)]


# -- loads ----------------------------------------------------------------------------------------


@settings(deadline=None)
@given(
    st.sampled_from([1, 2, 3, 5, 64, 70]),
    st.lists(st.tuples(st.sampled_from("tar"), st.integers(0, 69)), min_size=20, max_size=200),
)
def test_the_least_loaded_is_among_the_minimum_whatever_came(
    replicas: int, history: list[tuple[str, int]]
) -> None:
    """Take the least loaded, add to a given one, remove from a given one."""
    loads, plain = loads_of(replicas), [0] * replicas
    for action, which in history:
        index = which % replicas
        if action == "t":
            index = loads.take()
            assert plain[index] == min(plain)
            plain[index] += 1
        elif action == "a":
            loads.add(index)
            plain[index] += 1
        elif plain[index]:
            loads.remove(index)
            plain[index] -= 1
        assert loads.of == plain
    least = min(plain)
    assert plain[loads.take()] == least


@settings(deadline=None)
@given(st.integers(1, 70), st.lists(st.integers(0, 69), max_size=20))
def test_equals_take_turns(replicas: int, busy: list[int]) -> None:
    """Round after round, each of the equals is taken once, in order, before any is taken again."""
    loads = loads_of(replicas)
    for which in {b % replicas for b in busy}:
        loads.add(which)
    least = min(loads.of)
    equals = [i for i, load in enumerate(loads.of) if load == least]
    assert [loads.take() for _ in equals] == equals
    assert len(set(loads.of)) == 1
    assert sorted(loads.take() for _ in range(replicas)) == list(range(replicas))


def test_turns_go_on_where_they_were() -> None:
    loads = loads_of(4)
    assert [loads.take(), loads.take()] == [0, 1]
    loads.remove(0)
    loads.remove(1)
    assert [loads.take() for _ in range(4)] == [2, 3, 0, 1]


def test_the_least_load_falls_with_one_that_empties() -> None:
    loads = loads_of(3)
    for index in (0, 1, 2, 0, 1, 2):
        loads.add(index)
    loads.remove(1)
    assert loads.take() == 1
    loads.remove(2)
    loads.remove(2)
    assert [loads.take(), loads.take()] == [2, 2]


def test_cost_does_not_grow_with_the_replicas() -> None:
    """64 times the replicas in far less than 64 times the time (bit masks: a few words)."""

    def seconds(replicas: int) -> float:
        of = least_loaded(replicas)
        begun = perf_counter()
        for i in range(20_000):
            of.left(of.pick(None)) if i % 2 else of.pick(None)
        return perf_counter() - begun

    small, large = (min(seconds(n) for _ in range(5)) for n in (4, 256))
    assert large < 8 * small


# -- least loaded, round robin --------------------------------------------------------------------


def test_least_loaded_fills_evenly_and_refills_what_empties() -> None:
    of = least_loaded(3)
    assert picks(of, 6) == [0, 1, 2, 0, 1, 2]
    of.left(1)
    assert picks(of, 2) == [1, 2]  # then all hold two or three; turns go on
    assert of.loads.of == [2, 2, 3]


def test_round_robin_looks_at_nothing() -> None:
    of = opened(RoundRobin(), 3)
    assert picks(of, 2) == [0, 1]
    of.left(0)
    of.left(1)
    assert picks(of, 4) == [2, 0, 1, 2]


# -- power of two ---------------------------------------------------------------------------------


def test_power_of_two_takes_the_less_loaded_of_two() -> None:
    """Of two replicas both are always drawn, so the loads never differ by more than one."""
    of = power_of_two(2)
    for index in picks(of, 1000):
        assert index in (0, 1)
        assert abs(of.loads[0] - of.loads[1]) <= 1


def test_power_of_two_draws_two_different_ones_evenly() -> None:
    """The fullest of 8 is never chosen while all others are empty; the others are, evenly.

    7,000 draws: each of the 7 within 5 sigma (146) of 1,000.
    """
    of = power_of_two(8)
    of.loads[3] = 99
    chosen: Counter[int] = Counter()
    for _ in range(7000):
        (index,) = picks(of, 1)
        chosen[index] += 1
        of.left(index)
    assert 3 not in chosen
    assert all(abs(chosen[i] - 1000) < 146 for i in range(8) if i != 3)


def test_power_of_two_is_far_more_even_than_chance() -> None:
    """64,000 on 64: the fullest holds a few more than the mean, by chance it would be 60."""
    of = power_of_two(64)
    picks(of, 64_000)
    assert max(of.loads) - 1000 <= 10
    assert sum(of.loads) == 64_000


def test_power_of_one() -> None:
    assert picks(power_of_two(1), 5) == [0] * 5


def test_power_of_two_follows_its_stream() -> None:
    assert picks(power_of_two(8), 50) == picks(power_of_two(8), 50)
    assert picks(power_of_two(8, 1), 50) != picks(power_of_two(8, 2), 50)


# -- prefix affinity ------------------------------------------------------------------------------


def talk(number: int, turns: int = 1) -> Prefix:
    """The conversation *number* on a template that all share."""
    return (("template", 64), *(((number, turn), 512) for turn in range(turns)))


def test_a_conversation_returns_to_its_replica() -> None:
    of = affinity(8, slack=100.0)
    homes = {number: of.pick(talk(number)) for number in range(40)}
    for turns in (2, 3):
        assert {n: of.pick(talk(n, turns)) for n in homes} == homes


def test_conversations_on_one_template_spread() -> None:
    of = affinity(8, slack=100.0)
    chosen = Counter(of.pick(talk(number)) for number in range(400))
    assert len(chosen) == 8
    assert max(chosen.values()) < 100  # 50 each, give or take seven sigma


def test_a_lone_template_has_one_home() -> None:
    of = affinity(8, slack=100.0)
    assert len(set(picks(of, 20, (("template", 64),)))) == 1


def test_a_request_without_content_goes_to_the_least_loaded() -> None:
    of = affinity(4)
    assert picks(of, 8) == [0, 1, 2, 3, 0, 1, 2, 3]


@settings(deadline=None)
@given(
    replicas=st.integers(1, 12),
    slack=st.floats(1.0, 3.0),
    history=st.lists(st.tuples(st.integers(0, 5), st.booleans()), max_size=150),
)
def test_no_replica_is_given_much_more_than_its_share(
    replicas: int, slack: float, history: list[tuple[int, bool]]
) -> None:
    """After each pick: at most slack times the mean, rounded up to one more than the mean."""
    of, held = affinity(replicas, slack=slack), list[int]()
    for number, leave in history:
        if leave and held:
            of.left(held.pop(0))
            continue
        index = of.pick(talk(number) if number else None)
        held.append(index)
        load, before = held.count(index), len(held) - 1
        assert load <= max(slack * len(held) / replicas, before // replicas + 1)
    assert of.loads.of == [held.count(i) for i in range(replicas)]


def test_an_overfull_home_passes_on_and_its_content_moves() -> None:
    of = affinity(2, slack=1.0)
    assert len({of.pick(talk(1)), of.pick(talk(1))}) == 2
    of = affinity(4, slack=2.0)
    home = of.pick(talk(1))
    other = of.pick(talk(1))  # 2 > 2 x 2/4: passed on
    assert other != home
    of.left(home)
    of.left(other)
    assert of.pick(talk(1)) == other  # where its content was last


def test_homes_are_the_same_in_every_process() -> None:
    """A snapshot: a home comes from a digest, not from `hash`."""
    assert [affinity(8).pick(talk(number)) for number in range(8)] == [5, 0, 2, 3, 4, 6, 0, 7]


def test_by_default_a_home_holds_at_most_a_quarter_more_than_its_share() -> None:
    """The second of two would be twice its share."""
    of = affinity(2)
    assert of.slack == 1.25
    home = of.pick(talk(1))
    assert of.pick(talk(1)) == 1 - home


@pytest.mark.parametrize(("remembered", "moved"), [(1, False), (2, True)])
def test_the_oldest_homes_are_forgotten(remembered: int, moved: bool) -> None:
    of = affinity(4, slack=2.0, remembered=remembered)
    home, other = of.pick(talk(1)), of.pick(talk(1))
    third = of.pick(talk(2))
    for index in (home, other, third):
        of.left(index)
    assert of.pick(talk(1)) == (other if moved else home)


def test_who_has_left_counts_no_longer() -> None:
    """After ten have come and gone, a home with three of five takes a fourth."""
    of = affinity(2, slack=2.0)
    for index in picks(of, 10):
        of.left(index)
    home = of.pick(talk(1))
    picks(of, 3)
    assert of.pick(talk(1)) == home
    assert of.loads.of[home] == 3
    assert of.pick(talk(1)) == home


def test_a_home_that_is_used_is_not_forgotten() -> None:
    of = affinity(4, slack=2.0, remembered=2)
    home, other = of.pick(talk(1)), of.pick(talk(1))
    assert home != other
    held = [home, other, of.pick(talk(2)), of.pick(talk(1))]
    where = held[-1]
    held.append(of.pick(talk(3)))  # the second is forgotten, not the first
    for index in held:
        of.left(index)
    assert of.pick(talk(1)) == where


# -- all ------------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", KINDS)
def test_a_kind_by_its_name(kind: str) -> None:
    of = opened(router(kind, 3, rng()), 3)
    expected = {
        "least-loaded": LeastLoaded, "round-robin": RoundRobin, "power-of-two": PowerOfTwo,
        "prefix-affinity": PrefixAffinity,
    }  # fmt: skip
    assert type(of) is expected[kind]
    assert set(picks(of, 300)) == {0, 1, 2}


@pytest.mark.parametrize("kind", KINDS)
def test_one_replica_is_the_only_choice(kind: str) -> None:
    assert set(picks(opened(router(kind, 1, rng()), 1), 20, talk(1))) == {0}


@pytest.mark.parametrize("kind", [*KINDS, "of one"])
def test_a_router_sees_shared_content_and_loads_alone(kind: str) -> None:
    of = type(router(kind, 1 if kind == "of one" else 2, rng()))
    assert list(inspect.signature(of.pick).parameters) == ["self", "prefix", "turn"]
    assert list(inspect.signature(of.left).parameters) == ["self", "slot"]


def test_no_router_asks_for_a_length() -> None:
    tree = ast.parse(inspect.getsource(module))
    names = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute)}
    assert not {name for name in names if "token" in name or name in ("generated", "computed")}


def test_the_turns_of_a_conversation_go_where_the_first_went() -> None:
    router = affinity(4)
    head: Prefix = (("template", 600),)
    talks = [Turn(("chat", n), ("chat", n, 0), True, True) for n in range(40)]
    firsts = [router.pick(head, turn) for turn in talks]
    for replica in firsts:
        router.left(replica)
    assert len(set(firsts)) == 4
    again = []
    for turn in talks:  # one at a time, so that no home is too full
        again.append(router.pick(head, turn._replace(content=("chat", "afresh"))))
        router.left(again[-1])
    assert again == firsts


# -- slots that open and close --------------------------------------------------------------------


def test_closed_slots_are_used_again_the_lowest_first() -> None:
    slots = Slots()
    assert [slots.take() for _ in range(4)] == [0, 1, 2, 3]
    slots.give(2)
    slots.give(0)
    assert slots.open == [1, 3]
    assert [slots.take() for _ in range(3)] == [0, 2, 4]
    assert slots.open == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("kind", KINDS)
@settings(deadline=None)
@given(history=st.lists(st.tuples(st.sampled_from("oclpppp"), st.integers(0, 99)), max_size=150))
def test_only_open_slots_are_picked_and_loads_are_right(
    kind: str, history: list[tuple[str, int]]
) -> None:
    """Slots open and close, requests come and leave; those of a closed slot are never heard of."""
    of = router(kind, 9, rng())
    held: dict[int, int] = {}
    for action, which in history:
        busy = [slot for slot, load in held.items() if load]
        if action == "o":
            slot = of.open()
            assert slot not in held
            assert slot <= len(held)
            held[slot] = 0
        elif action == "c" and held:
            slot = sorted(held)[which % len(held)]
            of.close(slot)
            del held[slot]
        elif action == "l" and busy:
            slot = busy[which % len(busy)]
            of.left(slot)
            held[slot] -= 1
        elif action == "p" and held:
            slot = of.pick(talk(which % 7) if which % 2 else None)
            if kind == "least-loaded":
                assert held[slot] == min(held.values())
            held[slot] += 1
    found = loads(of)
    if found is not None:
        assert {slot: found[slot] for slot in held} == held
    if isinstance(of, PrefixAffinity):
        assert of.total == sum(held.values())


def loads(of: Router) -> list[int] | None:
    if isinstance(of, LeastLoaded | PrefixAffinity):
        return of.loads.of
    return of.loads if isinstance(of, PowerOfTwo) else None


def test_a_slot_that_opens_again_holds_nothing() -> None:
    of = least_loaded(2)
    picks(of, 6)
    of.close(1)
    assert of.open() == 1
    assert of.loads.of == [3, 0]
    assert picks(of, 3) == [1, 1, 1]


def test_the_least_load_is_found_when_the_least_loaded_goes() -> None:
    of = least_loaded(3)
    picks(of, 6)
    of.left(1)
    of.left(1)
    of.close(1)
    assert picks(of, 2) == [0, 2]


def test_a_round_goes_on_past_what_has_closed() -> None:
    of = opened(RoundRobin(), 4)
    assert picks(of, 2) == [0, 1]
    of.close(2)
    assert picks(of, 3) == [3, 0, 1]
    of.close(3)
    assert picks(of, 2) == [0, 1]


def test_what_was_at_home_on_a_closed_slot_gets_a_new_home() -> None:
    of = affinity(4, slack=100.0)
    home = of.pick(talk(1))
    of.close(home)
    other = of.pick(talk(1))
    assert other != home
    assert of.open() == home
    assert of.pick(talk(1)) == other  # it stays where it is by now


def test_the_only_one_may_close_and_open_again() -> None:
    of = OnlyOne()
    assert of.open() == 0
    of.close(0)
    assert of.open() == 0
    of.left(of.pick(None))
