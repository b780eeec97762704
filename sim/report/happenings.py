"""Happenings: events of one pool as people tell them, and which of them matter most; no clock."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from sim.ledger.events import FleetEvent
from sim.report.numerals import length

SCALE, ROLLOUT = "scale", "rollout"
OUTAGE, OUTAGE_OVER = "outage", "outage-over"
CRASH, NODE_FAILURE = "crash", "node-failure"
NOTICE, NO_CAPACITY = "notice", "no-capacity"

FAILURES = (NODE_FAILURE, CRASH)
"""Kinds of events that take single replicas or nodes away unannounced."""

_WEIGHTS = {
    OUTAGE: 8.0,
    NO_CAPACITY: 6.0,
    NODE_FAILURE: 5.0,
    CRASH: 4.0,
    ROLLOUT: 4.0,
    SCALE: 3.0,
    NOTICE: 2.5,
}
"""How much the first event of a kind matters; the n-th one matters 1/n of that."""

_AT_ONCE_S = 60.0
"""Failures of one kind that are no further apart are told as one."""

_SINGULARS = {NODE_FAILURE: "node failure", NOTICE: "spot notice", NO_CAPACITY: "no capacity"}
_PLURALS = {
    NODE_FAILURE: "{} nodes failed",
    CRASH: "{} replicas crashed",
    NOTICE: "{} spot notices",
    NO_CAPACITY: "no capacity, {} times",
}
"""Names of kinds of events where the kind itself is none."""


@dataclass(frozen=True)
class Happening:
    """One event, or several of a kind that belong together.

    It went on from `at_s` to `until_s`, the same for what takes no time; `before` and `wanted` are
    the replicas wanted before and after it, `ready` those ready after it.
    """

    kind: str
    at_s: float
    until_s: float
    reason: str
    before: int
    wanted: int
    ready: int
    count: int = 1

    @property
    def change(self) -> int:
        """Replicas wanted after it, less those wanted before."""
        return self.wanted - self.before

    @property
    def label(self) -> str:
        """A few words for a picture, none where the kind of event says it all.

        >>> Happening("scale", 0.0, 0.0, "TTFT above its guard", 3, 5, 3).label
        '3 → 5'
        """
        if self.kind == SCALE:
            return f"{self.before} → {self.wanted}"
        if self.kind in (NOTICE, NO_CAPACITY):
            return ""
        return self._name if self.count > 1 else self.reason

    @property
    def text(self) -> str:
        """What happened, for a table; why a fleet was scaled stands in `reason`."""
        if self.kind == SCALE:
            way = "up" if self.change > 0 else "down"
            return f"scaled {way} from {self.before} to {self.wanted}"
        if self.kind == OUTAGE and self.until_s > self.at_s:
            return f"outage of {length(self.until_s - self.at_s)}"
        return self._name

    @property
    def _name(self) -> str:
        if self.count > 1:
            return _PLURALS[self.kind].format(self.count)
        return _SINGULARS.get(self.kind, self.kind)


def happenings(
    events: Iterable[FleetEvent], window_s: float, wanted_at_first: int
) -> list[Happening]:
    """Return the events of one pool that lie within the window, in time order.

    *wanted_at_first*: the replicas wanted before the first event. An outage goes on until the next
    event that says that it is over, or to the window's end.
    """
    found, before = [], wanted_at_first
    ordered = sorted(events, key=lambda event: event.at_s)
    for number, event in enumerate(ordered):
        if 0.0 <= event.at_s < window_s:
            until_s = event.at_s
            if event.kind == OUTAGE:
                until_s = min(window_s, _end_s(event, ordered[number + 1 :]))
            found.append(
                Happening(
                    event.kind, event.at_s, until_s, event.reason, before, event.wanted, event.ready
                )
            )
        before = event.wanted
    return found


def _end_s(outage: FleetEvent, later: Sequence[FleetEvent]) -> float:
    """When *outage* was over; its own instant if nothing says so.

    Two that overlap are told apart by what they are about, the first two words of their reasons.
    """
    subject = outage.reason.split()[:2]
    ends = (e for e in later if e.kind == OUTAGE_OVER and e.reason.split()[:2] == subject)
    return next((end.at_s for end in ends), outage.at_s)


def gather(found: Sequence[Happening], gap_s: float) -> list[Happening]:
    """Return *found* with those joined that belong together, in the order of their beginnings.

    Steps of one direction, and refusals, that are no more than *gap_s* apart are one; so are
    failures, and notices, that come at once.
    """
    told: list[Happening] = []
    latest: dict[str, int] = {}
    for one in found:
        number = latest.get(one.kind)
        if number is not None and _belong(told[number], one, gap_s):
            former = told[number]
            told[number] = replace(
                former,
                until_s=one.until_s,
                wanted=one.wanted,
                ready=one.ready,
                count=former.count + one.count,
            )
        else:
            latest[one.kind] = len(told)
            told.append(one)
    return told


def _belong(former: Happening, one: Happening, gap_s: float) -> bool:
    apart_s = one.at_s - former.until_s
    if one.kind == SCALE:
        return apart_s <= gap_s and (one.change > 0) == (former.change > 0)
    if one.kind == NO_CAPACITY:
        return apart_s <= gap_s
    return one.kind in (*FAILURES, NOTICE) and apart_s <= _AT_ONCE_S


def by_weight(found: Sequence[Happening]) -> list[Happening]:
    """Return *found* with what matters most first; what is not worth telling is left out.

    Of one kind the more come first (replicas changed, nodes lost), of equals those up, then the
    earlier.
    """
    weighed = []
    for kind, weight in _WEIGHTS.items():
        mine = [one for one in found if one.kind == kind]
        mine.sort(key=lambda one: (-abs(one.change), -one.change, -one.count, one.at_s))
        weighed += [(-weight / rank, one.at_s, one) for rank, one in enumerate(mine, start=1)]
    weighed.sort(key=lambda entry: entry[:2])
    return [one for _, _, one in weighed]
