"""What the catalog says of traffic: tables are laws, constants give back the figures they claim."""

import re
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sim.catalog.datafiles import read_text
from sim.catalog.length_dependence import dependence
from sim.catalog.length_tables import LengthTable, length_tables
from sim.catalog.names import UnknownName
from sim.catalog.presets import ArrivalPreset, Burst, Evidence, SessionPreset
from sim.catalog.workloads import (
    Workload,
    day_curve,
    day_curves,
    length_table,
    workload,
    workloads,
)

TRACES = (
    "azure-conv-2023",
    "mooncake-conversation",
    "arxiv-summaries",
    "azure-conv-2024",
    "azure-code-2024",
    "servegen-m-large",
    "servegen-m-mid",
    "servegen-m-small",
    "deepseek-r1",
)
STAND_INS = (
    "support-summary",
    "agent-planning",
    "code-review",
    "title-generator",
    "voice-response",
)
TABLES = list(length_tables().values())
KNOWN = [table for table in TABLES if table.trace_mean_tokens]
WITH_ARRIVALS = [w for w in workloads() if w.arrivals is not None]
WITH_SESSIONS = [w for w in workloads() if w.sessions is not None]
DEPENDENT = [w for w in workloads() if w.output_given_input is not None]


def name_of(entry: Workload) -> str:
    return entry.name


# -- Entries ---------------------------------------------------------------------------------------


def test_the_workloads() -> None:
    assert [entry.name for entry in workloads()] == [*TRACES, *STAND_INS]
    assert [entry.name for entry in workloads() if entry.assumption] == list(STAND_INS)
    for entry in workloads():
        assert entry is workload(entry.name)
        assert entry.input is length_table(entry.name, "input")
        assert entry.output is length_table(entry.name, "output")
        assert (entry.input.field, entry.output.field) == ("input", "output")


@pytest.mark.parametrize("entry", workloads(), ids=name_of)
def test_every_entry_says_what_it_is(entry: Workload) -> None:
    for text in (entry.title, entry.source, entry.licence, entry.reproduces, entry.lacks):
        assert text.strip() == text != ""
    assert entry.reproduces.endswith(".")
    assert entry.licence.split(" (")[0] in ("CC-BY-4.0", "Apache-2.0", "MIT")
    assert bool(entry.reasoning) is entry.assumption
    assert 0 <= entry.template_tokens <= entry.input.tokens[0]
    assert entry.reasoning_share is None or 0 < entry.reasoning_share < 1


@pytest.mark.parametrize("name", STAND_INS)
def test_stand_ins_have_a_day_bursts_and_a_head_and_say_what_is_guessed(name: str) -> None:
    entry = workload(name)
    assert "guess" in entry.reasoning.lower()
    assert "public trace" in entry.lacks
    assert entry.template_tokens > 0
    assert entry.arrivals is not None
    assert entry.arrivals.day_curve is not None
    assert entry.arrivals.bursts
    conversation = name in ("agent-planning", "voice-response")
    assert (entry.sessions is not None) is conversation


def test_unknown_names() -> None:
    with pytest.raises(UnknownName, match="did you mean 'arxiv-summaries'"):
        length_table("arxiv-summary", "input")
    with pytest.raises(UnknownName, match="did you mean 'voice-response'"):
        workload("voice-answer")
    with pytest.raises(UnknownName, match="unknown field of a workload 'prompt'"):
        length_table("azure-conv-2023", "prompt")  # type: ignore[arg-type]


@pytest.mark.parametrize("file", ["length_tables.yaml", "length_dependence.yaml"])
def test_heads_say_how_tables_were_made(file: str) -> None:
    head = read_text(file).partition("as_of:")[0]
    assert "Computed" in head
    assert "2026-11" in head
    assert "traces named" in head


def page_section(head: str) -> list[str]:
    """Rows of the tables under a heading of docs/workloads.md."""
    page = Path(__file__).parents[2] / "docs" / "workloads.md"
    section = page.read_text(encoding="utf-8").split(f"\n## {head}\n")[1].partition("\n## ")[0]
    return [line for line in section.splitlines() if line.startswith("| `")]


def test_the_page_has_every_workload_and_curve_with_its_licence() -> None:
    rows = page_section("The workloads")
    assert len(rows) == len(workloads())
    for entry, row in zip(workloads(), rows, strict=True):
        assert row.startswith(f"| `{entry.name}` |")
        assert entry.licence.split(" (")[0] in row
        assert ("**assumption**" in row) is entry.assumption
    curves = {row.split("`")[1]: row for row in page_section("Day curves")}
    assert set(curves) == {curve.name for curve in day_curves()}
    for curve in day_curves():
        assert curve.licence in curves[curve.name]
        every = curve.weekday + curve.weekend
        assert f"{max(every) / min(every):.2g} : 1" in curves[curve.name] or curve.has_weekend
    assert [row.split("`")[1] for row in page_section("Stand-ins")] == list(STAND_INS)


def test_the_page_has_the_figures_of_arrivals() -> None:
    rows = page_section("How near")
    for entry in workloads():
        of_entry = " ".join(row for row in rows if row.startswith(f"| `{entry.name}`"))
        for row in entry.evidence:
            if not entry.assumption and row.figure.startswith(("gap", "IDC", "ten-minute")):
                constants, source = (f"{x:.3g}" for x in (row.preset, row.source))
                numbers = [(float(a), float(b)) for a, b in pairs_in(of_entry)]
                assert (float(constants), float(source)) in numbers


def pairs_in(text: str) -> list[tuple[str, str]]:
    return re.findall(r"([\d.]+) / ([\d.]+)", text)


# -- Lengths ---------------------------------------------------------------------------------------


def mean_tokens(levels: Sequence[float], values: Sequence[float]) -> float:
    """Mean of whole tokens: of the law linear in ln between levels, rounded up."""
    u = (np.arange(200_000) + 0.5) / 200_000
    return float(np.ceil(np.exp(np.interp(u, levels, np.log(values))) * (1 - 1e-12)).mean())


def quantile(levels: Sequence[float], values: Sequence[float], level: float) -> float:
    return float(np.exp(np.interp(level, levels, np.log(values))))


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t.name}-{t.field}")
def test_tables_are_quantile_functions(table: LengthTable) -> None:
    assert len(table.levels) == len(table.tokens)
    assert (table.levels[0], table.levels[-1]) == (0, 1)
    assert all(a < b for a, b in pairwise(table.levels))
    assert all(a <= b for a, b in pairwise(table.tokens))
    assert table.tokens[0] >= 1
    assert table.source
    assert table.licence


@pytest.mark.parametrize("table", KNOWN, ids=lambda t: f"{t.name}-{t.field}")
def test_means_of_the_tables_are_near_those_of_the_traces(table: LengthTable) -> None:
    assert mean_tokens(table.levels, table.tokens) == pytest.approx(
        table.trace_mean_tokens, rel=0.02
    )


def test_only_digitised_tables_know_no_mean_and_they_say_what_they_lack() -> None:
    assert {t.name for t in TABLES if t not in KNOWN} == {"azure-conv-2024", "azure-code-2024"}
    for table in TABLES:
        if table not in KNOWN:
            assert table.lacks
            assert "plots" in table.source
        else:
            assert len(table.levels) >= 29


def test_digitised_quantiles_as_read() -> None:
    conv = length_table("azure-conv-2024", "input")
    assert dict(zip(conv.levels, conv.tokens, strict=True))[0.5] == 913
    code = length_table("azure-code-2024", "output")
    assert 1 < quantile(code.levels, code.tokens, 0.5) < 11  # all that the plot shows


@pytest.mark.parametrize(
    ("name", "field", "quantiles"),
    [
        ("servegen-m-large", "input", {0.5: 656, 0.95: 2406, 0.99: 4024}),
        ("servegen-m-large", "output", {0.5: 76, 0.95: 531, 0.99: 785}),
        ("servegen-m-mid", "input", {0.5: 169, 0.95: 817, 0.99: 2856}),
        ("servegen-m-mid", "output", {0.5: 29, 0.95: 147, 0.99: 484}),
        ("servegen-m-small", "input", {0.5: 50, 0.95: 694, 0.99: 1495}),
        ("servegen-m-small", "output", {0.5: 4, 0.95: 93, 0.99: 162}),
        ("deepseek-r1", "input", {0.5: 208, 0.95: 6714, 0.99: 23423}),
        ("deepseek-r1", "output", {0.5: 792, 0.95: 5701, 0.99: 12607}),
    ],
)
def test_pools_have_their_published_quantiles(
    name: str, field: str, quantiles: dict[float, int]
) -> None:
    table = length_table(name, field)  # type: ignore[arg-type]
    for level, tokens in quantiles.items():
        assert table.tokens[table.levels.index(level)] == tokens


def test_atoms_keep_their_weight() -> None:
    """A third of m-small's answers has at most 3 tokens, a fifth of them a single one."""
    table = length_table("servegen-m-small", "output")
    u = (np.arange(200_000) + 0.5) / 200_000
    drawn = np.ceil(np.exp(np.interp(u, table.levels, np.log(table.tokens))) * (1 - 1e-12))
    shares = [float((drawn == k).mean()) for k in (1, 2, 3)]
    assert shares == pytest.approx([0.2327, 0.1096, 0.1469], abs=0.002)


def test_code_review_has_the_lengths_of_the_code_trace() -> None:
    assert workload("code-review").input is workload("azure-code-2024").input


# -- Dependence ------------------------------------------------------------------------------------


def test_which_workloads_have_a_dependence() -> None:
    assert [entry.name for entry in DEPENDENT] == ["azure-conv-2023", "arxiv-summaries"]
    assert dependence("mooncake-conversation") == ((), None)
    assert workload("mooncake-conversation").dependence_levels == ()


@pytest.mark.parametrize("entry", DEPENDENT, ids=name_of)
def test_dependence_is_ten_quantile_tables_that_mix_to_the_output(entry: Workload) -> None:
    levels, bins = entry.dependence_levels, entry.output_given_input
    assert bins is not None
    assert (len(bins), len(levels)) == (10, 19)
    assert (levels[0], levels[-1]) == (0, 1)
    assert all(a < b for a, b in pairwise(levels))
    for row in bins:
        assert len(row) == len(levels)
        assert row[0] >= 1
        assert all(a <= b for a, b in pairwise(row))
    mixed = float(np.mean([mean_tokens(levels, row) for row in bins]))
    assert mixed == pytest.approx(entry.output.trace_mean_tokens, rel=0.02)
    assert min(row[0] for row in bins) == entry.output.tokens[0]
    assert max(row[-1] for row in bins) == entry.output.tokens[-1]


def test_output_is_no_monotone_function_of_input_in_azure_chats() -> None:
    """Mean output by input decile: 152 85 100 106 326 412 413 330 114 74."""
    levels, bins = dependence("azure-conv-2023")
    assert bins is not None
    means = [mean_tokens(levels, row) for row in bins]
    assert means == pytest.approx([152, 85, 100, 106, 326, 412, 413, 330, 114, 74], rel=0.04)


# -- Arrivals: the formulas of the data file's head, by plain sums ---------------------------------

SPAN_S = {"azure-conv-2023": 3504.0, "mooncake-conversation": 3540.0, "deepseek-r1": 2400.0}
SPAN_S |= {f"servegen-{pool}": 2400.0 for pool in ("m-large", "m-mid", "m-small")}
RATE = {"servegen-m-large": 196.0, "servegen-m-mid": 1790.0, "servegen-m-small": 1174.0}
"""Rates at which ServeGen's superposed clients were looked at (their two weeks' means)."""


def idc(preset: ArrivalPreset, rate_per_s: float, window_s: float) -> float:
    """1/k + (2 rate/w) * integral of (w - t) (exp(sum s^2 e^(-t/tau)) - 1), midpoints on ln t."""
    edges = np.concatenate(([0.0], np.geomspace(1e-6, window_s, 20_001)))
    t = (edges[1:] + edges[:-1]) / 2
    terms = sum(b.variance * np.exp(-t / b.time_s) for b in preset.bursts)
    integral = ((window_s - t) * np.expm1(terms) * np.diff(edges)).sum()
    return float(1 / preset.gap_shape + 2 * rate_per_s / window_s * integral)


def idc_in_span(preset: ArrivalPreset, rate_per_s: float, window_s: float, span_s: float) -> float:
    n = span_s / window_s
    whole = idc(preset, rate_per_s, span_s)
    return n / (n - 1) * (idc(preset, rate_per_s, window_s) - whole / n)


def rate_variance(terms: Sequence[Burst], window_s: float) -> float:
    """Squared variation of the rate's mean over a window."""
    return idc(ArrivalPreset(mean_rps=1.0, bursts=tuple(terms)), 1.0, window_s) / window_s - (
        1 / window_s
    )


def gap_cv(preset: ArrivalPreset, span_s: float) -> float:
    about_mean = 0.0
    for term in preset.bursts:
        a = span_s / term.time_s  # share of an OU process' variance that is in its mean over S
        about_mean += term.variance * (1 - 2 / a * (1 - (1 - np.exp(-a)) / a))
    return float(np.sqrt((1 + 1 / preset.gap_shape) * np.exp(about_mean) - 1))


def within_hour(preset: ArrivalPreset) -> float:
    difference = rate_variance(preset.bursts, 600) - rate_variance(preset.bursts, 3600)
    return float(np.sqrt(6 / 5 * difference))


def about_day_curve(preset: ArrivalPreset, days: int) -> float:
    """SD of ln of ten-minute rates less hourly means over *days*, of slow terms day by day."""
    slow = [b for b in preset.bursts if b.time_s >= 3600]
    fast = [b for b in preset.bursts if b.time_s < 3600]

    def covariance(day: int) -> float:
        return sum(b.variance * np.exp(-86_400 * day / b.time_s) for b in slow)

    pairs = covariance(0) + 2 * sum((1 - d / days) * covariance(d) for d in range(1, days))
    taken = pairs / days if days > 1 else 0.0
    return float(np.sqrt(rate_variance(fast, 600) + covariance(0) - taken))


def from_constants(entry: Workload, figure: str) -> float:
    """The figure called *figure*, computed anew."""
    preset = entry.arrivals
    assert preset is not None
    rate, span = RATE.get(entry.name, preset.mean_rps), SPAN_S.get(entry.name)
    if figure.startswith("IDC at "):
        window = float(figure.split()[2])
        return idc_in_span(preset, rate, window, span) if span else idc(preset, rate, window)
    if figure == "minute counts, variation":
        return float(np.sqrt(idc(preset, rate, 60) / (60 * rate)))
    if figure == "gap CV":
        return gap_cv(preset, span or 2400.0)
    if figure == "ten-minute counts, variation within an hour":
        return within_hour(preset)
    if figure == "ten-minute counts, SD of ln about the day curve":
        return about_day_curve(preset, 1 if entry.name == "deepseek-r1" else 7)
    if figure == "mean input, in sessions":
        return mean_prompt(entry)
    if figure == "cacheable share of input, in sessions":
        return cacheable_share(entry)
    raise AssertionError(figure)


EVIDENCE = [(entry, row) for entry in workloads() for row in entry.evidence]

TOLERANCE = {
    "gap CV": 0.02,
    "IDC": 0.20,
    "minute counts": 0.15,
    "ten-minute counts, variation": 0.35,
    "ten-minute counts, SD": 0.25,
    "mean input": 0.02,
    "cacheable share": 0.06,
}
"""How far a preset may be from its source, by the beginning of the figure's name."""

FARTHER = {
    ("mooncake-conversation", "IDC at 600 s"): 0.30,  # six windows
    ("azure-conv-2024", "IDC at 60 s"): 0.30,  # the time is a bound
    ("azure-code-2024", "IDC at 60 s"): 0.30,
    ("servegen-m-small", "IDC at 60 s"): 0.50,  # the exact counts say 120
}
"""Those that are farther, as the data file says."""


@pytest.mark.parametrize(
    ("entry", "row"), EVIDENCE, ids=[f"{entry.name}-{row.figure}" for entry, row in EVIDENCE]
)
def test_figures_come_out_of_the_constants_and_are_near_the_source(
    entry: Workload, row: Evidence
) -> None:
    figure, preset, source = row.figure, row.preset, row.source
    assert from_constants(entry, figure) == pytest.approx(preset, rel=0.02)
    (usual,) = (bound for head, bound in TOLERANCE.items() if figure.startswith(head))
    assert preset == pytest.approx(source, rel=FARTHER.get((entry.name, figure), usual))


def test_all_pools_and_traces_with_times_have_figures() -> None:
    with_times = [w.name for w in workloads() if w.arrivals and not w.assumption]
    for name in with_times:
        figures = {row.figure for row in workload(name).evidence}
        assert "IDC at 60 s" in figures


@pytest.mark.parametrize("entry", WITH_ARRIVALS, ids=name_of)
def test_arrivals_can_be_had(entry: Workload) -> None:
    preset = entry.arrivals
    assert preset is not None
    assert preset.mean_rps > 0
    assert 0.1 < preset.gap_shape <= 1
    assert preset.batch_mean_size >= 1
    assert preset.batch_gap_s >= 0
    assert all(0 < term.variance < 0.2 and term.time_s > 0.1 for term in preset.bursts)
    times = [term.time_s for term in preset.bursts]
    assert times == sorted(set(times))
    assert preset.day_curve is None or day_curve(preset.day_curve)


def test_constants_as_published() -> None:
    conv = workload("azure-conv-2023").arrivals
    assert conv is not None
    assert (conv.mean_rps, conv.gap_shape, conv.day_curve) == (5.53, 0.95, None)
    assert conv.bursts == (Burst(variance=0.031, time_s=0.7), Burst(variance=0.056, time_s=390))
    mooncake = workload("mooncake-conversation").arrivals
    assert mooncake is not None
    assert mooncake.bursts == (Burst(variance=0.014, time_s=7), Burst(variance=0.009, time_s=600))
    rates = {w.name: w.arrivals.mean_rps for w in WITH_ARRIVALS if w.arrivals and not w.assumption}
    assert rates == {
        "azure-conv-2023": 5.53,
        "mooncake-conversation": 3.40,
        "azure-conv-2024": 45.1,
        "azure-code-2024": 27.8,
        "servegen-m-large": 192,
        "servegen-m-mid": 1604,
        "servegen-m-small": 966,
        "deepseek-r1": 16.0,
    }
    assert workload("arxiv-summaries").arrivals is None
    assert workload("deepseek-r1").reasoning_share == 0.7


# -- Sessions --------------------------------------------------------------------------------------


def mean_prompt(entry: Workload) -> float:
    sessions = entry.sessions
    assert sessions is not None
    first = mean_tokens(sessions.levels, sessions.first_tokens)
    new = mean_tokens(sessions.levels, sessions.new_tokens)
    said = mean_tokens(entry.output.levels, entry.output.tokens) * (
        1 - (entry.reasoning_share or 0)
    )
    return entry.template_tokens + first + (sessions.mean_turns - 1) * (new + said)


def cacheable_share(entry: Workload) -> float:
    """Blocks of 512 tokens, half of one left over, and the last answer token never computed."""
    sessions = entry.sessions
    assert sessions is not None
    said = mean_tokens(entry.output.levels, entry.output.tokens)
    later = mean_prompt(entry) + said - 1 - 256
    share = sessions.turn_continue
    return ((1 - share) * entry.template_tokens + share * later) / mean_prompt(entry)


@pytest.mark.parametrize("entry", WITH_SESSIONS, ids=name_of)
def test_sessions_are_quantile_tables(entry: Workload) -> None:
    sessions = entry.sessions
    assert sessions is not None
    assert (sessions.levels[0], sessions.levels[-1]) == (0, 1)
    assert all(a < b for a, b in pairwise(sessions.levels))
    assert 0.5 in sessions.levels
    for values in (sessions.gap_s, sessions.first_tokens, sessions.new_tokens):
        assert len(values) == len(sessions.levels)
        assert values[0] > 0
        assert all(a <= b for a, b in pairwise(values))


def test_mooncake_turns() -> None:
    """61 % first turns; gap p10 ... p90 = 42 66 123 264 483 s; one shared block of 512 tokens."""
    entry = workload("mooncake-conversation")
    sessions = entry.sessions
    assert sessions is not None
    assert 1 / sessions.mean_turns == pytest.approx(0.61, abs=0.005)
    at = [sessions.levels.index(level) for level in (0.1, 0.25, 0.5, 0.75, 0.9)]
    assert [sessions.gap_s[i] for i in at] == pytest.approx([42, 66, 123, 264, 483], abs=1)
    assert entry.template_tokens == 512


def test_geometric_turns_have_their_mean() -> None:
    levels = (0.0, 1.0)
    preset = SessionPreset(
        mean_turns=4.0, levels=levels, gap_s=levels, first_tokens=levels, new_tokens=levels
    )
    more = preset.turn_continue
    assert more == 0.75
    assert sum(n * (1 - more) * more ** (n - 1) for n in range(1, 500)) == pytest.approx(4.0)
