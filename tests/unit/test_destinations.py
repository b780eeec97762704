"""Which pools a request visits: by its own number, whatever else happens."""

from __future__ import annotations

from typing import Any

import pytest
from usages import pool, route, scenario

from sim.serving.turn import Turn
from sim.streams import Streams
from sim.traffic.destinations import Destinations

N = 20_000


def destinations(to: Any, seed: int = 1, **others: Any) -> Destinations:
    pools = {name: pool() for name in ("small", "large", "huge")}
    routes = {**{n: route(other) for n, other in others.items()}, "chat": route(to)}
    return Destinations(scenario(routes, pools), Streams(seed))


def paths(to: Any, **others: Any) -> list[tuple[str, ...]]:
    found = destinations(to, **others)
    return [found.visits("chat", number) for number in range(N)]


def test_one_pool_or_none() -> None:
    assert destinations("small").visits("chat", 7) == ("small",)


def near(count: int, share: float) -> bool:
    return abs(count - share * N) < 4.0 * (share * (1 - share) * N) ** 0.5 + 1e-9


def test_a_split_has_its_shares() -> None:
    found = paths({"split": {"small": 0.7, "large": 0.3, "huge": 0.0}})
    assert near(found.count(("small",)), 0.7)
    assert near(found.count(("large",)), 0.3)


@pytest.mark.parametrize("share", [0.0, 0.25, 1.0])
def test_a_cascade_goes_on_with_its_shares(share: float) -> None:
    found = paths({"cascade": ["small", "large", "huge"], "escalates": [0.5, share]})
    assert near(found.count(("small",)), 0.5)
    assert near(found.count(("small", "large")), 0.5 * (1 - share))
    assert near(found.count(("small", "large", "huge")), 0.5 * share)


def test_another_share_moves_only_those_between() -> None:
    before = paths({"split": {"large": 0.3, "small": 0.7}})
    after = paths({"split": {"small": 0.6, "large": 0.4}})  # said in another order too
    moved = {(old, new) for old, new in zip(before, after, strict=True) if old != new}
    assert moved == {(("small",), ("large",))}
    assert near(sum(old != new for old, new in zip(before, after, strict=True)), 0.1)
    some = paths({"cascade": ["small", "large"], "escalates": 0.2})
    more = paths({"cascade": ["small", "large"], "escalates": 0.5})
    assert all(len(new) >= len(old) for old, new in zip(some, more, strict=True))


def test_another_route_changes_nothing() -> None:
    to = {"split": {"small": 0.5, "large": 0.5}}
    assert paths(to) == paths(to, code={"split": {"huge": 0.5, "small": 0.5}})
    assert paths(to) != [destinations(to, seed=2).visits("chat", n) for n in range(N)]


def test_the_file_s_order_does_not_matter() -> None:
    one = paths({"split": {"small": 0.3, "large": 0.3, "huge": 0.4}})
    assert one == paths({"split": {"huge": 0.4, "large": 0.3, "small": 0.3}})


def test_a_conversation_stays_in_one_pool() -> None:
    found = destinations({"split": {"small": 0.5, "large": 0.5}})
    turns = [Turn(("chat", session), ("chat", session, 0), True, True) for session in range(50)]
    for session, turn in enumerate(turns):
        pools = {found.visits("chat", number, turn) for number in range(session, 900, 50)}
        assert pools == {found.visits("chat", session)}
    assert len({found.visits("chat", 0, turn) for turn in turns}) == 2


def test_a_cascade_judges_every_answer() -> None:
    found = destinations({"cascade": ["small", "large"], "escalates": 0.5})
    turn = Turn(("chat", 3), ("chat", 3, 0), True, True)
    assert len({found.visits("chat", number, turn) for number in range(50)}) == 2
