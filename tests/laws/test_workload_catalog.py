"""Law: what the catalog says of traffic is what the trace files say, computed anew."""

from __future__ import annotations

import csv
from collections import defaultdict
from itertools import pairwise

import numpy as np
import pytest
from scipy.optimize import brentq

from sim.catalog.workloads import LengthTable, day_curve, length_table, workload
from tests.datadir import data_path
from tests.laws.trace_tables import (
    DEFAULT_LEVELS,
    Array,
    arxiv,
    azure,
    idc,
    joint_cdf,
    mooncake,
    mooncake_rows,
    pool_clients,
    pool_counts,
    pool_pmf,
    quantiles,
    ranks,
    whole_tokens,
)

pytestmark = pytest.mark.data

READ = {"azure-conv-2023": azure, "mooncake-conversation": mooncake, "arxiv-summaries": arxiv}
POOLS = {
    "servegen-m-large": "m-large",
    "servegen-m-mid": "m-mid",
    "servegen-m-small": "m-small",
    "deepseek-r1": "deepseek-r1",
}
U = (np.arange(400_000) + 0.5) / 400_000


def source(name: str, figure: str) -> float:
    (found,) = (row.source for row in workload(name).evidence if row.figure == figure)
    return found


# -- Lengths ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", READ)
def test_tables_are_the_quantiles_of_their_traces(name: str) -> None:
    """Kolmogorov-Smirnov distance at most 0.035, the mark that these tables were accepted at."""
    _, lengths = READ[name]()
    for side, column in (("input", 0), ("output", 1)):
        table = length_table(name, side)  # type: ignore[arg-type]
        values = np.sort(lengths[:, column])
        assert values.mean() == pytest.approx(table.trace_mean_tokens, rel=1e-2)
        at = np.unique(values)
        model = np.interp(np.log(at), np.log(table.tokens), table.levels)
        trace = np.searchsorted(values, at, side="right") / len(values)
        before = np.searchsorted(values, at, side="left") / len(values)
        outside = np.maximum(np.maximum(model - trace, before - model), 0)
        assert outside.max() <= 0.035


def pool_table(values: Array, shares: Array) -> dict[float, float]:
    """Quantiles at the default levels and some in the tail, and both edges of each atom."""
    reached = np.cumsum(shares) / shares.sum()
    at = {u: values[np.searchsorted(reached, u - 1e-12)] for u in DEFAULT_LEVELS[:-1]}
    at |= {u: values[np.searchsorted(reached, u)] for u in (0.9995, 0.9998, 0.9999, 0.99999)}
    at[1.0] = values[-1]
    for i in np.flatnonzero(shares > 0.02):
        if i and values[i] > 1:
            at[round(float(reached[i - 1]), 4)] = values[i] - 1
        at[round(float(reached[i]), 4)] = values[i]
    return {level: max(1.0, at[level]) for level in sorted(at)}


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize("name", POOLS)
def test_pool_tables_are_the_quantiles_of_their_counts(name: str, side: str) -> None:
    values, shares = pool_pmf(POOLS[name], side)
    table = length_table(name, side)  # type: ignore[arg-type]
    expected = pool_table(values, shares)
    assert table.levels == tuple(expected)
    assert list(table.tokens) == list(np.maximum.accumulate(list(expected.values())))
    mean = float((np.maximum(values, 1) * shares).sum())
    assert table.trace_mean_tokens == pytest.approx(mean, rel=1e-3)
    drawn = np.sort(whole_tokens(table.levels, table.tokens, U))
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    at = np.maximum(values, 1)
    model = np.searchsorted(drawn, at, side="right") / len(drawn)
    trace = np.cumsum(shares)
    trace[at == 1] = trace[at == 1].max(initial=0)
    assert abs(model - trace).max() <= 0.03


@pytest.mark.parametrize(("name", "percent"), [("m-large", 60), ("m-mid", 67), ("m-small", 38)])
def test_stated_coverage(name: str, percent: int) -> None:
    clients = pool_clients(name).values()
    covered = sum(c["share"] for c in clients if "input_tokens_mean" in c)
    assert covered == pytest.approx(percent / 100, abs=0.005)
    for side in ("input", "output"):
        assert f"{100 - percent} %" in length_table(f"servegen-{name}", side).lacks  # type: ignore[arg-type]
    assert f"{100 - percent} %" in workload(f"servegen-{name}").lacks


# -- Dependence ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["azure-conv-2023", "arxiv-summaries"])
def test_dependence_tables_are_those_of_the_traces(name: str) -> None:
    _, lengths = READ[name]()
    entry = workload(name)
    assert entry.output_given_input is not None
    bins = ranks(lengths[:, 0])
    for i, row in enumerate(entry.output_given_input):
        expected = quantiles(lengths[bins == i, 1], entry.dependence_levels)
        assert list(row) == expected.tolist()


def drawn_pairs(lengths: Array, bins: int, levels: tuple[float, ...]) -> Array:
    """Pairs drawn as the catalog's tables say, from tables of *lengths*; one bin: independent."""
    rng = np.random.default_rng(11)
    u, v = rng.random(300_000), rng.random(300_000)
    x = whole_tokens(DEFAULT_LEVELS, quantiles(lengths[:, 0], DEFAULT_LEVELS), u)
    of, to = ranks(lengths[:, 0], bins), (u * bins).astype(int)
    y = np.empty(len(u))
    for i in range(bins):
        row = quantiles(lengths[of == i, 1], levels)
        y[to == i] = whole_tokens(levels, row, v[to == i])
    return np.column_stack((x, y))


def held_out(name: str) -> list[tuple[float, float, float]]:
    """(floor, independent, ten bins): largest differences of joint CDFs, both halves as test."""
    _, lengths = READ[name]()
    middle = len(lengths) // 2
    halves = (lengths[::2], lengths[1::2])  # summaries have no times
    if name != "arxiv-summaries":
        halves = (lengths[:middle], lengths[middle:])
    x, y = (quantiles(lengths[:, side], np.arange(1, 20) / 20) for side in (0, 1))
    levels = workload("azure-conv-2023").dependence_levels
    found = []
    for train, test in (halves, halves[::-1]):
        truth = joint_cdf(test, x, y)
        models = (train, drawn_pairs(train, 1, levels), drawn_pairs(train, 10, levels))
        floor, alone, ten = (float(abs(joint_cdf(m, x, y) - truth).max()) for m in models)
        found.append((floor, alone, ten))
    return found


@pytest.mark.parametrize("name", ["azure-conv-2023", "arxiv-summaries"])
def test_ten_bins_are_as_near_to_the_other_half_as_half_the_trace_is(name: str) -> None:
    for floor, alone, ten in held_out(name):
        assert ten <= floor + 0.02
        assert alone > floor + 0.02
        assert alone > ten + 0.01


def test_independence_is_enough_for_mooncake() -> None:
    for floor, alone, ten in held_out("mooncake-conversation"):
        assert alone <= floor + 0.02
        assert alone <= ten + 0.01


# -- Stand-ins -------------------------------------------------------------------------------------


def client_law(figures: dict[str, float], side: str) -> tuple[Array, Array]:
    """Levels and ln tokens through a client's p50, p95 and p99, with its mean."""
    mean, p50, p95, p99 = (figures[f"{side}_tokens_{k}"] for k in ("mean", "p50", "p95", "p99"))
    levels = np.array([0, 0.05, 0.5, 0.95, 0.99, 1])

    def tokens(p05: float) -> Array:
        return np.array([max(1.0, p05**2 / p50), p05, p50, p95, p99, p99**2 / p95])

    def excess(p05: float) -> float:
        pieces = zip(pairwise(levels), pairwise(tokens(p05)), strict=True)
        return -mean + sum(
            (q - p) * (x if x == y else (y - x) / np.log(y / x)) for (p, q), (x, y) in pieces
        )

    return levels, np.log(tokens(float(brentq(excess, 1.0, p50))))


@pytest.mark.parametrize("side", ["input", "output"])
@pytest.mark.parametrize(
    ("name", "pool", "ids"),
    [
        ("support-summary", "m-large", (116, 147)),
        ("agent-planning", "deepseek-r1", (15,)),
        ("title-generator", "m-mid", (101, 66)),
        ("voice-response", "m-mid", (14,)),
    ],
)
def test_stand_ins_have_the_figures_of_their_clients(
    name: str, pool: str, ids: tuple[int, ...], side: str
) -> None:
    clients = [pool_clients(pool)[i] for i in ids]
    rates = np.array([c["mean_rate"] for c in clients])
    entry = workload(name)
    assert entry.arrivals is not None
    assert entry.arrivals.mean_rps == pytest.approx(rates.sum(), rel=0.01)
    table: LengthTable = getattr(entry, side)
    mean = float(rates @ [c[f"{side}_tokens_mean"] for c in clients] / rates.sum())
    assert table.trace_mean_tokens == pytest.approx(mean, rel=1e-3)
    laws = [client_law(c, side) for c in clients]
    drawn = np.sort(whole_tokens(table.levels, table.tokens, U))
    assert drawn.mean() == pytest.approx(mean, rel=0.02)
    at = np.array([c[f"{side}_tokens_{k}"] for c in clients for k in ("p50", "p95", "p99")])
    model = np.searchsorted(drawn, at, side="right") / len(drawn)
    mixed = sum(
        r * (np.searchsorted(np.interp(U, *law), np.log(at) + 1e-9) / len(U))
        for r, law in zip(rates / rates.sum(), laws, strict=True)
    )
    assert abs(model - mixed).max() <= 0.025


def test_gaps_of_the_title_clients() -> None:
    clients = [pool_clients("m-mid")[i] for i in (101, 66)]
    rates = np.array([c["mean_rate"] for c in clients])
    mean = float(rates @ [c["gap_cv"] for c in clients] / rates.sum())
    assert source("title-generator", "gap CV") == pytest.approx(mean, rel=0.01)


# -- Arrivals --------------------------------------------------------------------------------------


def test_azure_chats_as_they_came() -> None:
    at, _ = azure()
    gaps = np.diff(at)
    assert workload("azure-conv-2023").arrivals.mean_rps == pytest.approx(  # type: ignore[union-attr]
        len(at) / at[-1], rel=2e-3
    )
    assert source("azure-conv-2023", "gap CV") == pytest.approx(gaps.std() / gaps.mean(), rel=0.01)
    for window in (1, 10, 60, 600):
        figure = source("azure-conv-2023", f"IDC at {window} s")
        assert figure == pytest.approx(idc(at, window), rel=0.01)


def test_mooncake_as_it_came_with_its_ticks_spread_out() -> None:
    at, _ = mooncake()
    spread = np.sort(at + 3 * np.random.default_rng(1).random(len(at)))
    for window, rel in ((12, 0.1), (60, 0.05), (600, 0.05)):
        figure = source("mooncake-conversation", f"IDC at {window} s")
        assert figure == pytest.approx(idc(spread, window), rel=rel)
    preset = workload("mooncake-conversation").arrivals
    assert preset is not None
    assert preset.mean_rps == pytest.approx(len(at) / at[-1], rel=2e-3)


def without_outages(counts: Array) -> Array:
    """Counts by day and ten minutes; windows below a tenth of the median are NaN."""
    kept = np.where(counts > 0.1 * np.median(counts), counts, np.nan)
    return np.asarray(kept.reshape(-1, 144))


@pytest.mark.parametrize("name", POOLS)
def test_curves_and_rates_of_the_pools(name: str) -> None:
    counts = pool_counts(POOLS[name])
    preset = workload(name).arrivals
    assert preset is not None
    assert preset.mean_rps == pytest.approx(counts.mean() / 600, rel=2e-3)
    days = without_outages(counts)
    hours = np.nanmean(days.reshape(-1, 24, 6), axis=(0, 2))
    assert list(day_curve(name).weekday) == pytest.approx(list(hours / hours.mean()), abs=0.01)
    assert np.isnan(days).sum() == (24 if name == "servegen-m-mid" else 0)


@pytest.mark.parametrize("name", POOLS)
def test_ten_minute_counts_of_the_pools(name: str) -> None:
    """Within an hour, two weeks' published variation lies between week 1's median and rms."""
    days = without_outages(pool_counts(POOLS[name]))
    hours = days.reshape(-1, 6)
    hours = hours[~np.isnan(hours).any(axis=1)]
    within = hours.std(axis=1, ddof=1) / hours.mean(axis=1)
    figure = source(name, "ten-minute counts, variation within an hour")
    assert np.median(within) - 0.002 <= figure <= np.sqrt((within**2).mean())
    curve = np.nanmean(days.reshape(-1, 24, 6), axis=(0, 2))
    about = np.log(days / np.repeat(curve, 6))
    figure = source(name, "ten-minute counts, SD of ln about the day curve")
    assert figure == pytest.approx(np.nanstd(about), abs=0.001)


@pytest.mark.parametrize("service", ["conv", "code"])
def test_azure_2024_curves_are_the_digitised_weeks(service: str) -> None:
    by_hour: dict[tuple[bool, int], list[float]] = defaultdict(list)
    rates = []
    with data_path("traces/azure2024_hourly_digitised.csv").open(encoding="utf-8") as lines:
        for row in csv.DictReader(lines):
            if row["service"] == service:
                weekend = int(row["weekday_mon0"]) >= 5
                by_hour[weekend, int(row["hour"])].append(float(row["multiplier"]))
                rates.append(float(row["rate_per_s"]))
    name = f"azure-{service}-2024"
    curve = day_curve(name)
    for weekend, values in ((False, curve.weekday), (True, curve.weekend)):
        expected = [sum(v) / len(v) for v in (by_hour[weekend, hour] for hour in range(24))]
        assert list(values) == pytest.approx(expected, abs=0.02)
    preset = workload(name).arrivals
    assert preset is not None
    assert preset.mean_rps == pytest.approx(np.mean(rates), rel=0.01)


def test_burstgpt_curve_is_the_hourly_count() -> None:
    with data_path("traces/burstgpt1_hourly_sessions.csv").open(encoding="utf-8") as lines:
        expected = [float(row["multiplier"]) for row in csv.DictReader(lines)]
    assert list(day_curve("burstgpt-1").weekday) == pytest.approx(expected, abs=0.006)


# -- Sessions --------------------------------------------------------------------------------------


def test_mooncake_sessions_as_inferred_from_shared_blocks() -> None:
    """A turn's parent is the last request that had its longest prefix beyond the common block."""
    rows = mooncake_rows()
    (system,) = set.intersection(*(set(row["hash_ids"]) for row in rows))
    last: dict[int, int] = {}
    firsts, gaps, new = [], [], []
    for i, row in enumerate(rows):
        parent = None
        for block in row["hash_ids"]:
            if block != system:
                if block not in last:
                    break
                parent = rows[last[block]]
        if parent is None:
            firsts.append(row["input_length"])
        else:
            gaps.append((row["timestamp"] - parent["timestamp"]) / 1000)
            said = parent["input_length"] + parent["output_length"]
            new.append(row["input_length"] - said)
        last |= dict.fromkeys(row["hash_ids"], i)
    entry = workload("mooncake-conversation")
    sessions = entry.sessions
    assert sessions is not None
    assert 1 / sessions.mean_turns == pytest.approx(len(firsts) / len(rows), abs=0.005)
    own = np.array(firsts, dtype=float) - entry.template_tokens
    for values, found in (
        (sessions.first_tokens, own),
        (sessions.new_tokens, np.maximum(np.array(new, dtype=float), 1)),
        (sessions.gap_s, np.maximum(np.array(gaps), 3)),
    ):
        expected = quantiles(found, sessions.levels)
        assert list(values) == pytest.approx(expected.tolist(), abs=1)


def test_cacheable_share_of_mooncake_when_warm() -> None:
    rows = mooncake_rows()
    seen: set[int] = set()
    cached = total = 0
    for i, row in enumerate(rows):
        blocks, tokens = row["hash_ids"], row["input_length"]
        hits = next((n for n, block in enumerate(blocks) if block not in seen), len(blocks))
        if i >= len(rows) // 2:
            cached, total = cached + min(512 * hits, tokens), total + tokens
        seen.update(blocks)
    figure = source("mooncake-conversation", "cacheable share of input, in sessions")
    assert cached / total == pytest.approx(figure, abs=0.001)
