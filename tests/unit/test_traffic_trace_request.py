"""Requests of a trace: what of a row is checked, what is none, and the order of time."""

from __future__ import annotations

import random

import pytest

from sim.traffic.trace_clock import Clock
from sim.traffic.trace_request import Request, checked, in_order, no_request
from sim.traffic.trace_row import Row

NAMES = {"time": "t", "input_tokens": "in", "output_tokens": "out"}


def too_many(most: int) -> Exception:
    return RuntimeError(str(most))


@pytest.mark.parametrize(
    ("tokens", "number"), [("374", 374), (" 374.0 ", 374), (374.0, 374), ("1e2", 100), (0, 0)]
)
def test_whole_numbers_however_they_are_written(tokens: object, number: int) -> None:
    assert checked(Row(2, 0, tokens, 7), Clock(), NAMES) == Request(0.0, number, 7, None)


@pytest.mark.parametrize(
    "tokens", ["", "x", "nan", "inf", -1, 0.5, True, None, [3], 10**9, "1e999"]
)
def test_anything_else_is_refused(tokens: object) -> None:
    with pytest.raises(
        ValueError, match=r"^out is .*; allowed: a whole number from 0 to 100000000"
    ):
        checked(Row(2, 0, 1, tokens), Clock(), NAMES)


def test_rows_that_are_no_requests() -> None:
    reasons = []
    for tokens_in, tokens_out, left_out in ((5, 6, None), (0, 6, None), (5, 0, None), (5, 6, "no")):
        row = Row(1, 0, tokens_in, tokens_out, left_out=left_out)
        reasons.append(no_request(row, checked(row, Clock(), NAMES)))
    assert reasons == [None, "zero input tokens", "zero output tokens", "no"]


def test_requests_in_order_of_time_keep_the_order_of_equals() -> None:
    draw = random.Random(7)
    requests = [Request(float(draw.randrange(20)), number + 1, 3) for number in range(200)]
    assert list(in_order(requests, too_many)) == sorted(requests, key=lambda request: request.at_s)
    assert list(in_order([], too_many)) == []


def test_too_many_are_refused_before_they_are_held(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.traffic.trace_request.MAX_SORTED_ROWS", 3)
    endless = (Request(0.0, 1, 1) for _ in iter(int, 1))
    with pytest.raises(RuntimeError, match="3"):
        list(in_order(endless, too_many))
