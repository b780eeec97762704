from dataclasses import replace
from typing import Any

import pytest

from sim.report.calibration_document import calibration_document
from sim.report.calibration_figure import calibration_figure
from sim.report.calibration_steps_table import steps_document, steps_lines, steps_table
from sim.report.calibration_tables import block_lines, calibration_tables
from sim.report.canvas import render
from sim.report.summary import Json
from sim.scenario.pool import Pool
from sim.scenario.yaml12 import parse
from sim.studies.calibrate import Calibration, Compared
from sim.studies.calibration_fit import Estimate, Fit
from sim.studies.calibration_parameters import Parameter, block
from sim.studies.calibration_runs import BenchmarkRun, Load, Serving
from sim.studies.calibration_steps import StepRow, fit_steps

POOL = Pool.model_validate(
    {"model": "llama-3.1-8b", "gpu": "h100-nvl", "node": {"usd_per_hour": 1.0}}
)
SEQUENCE = Parameter("per_sequence_s", "host", 26e-6, 0.0, 1.0, 15e-6)
FACTOR = Parameter("compute_factor", "h100-nvl", 1.6, 0.3, 5.0, 0.25)


def compared(rps: float | None, unseen: bool, ttft_s: float | None = 0.1) -> Compared:
    run = BenchmarkRun("x", "main", Load(9, rps, (1,), (1,)), Serving(1000.0, 0.02, ttft_s))
    predicted = Serving(1100.0, 0.021, 0.1) if unseen else None
    return Compared(run, Serving(1200.0, 0.03, 0.2), Serving(1000.0, 0.02, 0.1), predicted)


def document(*runs: Compared) -> Json:
    estimates = (
        Estimate(SEQUENCE, 26e-6, None, "these runs cannot tell it from compute_factor"),
        Estimate(FACTOR, 1.7, 0.05),
    )
    fit = Fit(estimates, 0.9)
    found = Calibration(fit, None, runs, block({"main": POOL}, fit.values), 10)
    return calibration_document(found, "s")


def rows(tables: list[Any], title: str) -> list[tuple[str, ...]]:
    (found,) = [list(one.rows) for one in tables if one.title == title]
    return found


def test_errors_are_over_the_runs_that_they_are_of() -> None:
    found = document(compared(1.0, False), compared(2.0, True))
    errors = found["rms_error_pct"]
    assert errors["before"]["output_tokens_per_s"] == pytest.approx(20.0)
    assert errors["after"]["tpot_s"] == pytest.approx(0.0)
    assert errors["unseen"]["output_tokens_per_s"] == pytest.approx(10.0)
    assert [run["held_out"] for run in found["runs"]] == [False, True]


def test_tables_say_what_was_fitted_kept_and_held_out() -> None:
    tables = calibration_tables(document(compared(1.0, False), compared(None, True, None)))
    numbers = rows(tables, "Fitted numbers")
    assert numbers[0][1:4] == ("26.0 us", "26.0 us", "n/a")
    assert numbers[0][4] == "kept: these runs cannot tell it from compute_factor"
    assert numbers[1][:4] == ("compute_factor (h100-nvl)", "1.60", "1.70", "± 0.050")
    one, other = rows(tables, "Measured and simulated")
    assert one == ("1", "1,000", "+20 → +0", "20.0 ms", "+50 → +0", "100 ms", "+100 → +0", "")
    assert other == ("inf", "1,000", "+20 → +10", "20.0 ms", "+50 → +5", "n/a", "n/a", "yes")
    assert rows(tables, "Errors in short")[0] == ("tokens/s", "20.0 %", "0.0 %", "10.0 %")


def test_without_runs_held_out_it_is_said_that_nothing_is_known() -> None:
    found = document(compared(1.0, False))
    assert "not known" in calibration_tables(found)[-1].note
    assert "# Error on runs that were not fitted (RMS): not known." in block_lines(found)


def test_the_block_says_what_it_rests_on() -> None:
    lines = block_lines(document(compared(1.0, False), compared(2.0, True)))
    assert lines[:3] == [
        "# Fitted by tokenfleet calibrate to 2 measured runs.",
        "# Error on runs that were not fitted (RMS): tokens/s 10 %, TPOT 5 %, TTFT 0 %.",
        "# per_sequence_s is not fitted: these runs cannot tell it from compute_factor.",
    ]
    assert lines[3:6] == ["pools:", "  main:", "    compute_factor: 1.7"]


def test_the_figure_has_a_row_per_pool_and_a_panel_per_figure() -> None:
    one, two = compared(1.0, False), compared(None, True, None)
    other = replace(two, run=replace(two.run, pool="other"))
    drawn = calibration_figure(document(one, two, other))
    assert len(drawn.axes) == 6
    text = render(drawn).decode()
    for words in ("measured", "predicted, not fitted", "TPOT, ms", "other", "all at once"):
        assert words in text
    assert "not measured" in text  # TTFT of the other pool
    assert render(calibration_figure(document(one, two, other))).decode() == text


def test_step_times_as_a_table_and_a_block() -> None:
    steps = [StepRow(0.006 + 1e-5 * b, decode_seqs=b) for b in range(1, 60)]
    found = steps_document(fit_steps(steps), "file.csv")
    (row,) = steps_table(found).rows
    assert row[0] == "decode"
    assert row[4] == "12"
    lines = steps_lines(found)
    assert lines[:2] == ["# Fitted by tokenfleet calibrate to 59 step times:", "# file.csv."]
    assert lines[3] == "timing:"


def test_a_card_of_the_catalog_brings_what_explicit_timing_leaves_out() -> None:
    steps = [StepRow(0.006 + 1e-5 * b, decode_seqs=b) for b in range(1, 60)]
    written = parse(steps_document(fit_steps(steps), "x", "h100-nvl")["yaml"]).data
    changed = {**written, "kv_tokens": 1000, "node": {"usd_per_hour": 1.0}}
    pool, plain_pool = Pool.model_validate(changed), POOL
    assert pool.resolved_compute_factor == plain_pool.resolved_compute_factor
    assert (pool.host, pool.explicit) == (plain_pool.host, True)
    ours, theirs = pool.resolved_engine(), plain_pool.resolved_engine()
    assert ours.async_scheduling == theirs.async_scheduling
    assert ours.max_num_seqs == theirs.max_num_seqs
