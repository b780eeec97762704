"""Destinations: which pools each request visits, drawn by its number; knows no clock."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable
from itertools import accumulate

from sim.scenario.destination import Cascade, Split
from sim.scenario.document import Scenario
from sim.scenario.route import Route
from sim.serving.turn import Turn
from sim.streams import Keyed, Streams

Visits = Callable[[int, int], tuple[str, ...]]
"""The pools of a request, by its number and by that of its conversation (without one, its own)."""


class Destinations:
    """Where the requests of *scenario* go; the same for the same request, whenever it is asked.

    Draws are keyed by route and number, so another share moves only the requests between the old
    share and the new one, and nothing else that happens changes a draw. A route that splits sends
    a whole conversation to one pool: where its turns find what they said before.
    """

    def __init__(self, scenario: Scenario, streams: Streams) -> None:
        self._of = {
            name: _visits(route, streams.keyed("destination", name))
            for name, route in scenario.routes.items()
        }

    def visits(self, route: str, number: int, turn: Turn | None = None) -> tuple[str, ...]:
        """Return the pools that request *number* of *route* visits in order; none for hosted.

        *turn*: its place in a conversation. O(pools).
        """
        return self._of[route](number, number if turn is None else _conversation(turn))


def _conversation(turn: Turn) -> int:
    """Return the number of the conversation of *turn*, as `sessions` counts them."""
    assert isinstance(turn.conversation, tuple)
    session: int = turn.conversation[1]
    return session


def _visits(route: Route, draws: Keyed) -> Visits:
    destination, pools = route.pool, route.pools
    if isinstance(destination, Split):
        return _split(destination, draws)
    if isinstance(destination, Cascade):
        return _cascade(destination, draws)
    return lambda number, conversation: pools


def _split(destination: Split, draws: Keyed) -> Visits:
    """One pool each, by where a uniform number falls among the shares, in order of names.

    The file's order must not matter: two files that say the same have the same draws.
    """
    names = sorted(name for name, share in destination.split.items() if share > 0)
    ends = list(accumulate(destination.split[name] for name in names))
    one = [(name,) for name in names]

    def visits(number: int, conversation: int) -> tuple[str, ...]:
        place = bisect_right(ends, draws.uniform(conversation, 0))
        return one[min(place, len(one) - 1)]  # the shares may sum to a rounding less than 1

    return visits


def _cascade(destination: Cascade, draws: Keyed) -> Visits:
    """The first pools, one more for each answer that is not good enough."""
    steps = [destination.cascade[: n + 1] for n in range(len(destination.cascade))]
    shares = destination.escalates

    def visits(number: int, conversation: int) -> tuple[str, ...]:
        for step, share in enumerate(shares):
            if draws.uniform(number, step) >= share:
                return steps[step]
        return steps[-1]

    return visits
