from sim.ledger.events import FleetEvent
from sim.report.happenings import Happening, by_weight, gather, happenings


def _event(at_s: float, kind: str, wanted: int = 3, reason: str = "because") -> FleetEvent:
    return FleetEvent(at_s, "main", kind, reason, wanted, 2)


def _found(*events: FleetEvent, window_s: float = 3600.0, first: int = 3) -> list[Happening]:
    return happenings(events, window_s, first)


def test_a_change_is_from_what_was_wanted_before() -> None:
    up, crash, down = _found(
        _event(10.0, "scale", 5), _event(20.0, "crash", 5), _event(30.0, "scale", 4)
    )
    assert (up.before, up.wanted, up.change) == (3, 5, 2)
    assert crash.change == 0
    assert down.change == -1


def test_the_window_is_told_but_what_came_before_it_counts() -> None:
    found = _found(
        _event(-5.0, "scale", 7), _event(0.0, "scale", 8), _event(3600.0, "scale", 9), first=1
    )
    assert [(one.at_s, one.before) for one in found] == [(0.0, 7)]


def test_events_out_of_order_are_put_in_order() -> None:
    found = _found(_event(20.0, "scale", 6), _event(10.0, "scale", 4))
    assert [one.label for one in found] == ["3 → 4", "4 → 6"]


def test_outages_that_overlap_end_each_by_itself() -> None:
    a, b, *_ = _found(
        _event(10.0, "outage", reason="zone a is out"),
        _event(20.0, "outage", reason="zone b is out"),
        _event(30.0, "outage-over", reason="zone a is back"),
        _event(99.0, "outage-over", reason="zone b is back"),
    )
    assert (a.until_s, b.until_s) == (30.0, 99.0)


def test_an_outage_of_which_nothing_says_that_it_is_over_is_a_moment() -> None:
    (outage,) = _found(_event(200.0, "outage", reason="2 of 4 nodes are cut off"))
    assert (outage.until_s, outage.text) == (200.0, "outage")


def test_an_outage_that_outlasts_the_window_ends_with_it() -> None:
    (outage, *_) = _found(
        _event(10.0, "outage", reason="zone a is out"),
        _event(5000.0, "outage-over", reason="zone a is back"),
    )
    assert outage.until_s == 3600.0
    assert outage.text == "outage of 59.8 min"


def test_steps_of_one_direction_are_one_step() -> None:
    found = _found(
        _event(0.0, "scale", 4), _event(60.0, "scale", 6), _event(90.0, "ready", 6),
        _event(120.0, "scale", 8), _event(900.0, "scale", 9), _event(930.0, "scale", 8),
    )  # fmt: skip
    told = [one for one in gather(found, 100.0) if one.kind == "scale"]
    assert [one.label for one in told] == ["3 → 8", "8 → 9", "9 → 8"]
    assert told[0].count == 3


def test_nodes_that_go_at_once_are_one_failure() -> None:
    found = _found(*(_event(10.0 + i, "node-failure") for i in range(4)), _event(300.0, "crash"))
    assert [one.label for one in gather(found, 1e9)] == ["4 nodes failed", "because"]


def test_refusals_are_counted_and_outages_kept_apart() -> None:
    found = _found(
        *(_event(at_s, "no-capacity") for at_s in (0.0, 50.0, 99.0)),
        _event(100.0, "outage", reason="zone a is out"),
        _event(101.0, "outage", reason="zone b is out"),
    )
    told = [(one.text, one.label) for one in gather(found, 60.0)]
    assert told[0] == ("no capacity, 3 times", "")
    assert [label for _, label in told[1:]] == ["zone a is out", "zone b is out"]


def test_one_of_each_kind_comes_before_many_of_one() -> None:
    found = _found(
        *(_event(100.0 * i, "crash", 3) for i in range(1, 20)),
        _event(5000.0 / 2, "outage"),
        _event(2600.0, "rollout"),
        _event(2700.0, "scale", 9),
        _event(2800.0, "scale", 8),
        _event(2900.0, "ready", 8),
    )
    kinds = [one.kind for one in by_weight(found)[:4]]
    assert kinds[0] == "outage"
    assert set(kinds[1:]) == {"crash", "rollout", "scale"}
    steps = [one.label for one in by_weight(found) if one.kind == "scale"]
    assert steps == ["3 → 9", "9 → 8"]
    assert "ready" not in {one.kind for one in by_weight(found)}


def test_notices_are_no_failures_and_need_no_words_in_a_picture() -> None:
    found = _found(
        _event(0.0, "notice", reason="spot node 4 will be taken away"),
        _event(1.0, "notice", reason="spot node 5 will be taken away"),
        _event(900.0, "notice", reason="spot node 6 will be taken away"),
        _event(901.0, "no-capacity", reason="no node to be had in zone a"),
    )
    gathered = gather(found, 1.0)
    assert [one.text for one in gathered] == ["2 spot notices", "spot notice", "no capacity"]
    assert [one.label for one in gathered] == ["", "", ""]
    assert gathered[1].reason == "spot node 6 will be taken away"
