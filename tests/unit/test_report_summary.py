from sim.report.summary import Summary
from tests.unit.summary_fixture import summary


def test_fixture_keeps_the_contract_s_identities() -> None:
    s = Summary(summary())
    states = [v for k, v in s.get("gpu_hours").items() if k != "paid"]
    assert abs(sum(states) - (s.number("gpu_hours.paid") or 0)) < 1e-9
    for part in (s, *(s.part("routes", r) for r in s.names("routes"))):
        counts = part.get("requests")
        ends = ("completed", "rejected", "timed_out", "failed", "cancelled", "in_flight")
        assert counts["arrived"] == sum(counts[e] for e in ends)
    for way in ("by_use", "by_peak"):
        shares = [s.part("routes", r).number(f"usd.{way}") or 0 for r in s.names("routes")]
        assert abs(sum(shares) - (s.number("bill.total_usd") or 0)) < 1e-6
    tokens = (s.number("tokens.useful.input") or 0) + (s.number("tokens.useful.output") or 0)
    real = (s.number("bill.total_usd") or 0) / tokens * 1e6
    assert abs(real - (s.number("gap.real") or 0)) < 1e-12


def test_absent_null_and_text_are_no_numbers() -> None:
    s = Summary({"a": {"b": None, "c": "x", "d": 3}})
    assert [s.number(p) for p in ("a.b", "a.c", "a.d", "a.e", "a.d.f")] == [
        None,
        None,
        3.0,
        None,
        None,
    ]


def test_intervals_are_found_beside_the_value_and_in_the_list() -> None:
    intervals = {"x.value": [1, 2], "y": [3, 4], "routes.r.z": [5, 6], "n": None}
    s = Summary({"intervals": intervals, "x": {"value": 1, "ci95": None}, "routes": {"r": {}}})
    assert s.interval("x") == (1.0, 2.0)
    assert s.interval("y") == (3.0, 4.0)
    assert s.interval("n") is None
    assert s.part("routes", "r").interval("z") == (5.0, 6.0)


def test_a_name_with_dots_is_one_part() -> None:
    s = Summary({"routes": {"chat.v2": {"requests": {"arrived": 7}}}})
    assert s.part("routes", "chat.v2").number("requests.arrived") == 7.0
    assert s.part("routes", "absent").number("requests.arrived") is None


def test_title_is_a_name_or_a_mapping_s_name() -> None:
    assert Summary({"scenario": "a"}).title == "a"
    assert Summary({"scenario": {"name": "b"}}).title == "b"
