"""Fan-out: batches of geometric size, their members in time order, also over the start."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest
from scipy import stats

from sim.traffic.chunk import CHUNK_REQUESTS, FloatArray
from sim.traffic.fan_out import FanOut
from sim.traffic.rates import ConstantRate
from sim.traffic.renewal import Renewal

P_MIN = 0.001


class Given:
    """Starts at given instants, from the start on; ends."""

    def __init__(self, *starts_s: float) -> None:
        self._starts_s = starts_s
        self.begins: list[float] = []

    def chunks(
        self, rng: np.random.Generator, start_s: float, limit: int = CHUNK_REQUESTS
    ) -> Iterator[FloatArray]:
        self.begins.append(start_s)
        for begin in range(0, len(self._starts_s), limit):
            yield np.array(self._starts_s[begin : begin + limit])


def drawn(process: FanOut, seed: int, start_s: float, limit: int = 4096) -> FloatArray:
    return np.concatenate(list(process.chunks(np.random.default_rng(seed), start_s, limit)))


def test_members_follow_their_start_one_gap_apart() -> None:
    starts = [1000.0 * i for i in range(5_000)]
    at_s = drawn(FanOut(Given(*starts), 3.0, 0.25), 1, 0.0)
    batch = np.floor(at_s / 1000.0 + 1e-9).astype(int)
    sizes = np.bincount(batch)
    firsts = np.repeat(np.cumsum(sizes) - sizes, sizes)
    place = np.arange(len(at_s)) - firsts
    assert at_s.tolist() == (1000.0 * batch + 0.25 * place).tolist()
    found = np.bincount(np.minimum(sizes, 15), minlength=16)[1:]
    share = stats.geom.pmf(np.arange(1, 16), 1 / 3)
    share[-1] += stats.geom.sf(15, 1 / 3)
    assert stats.chisquare(found, share * 5_000).pvalue > P_MIN


def test_batches_that_overlap_come_in_time_order() -> None:
    at_s = drawn(FanOut(Given(0.0, 0.1, 0.2, 0.3, 5.0), 20.0, 1.0), 2, 0.0, limit=4)
    assert np.diff(at_s).min() >= 0.0
    whole = drawn(FanOut(Given(0.0, 0.1, 0.2, 0.3, 5.0), 20.0, 1.0), 2, 0.0)
    assert at_s.tobytes() == whole.tobytes()
    assert {0.0, 0.1, 0.2, 0.3, 5.0} <= set(at_s)


def test_batches_under_way_at_the_start_are_there() -> None:
    given = Given(-3.0, 2.0)
    at_s = drawn(FanOut(given, 30.0, 1.0), 3, 0.0)
    assert given.begins[0] < -400.0  # some 600 members are as good as never exceeded
    assert at_s[0] == 0.0  # the fourth of the first batch
    process = FanOut(Renewal(ConstantRate(1.0)), 10.0, 2.0)
    early = []
    for seed in range(400):
        chunks = process.chunks(np.random.default_rng(seed), 0.0)
        early.append(int(np.searchsorted(next(chunks), 5.0)))
    mean, half = np.mean(early), 3.3 * np.std(early, ddof=1) / 20.0
    assert abs(mean - 50.0) < half < 4.0


def test_it_holds_back_no_more_than_is_under_way() -> None:
    process = FanOut(Renewal(ConstantRate(100.0)), 4.0, 0.05)
    for limit in (1, 17, 4096):
        chunks = process.chunks(np.random.default_rng(4), 0.0, limit)
        sizes = [len(chunk) for chunk in itertools.islice(chunks, 50)]
        assert min(sizes) >= 1
        assert max(sizes) <= limit


def test_sizes_do_not_hang_on_the_starts() -> None:
    """Another process of starts has batches of the same sizes, in order."""
    found = []
    for step_s in (100.0, 250.0):
        starts = [step_s * i for i in range(200)]
        at_s = drawn(FanOut(Given(*starts), 5.0), 5, 0.0)
        found.append(np.bincount((at_s / step_s + 1e-9).astype(int)).tolist())
    assert found[0] == found[1]


@pytest.mark.parametrize(("mean_size", "gap_s"), [(0.9, 0.0), (np.inf, 0.0), (2.0, -1.0)])
def test_impossible_batches_are_refused(mean_size: float, gap_s: float) -> None:
    with pytest.raises(ValueError, match="mean_size"):
        FanOut(Given(0.0), mean_size, gap_s)
