"""Who asks, against a gateway that answers as it is told."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest
import simpy

from sim.fleet.clients import ClosedClients, OpenClients
from sim.serving.sequence import Outcome, Prefix, Sequence
from sim.serving.turn import Turn


@dataclass
class Door:
    """Writes down what arrives and answers *answer_s* later (None: rejects at once)."""

    env: simpy.Environment
    answer_s: float | None = 2.0
    log: list[tuple[float, int, int]] = field(default_factory=list)
    expected: list[tuple[float, int]] = field(default_factory=list)
    arrived: list[Sequence] = field(default_factory=list)
    listeners: dict[int, Callable[[Sequence], None]] = field(default_factory=dict)
    postponed_to: list[tuple[float, float]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.submit = [self.arrive, self.arrive]

    def expect(self, arrived_at_s: list[float], routes: list[int]) -> None:
        self.expected += zip(arrived_at_s, routes, strict=True)

    def postponed(self, sequence: Sequence, planned_s: float) -> None:
        self.expected.append((sequence.arrived_at_s, sequence.route))
        self.postponed_to.append((planned_s, sequence.arrived_at_s))

    def arrive(self, sequence: Sequence) -> None:
        assert (sequence.arrived_at_s, sequence.route) in self.expected
        self.log.append((self.env.now, sequence.route, sequence.number))
        self.arrived.append(sequence)
        if sequence.route not in self.listeners:
            return
        if self.answer_s is None:
            sequence.outcome = Outcome.REJECTED
            sequence.finished_at_s = self.env.now
            self.listeners[sequence.route](sequence)
        else:
            timeout = self.env.timeout(self.answer_s)
            timeout.callbacks.append(lambda _: self.answer(sequence))

    def answer(self, sequence: Sequence) -> None:
        sequence.first_token_at_s = sequence.finished_at_s = self.env.now
        self.listeners[sequence.route](sequence)


@dataclass
class Timetable:
    arrived_at_s: list[float]
    route: list[int]
    number: list[int]
    input_tokens: list[int]
    output_tokens: list[int]
    prefix: list[Prefix | None]
    turn: list[Turn | None]


def timetable(*times: float, first: int = 0, route: int = 0) -> Timetable:
    n = len(times)
    numbers = list(range(first, first + n))
    return Timetable(list(times), [route] * n, numbers, [7] * n, [3] * n, [None] * n, [None] * n)


def test_open_clients_keep_their_times() -> None:
    env = simpy.Environment(initial_time=-2.0)
    door = Door(env)
    batches = [timetable(-1.5, 0.0, 0.0), timetable(0.25, 4.0, first=3)]
    env.process(OpenClients(env, door, batches, [0]).run())  # type: ignore[arg-type]
    env.run()
    assert door.log == [(-1.5, 0, 0), (0.0, 0, 1), (0.0, 0, 2), (0.25, 0, 3), (4.0, 0, 4)]


def test_open_clients_ask_for_what_the_timetable_says() -> None:
    env, head = simpy.Environment(), (("head", 5),)
    door = Door(env)
    batch = Timetable([1.0, 1.5], [1, 0], [8, 9], [70, 71], [30, 31], [head, None], [None, None])
    env.process(OpenClients(env, door, [batch], [4, -2]).run())  # type: ignore[arg-type]
    env.run()
    asked = [
        (s.route, s.number, s.arrived_at_s, s.input_tokens, s.output_tokens, s.prefix, s.priority)
        for s in door.arrived
    ]
    assert asked == [(1, 8, 1.0, 70, 30, head, -2), (0, 9, 1.5, 71, 31, None, 4)]


def test_a_timetable_is_read_as_time_comes() -> None:
    """It may have no end."""
    env = simpy.Environment()
    door, read = Door(env), 0

    def endless() -> Iterator[Timetable]:
        nonlocal read
        while True:
            yield timetable(float(read), first=read)
            read += 1

    env.process(OpenClients(env, door, endless(), [0]).run())  # type: ignore[arg-type]
    env.run(until=10.5)
    assert [at_s for at_s, *_ in door.log] == [float(n) for n in range(11)]
    assert read == 11
    assert len(door.expected) == 12


def test_columns_of_different_lengths_are_an_error() -> None:
    env = simpy.Environment()
    broken = timetable(0.0, 1.0)
    broken.prefix.pop()
    env.process(OpenClients(env, Door(env), [broken], [0]).run())  # type: ignore[arg-type]
    with pytest.raises(ValueError, match="shorter"):
        env.run()


def talk(*turns: tuple[float, str, bool]) -> Timetable:
    """A timetable of (time, conversation, whether another turn follows)."""
    table = timetable(*(at_s for at_s, _, _ in turns))
    table.turn = [Turn(who, who, follows, True) for _, who, follows in turns]
    return table


def spoken(table: Timetable, answer_s: float) -> Door:
    env = simpy.Environment()
    door = Door(env, answer_s)
    env.process(OpenClients(env, door, [table], [0]).run())  # type: ignore[arg-type]
    env.run()
    return door


def test_a_turn_comes_at_its_time_if_the_answer_was_there() -> None:
    door = spoken(talk((0.0, "a", True), (2.0, "a", True), (9.0, "a", False)), answer_s=1.5)
    assert [at_s for at_s, *_ in door.log] == [0.0, 2.0, 9.0]
    assert door.postponed_to == []
    assert [s.turn.follows for s in door.arrived if s.turn] == [True, True, False]


def test_a_turn_waits_for_the_answer_before_it() -> None:
    """Answers take 5 s; the turns planned for 2 and 3 s come one after another."""
    door = spoken(talk((0.0, "a", True), (2.0, "a", True), (3.0, "a", False)), answer_s=5.0)
    assert [at_s for at_s, *_ in door.log] == [0.0, 5.0, 10.0]
    assert [s.arrived_at_s for s in door.arrived] == [0.0, 5.0, 10.0]
    assert door.postponed_to == [(2.0, 5.0), (3.0, 10.0)]


def test_conversations_do_not_wait_for_each_other() -> None:
    door = spoken(talk((0.0, "a", True), (1.0, "b", True), (2.0, "a", False)), answer_s=5.0)
    assert [(at_s, n) for at_s, _, n in door.log] == [(0.0, 0), (1.0, 1), (5.0, 2)]


def test_what_is_still_unsaid_at_the_end_never_comes() -> None:
    env = simpy.Environment()
    door = Door(env, answer_s=50.0)
    table = talk((0.0, "a", True), (2.0, "a", True), (3.0, "a", False))
    clients = OpenClients(env, door, [table], [0])  # type: ignore[arg-type]
    env.process(clients.run())
    env.run(until=10.0)
    clients.talks.close()
    assert door.postponed_to == [(2.0, math.inf), (3.0, math.inf)]


@dataclass
class Users:
    route: int = 1
    concurrency: int = 2
    think_time_s: float = 0.5
    prefix: Prefix | None = (("head", 5),)
    drawn: int = 0

    def next_request(self) -> tuple[int, int]:
        self.drawn += 1
        return 100 + self.drawn, self.drawn


def closed(door: Door, **changes: object) -> ClosedClients:
    users = Users(**changes)  # type: ignore[arg-type]
    return ClosedClients(door.env, door, users, priority=3)  # type: ignore[arg-type]


def test_each_user_asks_again_after_its_answer_and_a_thought() -> None:
    env = simpy.Environment()
    door = Door(env, answer_s=2.0)
    closed(door).start()
    env.run(until=6.0)
    assert door.log == [(t, 1, n) for n, t in enumerate((0.0, 0.0, 2.5, 2.5, 5.0, 5.0))]


def test_a_user_asks_for_the_next_request_of_its_route() -> None:
    env = simpy.Environment(initial_time=-3.0)
    door = Door(env)
    closed(door, concurrency=1).start()
    env.run(until=0.0)
    asked = [
        (s.arrived_at_s, s.number, s.input_tokens, s.output_tokens, s.prefix, s.priority)
        for s in door.arrived
    ]
    head = (("head", 5),)
    assert asked == [(-3.0, 0, 101, 1, head, 3), (-0.5, 1, 102, 2, head, 3)]


def test_a_rejected_user_waits_a_second_at_least() -> None:
    """Else it would ask for ever at one instant."""
    env = simpy.Environment()
    door = Door(env, answer_s=None)
    closed(door, concurrency=1, think_time_s=0.0).start()
    env.run(until=2.5)
    assert [at_s for at_s, *_ in door.log] == [0.0, 1.0, 2.0]
    env, door.log = simpy.Environment(), []
    door.env = env
    closed(door, concurrency=1, think_time_s=1.75).start()
    env.run(until=4.0)
    assert [at_s for at_s, *_ in door.log] == [0.0, 1.75, 3.5]


def test_an_answer_that_is_still_on_its_way_is_waited_for() -> None:
    """The engine is done at 2 s; the host hands the answer over at 2.75 s."""
    env = simpy.Environment()
    door = Door(env)
    door.answer = lambda s: late(door, s)  # type: ignore[method-assign]
    closed(door, concurrency=1, think_time_s=0.5).start()
    env.run(until=5.0)
    assert [at_s for at_s, *_ in door.log] == [0.0, 3.25]


def late(door: Door, sequence: Sequence) -> None:
    sequence.first_token_at_s = sequence.finished_at_s = door.env.now + 0.75
    door.listeners[sequence.route](sequence)


def test_thinking_starts_at_the_answer_s_own_time() -> None:
    """Who is told a tick late does not ask a tick late, a thousand answers on."""
    env = simpy.Environment()
    door = Door(env)

    def ticking(sequence: Sequence) -> None:
        sequence.first_token_at_s = sequence.finished_at_s = door.env.now - 1e-6
        door.listeners[sequence.route](sequence)

    door.answer = ticking  # type: ignore[method-assign]
    closed(door, concurrency=1, think_time_s=0.5).start()
    env.run(until=2500.1)
    assert door.log[1000][0] == pytest.approx(2500.0 - 1000e-6, abs=1e-7)


def test_a_user_who_is_answered_in_no_time_waits_a_second_too() -> None:
    """A hosted API may be said to take none; else time would stand still."""
    env = simpy.Environment()
    door = Door(env, answer_s=0.0)
    closed(door, concurrency=1, think_time_s=0.0).start()
    env.run(until=2.5)
    assert [at_s for at_s, *_ in door.log] == [0.0, 1.0, 2.0]


def test_a_turn_that_comes_late_is_sent_when_it_comes() -> None:
    door = spoken(talk((0.0, "a", True), (2.0, "a", False)), answer_s=5.0)
    assert [s.queued_at_s for s in door.arrived] == [0.0, 5.0]
