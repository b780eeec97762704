"""Rate path: what is known and what is drawn multiply, cut at every change, in blocks."""

from __future__ import annotations

import math
from itertools import islice, pairwise
from typing import Any

import numpy as np
import pytest

import sim.traffic.rate_path as module
from sim.scenario.arrivals import VaryingArrivals
from sim.traffic.chunk import FloatArray
from sim.traffic.envelope import Envelope
from sim.traffic.rate_path import Block, RandomRate

TERMS = [{"variance": 0.4, "time": 10}, {"variance": 0.2, "time": 600}]
CLIENTS = {"clients": 5, "on": "1m", "off": "2m"}
EVENTS = [{"at": 1000, "for": 50, "times": 4}, {"at": 1020, "for": 0.25, "times": 0}]
ALL: dict[str, Any] = {
    "day_curve": [1.0, 2.0] * 12,
    "utc_offset_hours": 0.25,
    "bursts": TERMS,
    "on_off": CLIENTS,
    "growth_percent_per_week": 10,
    "events": EVENTS,
}


def spec(**fields: Any) -> VaryingArrivals:
    return VaryingArrivals.model_validate({"mean_rps": 2.0, **fields})


def blocks(of: VaryingArrivals, n: int, seed: int = 1, start_s: float = -100.0) -> list[Block]:
    path = RandomRate(of.settings(), of.mean_rps, "monday")
    return list(islice(path.blocks(np.random.default_rng(seed), start_s), n))


def joined(parts: list[Block]) -> tuple[FloatArray, FloatArray]:
    """Return edges and rates of blocks that must follow each other."""
    for one, two in pairwise(parts):
        assert one.edges_s[-1] == two.edges_s[0]
        assert one.expected[-1] == two.expected[0]
    edges_s = np.concatenate([parts[0].edges_s, *(part.edges_s[1:] for part in parts[1:])])
    expected = np.concatenate([parts[0].expected, *(part.expected[1:] for part in parts[1:])])
    kept = np.concatenate(([True], np.diff(edges_s) > 0))
    return edges_s[kept], np.diff(expected[kept]) / np.diff(edges_s[kept])


def test_a_path_begins_at_its_start_with_nothing() -> None:
    first = blocks(spec(**ALL), 1, start_s=-123.456)[0]
    assert (first.edges_s[0], first.expected[0]) == (-123.456, 0.0)
    assert len(first.edges_s) == len(first.expected)


def test_blocks_grow_and_stay_bounded() -> None:
    sizes = [len(block.edges_s) for block in blocks(spec(bursts=TERMS[:1]), 8)]
    assert sizes[0] < 600
    assert sizes[-1] == pytest.approx(module.BLOCK_CELLS, rel=0.05)
    busy = spec(on_off={"clients": 10_000, "on": "1s", "off": "1s"})
    assert max(len(block.edges_s) for block in blocks(busy, 12)) < 2 * module.BLOCK_CELLS


def test_known_rates_are_exact() -> None:
    of = spec(day_curve=[1.0, 2.0] * 12, growth_percent_per_week=10, events=EVENTS)
    edges_s, rates = joined(blocks(of, 2))
    envelope = Envelope(of.settings(), 2.0, "monday")
    assert rates == pytest.approx(envelope.at((edges_s[:-1] + edges_s[1:]) / 2), rel=1e-6)
    assert {1000.0, 1020.0, 1020.25, 1050.0, 3600.0, 7200.0} <= set(edges_s)


def test_all_that_varies_multiplies() -> None:
    """At the same draws the rate with everything is the product of those with one thing each."""
    _, rates = joined(blocks(spec(mean_rps=1.0, **ALL), 5))
    edges_s, _ = joined(blocks(spec(mean_rps=1.0, **ALL), 5))
    middles_s = (edges_s[:-1] + edges_s[1:]) / 2
    product = np.ones_like(rates)
    for key, value in ALL.items():
        if key == "utc_offset_hours":
            continue
        one = {key: value, "utc_offset_hours": 0.25}
        of = spec(mean_rps=1.0, **one)
        parts = []
        for block in RandomRate(of.settings(), 1.0, "monday").blocks(
            np.random.default_rng(1), -100.0
        ):
            parts.append(block)
            if block.edges_s[-1] > edges_s[-1]:
                break
        own_edges_s, own = joined(parts)
        product *= own[np.searchsorted(own_edges_s, middles_s) - 1]
    assert rates == pytest.approx(product, rel=1e-5)
    assert np.ptp(np.log(rates[rates > 0])) > 2.0


def test_silence_is_silence() -> None:
    edges_s, rates = joined(blocks(spec(**ALL), 6))
    silent = (edges_s[:-1] >= 1020.0) & (edges_s[1:] <= 1020.25)
    assert silent.any()
    assert not rates[silent].any()


@pytest.mark.parametrize("given", [ALL, {"bursts": TERMS}, {"on_off": CLIENTS}])
def test_blocks_leave_no_trace(given: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    whole = blocks(spec(**given), 6)
    edges_s = np.concatenate([block.edges_s[:-1] for block in whole])
    expected = np.concatenate([block.expected[:-1] for block in whole])
    monkeypatch.setattr(module, "FIRST_CELLS", 3)
    monkeypatch.setattr(module, "BLOCK_CELLS", 40)
    small = blocks(spec(**given), 400)
    assert len(small[-1].edges_s) < 200
    small_edges_s = np.concatenate([block.edges_s[:-1] for block in small])
    small_expected = np.concatenate([block.expected[:-1] for block in small])
    n = min(len(edges_s), len(small_edges_s))
    assert n > 1_000
    assert small_edges_s[:n].tobytes() == edges_s[:n].tobytes()
    assert small_expected[:n].tobytes() == expected[:n].tobytes()


def variance_of_ln(of: VaryingArrivals, from_s: float, to_s: float) -> float:
    """Estimate the variance of ln(rate) between two instants over paths that are independent."""
    found = []
    for seed in range(300):
        edges_s, rates = joined(blocks(of, 1, seed=seed, start_s=from_s))
        found.append(math.log(rates[np.searchsorted(edges_s, to_s) - 1]))
    return float(np.var(found, ddof=1))


def test_growth_by_clients_evens_bursts_out_and_growth_by_use_does_not() -> None:
    """Two weeks at double the rate a week quarter e^s² - 1; chi-squared with 299 degrees."""
    bursty = {"bursts": [{"variance": 0.4, "time": "100m"}], "growth_percent_per_week": 100}
    clients = spec(**bursty, load_grows_by="clients", bursts_at_rps=4.0)
    for of, factor in ((spec(**bursty), None), (clients, 2.0)):
        for week in (0, 2):
            theory = 0.4
            if factor:
                theory = math.log1p(math.expm1(0.4) * factor / 2**week)
            found = variance_of_ln(of, week * 604_800.0, week * 604_800.0 + 100.0)
            assert found == pytest.approx(theory, rel=4 * math.sqrt(2 / 299))


def test_the_grid_is_as_fine_as_needed() -> None:
    coarse = blocks(spec(events=EVENTS), 1)[0].edges_s
    assert np.diff(coarse).max() == 3600.0  # hours, though nothing varies
    fine = blocks(spec(bursts=[{"variance": 0.1, "time": 0.01}]), 1)[0].edges_s
    assert np.diff(fine).max() == pytest.approx(2.0**-10)
