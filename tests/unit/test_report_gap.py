"""The ladder in words, as tables and as a picture."""

from __future__ import annotations

import io
from itertools import pairwise
from typing import Any

import pytest

from sim.cost.ladder import CAUSES
from sim.report.gap_figure import Bar, bars, gap_figure, waterfall
from sim.report.gap_screen import print_gap
from sim.report.gap_tables import bounds, ladder_table, reasons_table, removal_table, signed
from sim.report.gap_words import TITLES, headline, sentence
from sim.report.summary import Summary

STEPS = (0.1, -0.05, 0.0, 0.4, 0.2, 0.05, 0.0, 0.02, 0.01, -0.1, 0.05, 0.3)


def rung(cause: str, usd: float, **more: Any) -> dict[str, Any]:
    plain: dict[str, Any] = {
        "factor": 1.1,
        "usd_per_month": 1000 * usd,
        "ci95": None,
        "thin": False,
        "facts": {},
    }
    return {"cause": cause, "usd_per_million": usd, **plain, **more}


def document() -> dict[str, Any]:
    rungs = [rung(cause, usd) for cause, usd in zip(CAUSES[1:], STEPS, strict=True)]
    rungs[0]["facts"] = {
        "shapes": [
            {
                "pool": "main", "input_tokens": 500, "output_tokens": 250, "is_given": False,
                "shape_unknown": False, "tokens_per_s": 10_000.0, "real_tokens_per_s": 8_000.0,
            }
        ]
    }  # fmt: skip
    rungs[3]["ci95"] = [0.3, 0.5]
    rungs[7]["thin"] = True
    removal = [
        {
            "without": "failures", "usd_per_million": 1.2, "difference": -0.02,
            "ci95": [-0.05, 0.01], "shown": False,
        }
    ]  # fmt: skip
    gap = {"naive": 0.27, "real": 1.25, "factor": 4.63, "useful_tokens": 3e9, "rungs": rungs}
    return {
        "scenario": "example",
        "gap": {**gap, "removal": removal},
        "bill": {"usd_per_month": 1250.0},
        "intervals": {},
        "pools": {"main": {"naive": {"source": "a closed loop"}}},
    }


def test_every_cause_has_a_name_and_words() -> None:
    assert set(TITLES) == set(CAUSES)
    for cause in CAUSES[1:]:
        for usd in (0.0, 0.5, -0.5):
            assert sentence(rung(cause, usd)).endswith(".")


def test_a_sentence_for_the_finance_department() -> None:
    facts = {
        "paid_replicas": 8.0, "whole_replicas": 3.0, "quiet_hours_share": 0.6,
        "quiet_gpu_share": 0.61, "quiet_token_share": 0.18,
    }  # fmt: skip
    said = sentence(rung("scaling_and_headroom", 1.0, facts=facts))
    assert "61.0 % of your GPU-hours served 18.0 % of your tokens" in said
    assert "8 replicas were paid where 3 replicas would do" in said


def test_a_negative_rung_says_why() -> None:
    facts = {"paid_replicas": 2.0, "whole_replicas": 3.0}
    said = sentence(rung("scaling_and_headroom", -1.0, facts=facts))
    assert "too small for its SLO" in said
    bought = {"list_usd": 100.0, "paid_usd": 70.0}
    assert "cost $70.00: less" in sentence(rung("purchase", -1.0, facts=bought))
    assert "need no computing" in sentence(rung("prefix_cache", -1.0))


def test_the_table_leaves_out_what_is_nothing_and_says_so() -> None:
    found = ladder_table(Summary(document()))
    names = [row[0] for row in found.rows]
    assert names[0] == "benchmark"
    assert names[-1] == "real"
    assert "failures (thin)" in names
    assert "redundancy" not in names
    assert "None: latency SLO, redundancy." in found.note
    assert "the order matters" in found.note
    assert [row[1] for row in found.rows][:2] == ["$0.270", "+$0.100"]
    assert found.rows[0][3] == "$270.00"  # the bill less the gap
    assert len(reasons_table(Summary(document())).rows) == len(CAUSES)


def test_without_a_ladder_there_is_nothing() -> None:
    empty = Summary({"gap": {"rungs": []}})
    for found in (ladder_table(empty), reasons_table(empty), removal_table(empty)):
        assert not found.rows
        assert not found.note
    assert gap_figure(empty) is None


def test_removal_says_when_nothing_is_shown() -> None:
    (row,) = removal_table(Summary(document())).rows
    assert row[-1] == "no difference shown"


def test_signs_and_bounds() -> None:
    assert (signed(1.0), signed(-1.0), signed(0.0)) == ("+$1.00", "-$1.00", "0")
    assert bounds(None) == ""


def test_bars_begin_where_the_one_before_ends() -> None:
    found = bars(Summary(document()))
    assert (found[0].end, found[-1].start) == (0.27, 0.0)
    for before, after in pairwise(found[:-1]):
        assert after.start == pytest.approx(before.end)
    assert found[-2].end == pytest.approx(found[-1].end)
    assert (found[4].low, found[4].high) == pytest.approx((0.62, 0.82))


def test_the_picture() -> None:
    assert (gap_figure(Summary(document())) or b"").startswith(b"<?xml")
    axes = waterfall([Bar("a", 0.0, 1.0, "$1", whole=True), Bar("b", 1.0, 0.5, "-$0.5")]).axes[0]
    assert len(axes.patches) == 2
    assert gap_figure(Summary(document())) == gap_figure(Summary(document()))


def test_the_screen() -> None:
    stream = io.StringIO()
    print_gap(document(), stream)
    text = stream.getvalue()
    assert text.startswith("example: From $0.270 to $1.25 per 1M tokens, 4.63 times as much")
    assert "The gap, rung by rung" in text
    assert "The real run without one cause" in text
    assert headline({}).startswith("From n/a")
    none = io.StringIO()
    print_gap({"scenario": "x", "gap": {"rungs": []}}, none)
    assert "There is no ladder" in none.getvalue()
