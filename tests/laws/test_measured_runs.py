"""Law: whole serving runs, simulated with the shipped numbers, come out as they were measured.

`docs/validation.md` promises the bands; the runs are those of arXiv 2606.11690 (see `measured`).
Nothing is set per configuration but its model and its card.
"""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.datadir import REPOSITORY, data_path
from tests.laws.measured import (
    FILE,
    SETS,
    Comparison,
    Serving,
    comparisons,
    errors_table,
    main,
    measured_runs,
    penalties,
    penalty_table,
    simulated,
)

pytestmark = pytest.mark.data

RATES = (1.0, 5.0, 10.0, 25.0, 50.0, 100.0, 200.0)
HALF_LOAD = 0.5
SATURATED = 2.0  # as many requests come as the engine could serve in twice the time
CAPACITY_PCT = {"C1": 10.0, "A1": 10.0, "C3": 20.0}

Key = tuple[str, float]


@pytest.fixture(scope="module")
def found() -> dict[Key, Comparison]:
    return {(one.config, one.rps): one for one in comparisons(data_path(FILE))}


def below_half_load(found: dict[Key, Comparison]) -> list[Comparison]:
    return [one for one in found.values() if one.load < HALF_LOAD]


def test_every_measured_run_is_compared(found: dict[Key, Comparison]) -> None:
    assert list(found) == [(config, rps) for config in SETS for rps in RATES]


def test_three_rates_of_the_h100_and_two_of_the_a100_are_below_half_load(
    found: dict[Key, Comparison],
) -> None:
    rates = [(one.config, one.rps) for one in below_half_load(found)]
    assert rates == [
        *(("C1", rps) for rps in (1.0, 5.0, 10.0)),
        *(("A1", rps) for rps in (1.0, 5.0)),
        *(("C3", rps) for rps in (1.0, 5.0, 10.0)),
    ]


def test_tpot_below_half_load_is_within_10_percent(found: dict[Key, Comparison]) -> None:
    errors = {(o.config, o.rps): o.error_pct("tpot_p50_s") for o in below_half_load(found)}
    assert all(abs(error) <= 10.0 for error in errors.values()), errors


def test_ttft_below_half_load_is_within_15_percent(found: dict[Key, Comparison]) -> None:
    errors = {(o.config, o.rps): o.error_pct("ttft_p50_s") for o in below_half_load(found)}
    assert all(abs(error) <= 15.0 for error in errors.values()), errors


def test_throughput_below_half_load_is_the_offered_one(found: dict[Key, Comparison]) -> None:
    """The last of 500 requests comes at 500/rps seconds on both sides: little is left to miss."""
    errors = {(o.config, o.rps): o.error_pct("output_tokens_per_s") for o in below_half_load(found)}
    assert all(abs(error) <= 1.5 for error in errors.values()), errors


@pytest.mark.parametrize("config", SETS)
def test_saturation_throughput(found: dict[Key, Comparison], config: str) -> None:
    saturated = [o for o in found.values() if o.config == config and o.load >= SATURATED]
    assert len(saturated) >= 3
    errors = {one.rps: one.error_pct("output_tokens_per_s") for one in saturated}
    assert all(abs(error) <= CAPACITY_PCT[config] for error in errors.values()), errors


def test_tpot_from_half_load_on_is_within_35_percent(found: dict[Key, Comparison]) -> None:
    errors = {
        (o.config, o.rps): o.error_pct("tpot_p50_s") for o in found.values() if o.load >= HALF_LOAD
    }
    assert all(abs(error) <= 35.0 for error in errors.values()), errors


@pytest.mark.parametrize("config", SETS)
def test_penalty_of_under_use(found: dict[Key, Comparison], config: str) -> None:
    """Peak throughput over throughput: how many times dearer a token is than at saturation."""
    for rps, measured, ours in penalties(found.values(), config):
        assert ours == pytest.approx(measured, rel=CAPACITY_PCT[config] / 100), rps


@pytest.mark.parametrize(("config", "least_pct"), [("C1", 50.0), ("A1", 25.0)])
def test_kernel_times_alone_would_miss_the_band(config: str, least_pct: float) -> None:
    """The bands are not so wide that anything passes: without host and card it is far too fast."""
    measured = measured_runs(data_path(FILE))[config][200.0].output_tokens_per_s
    kernel: Serving = simulated(config, 200.0, ["pools.c1.host=none"])
    assert 100 * (kernel.output_tokens_per_s / measured - 1) >= least_pct


def test_the_command_says_what_it_needs(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TOKENFLEET_DATA", str(tmp_path))
    assert main() == 2
    assert capsys.readouterr().err == (
        "needs measured/vllm_serving_runs.csv; set TOKENFLEET_DATA to the folder that has it\n"
    )


def numbers(table: str) -> list[list[str | float]]:
    """Read a markdown table: texts as they are, numbers without commas and percent signs."""
    rows: list[list[str | float]] = []
    for line in table.splitlines():
        cells = [cell.strip() for part in line.strip("| ").split("|") for cell in part.split("/")]
        if re.match(r"[A-Z]\d$", cells[0]):
            rows.append([cells[0], *(float(re.sub(r"[,% ]", "", cell)) for cell in cells[1:])])
    return rows


def test_the_page_has_the_tables_that_the_command_prints(found: dict[Key, Comparison]) -> None:
    """To half a percent or one in the last digit, so that another numpy may round otherwise."""
    page = (REPOSITORY / "docs" / "validation.md").read_text(encoding="utf-8")
    every = list(found.values())
    for printed in (errors_table(every), penalty_table(every)):
        head, expected = printed.splitlines()[0], numbers(printed)
        assert head in page
        written = numbers(page[page.index(head) :].split("\n\n")[0])
        assert [row[0] for row in written] == [row[0] for row in expected]
        for one, other in zip(written, expected, strict=True):
            assert one[1:] == pytest.approx(other[1:], rel=5e-3, abs=0.1 + 1e-9)
