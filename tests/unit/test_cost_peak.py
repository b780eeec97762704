import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as nps

from sim.cost.peak import BUSIEST_SHARE, ROUNDING, by_layer, interval_lengths_s, peak_seconds

H, R = 7, 3
LOADS = nps.arrays(float, (H, R), elements=st.floats(0.0, 4.0))
PAID = nps.arrays(float, H, elements=st.floats(0.0, 9.0))
LENGTHS = np.array([300.0] * (H - 1) + [120.0])


def plain(paid: np.ndarray, used: np.ndarray, lengths: np.ndarray) -> list[float]:
    """The definition, word by word, in loops."""

    def clip(x: float) -> float:
        return min(max(x, 0.0), 1.0)

    total = used.sum(axis=1)
    layers = math.ceil(paid.max() - ROUNDING)
    busy = [h for h in np.argsort(-total, kind="stable") if total[h] > 0]
    least = busy[: max(1, math.ceil(BUSIEST_SHARE * len(total)))]
    pays = [float((used[:, r] * lengths).sum()) for r in range(used.shape[1])]
    for j in range(1, layers + 1):
        unused = sum(
            d * (clip(n - j + 1) - clip(b - j + 1))
            for n, b, d in zip(paid, total, lengths, strict=True)
        )
        need = [h for h in busy if total[h] * (layers / total.max()) > j - 1]
        need = need if len(need) >= len(least) else least
        for r in range(used.shape[1]):
            pays[r] += unused * sum(used[h, r] / total[h] for h in need) / len(need)
    return pays


@settings(deadline=None)
@given(PAID, LOADS)
def test_agrees_with_the_definition(paid: np.ndarray, used: np.ndarray) -> None:
    used = np.where(used < 1e-6, 0.0, used)
    if not used.any():
        return
    assert peak_seconds(paid, used, LENGTHS) == pytest.approx(
        plain(paid, used, LENGTHS), rel=1e-9, abs=1e-6
    )


@settings(deadline=None)
@given(PAID, LOADS)
def test_sums_to_what_was_paid_and_what_ended_beyond_it(paid: np.ndarray, used: np.ndarray) -> None:
    used = np.where(used < 1e-6, 0.0, used)
    if not used.any():
        return
    layers = math.ceil(paid.max() - ROUNDING)
    beyond = np.maximum(used.sum(axis=1) - layers, 0.0)
    expected = float(((np.minimum(paid, layers) + beyond) * LENGTHS).sum())
    assert peak_seconds(paid, used, LENGTHS).sum() == pytest.approx(expected, rel=1e-9, abs=1e-6)


def test_who_makes_the_peak_pays_for_it() -> None:
    """Steady a fills one of two replicas; b doubles the load in one interval of four.

    Layer 2 stands unused for three intervals, and is needed in the one where b has half the load.
    By use, a would pay 4/5 of the whole; by peak it pays 4 x 300 + 900/2 of 2,400 s.
    """
    used = np.array([[1.0, 1.0], [1.0, 0.0], [1.0, 0.0], [1.0, 0.0]])
    pays = peak_seconds(np.full(4, 2.0), used, np.full(4, 300.0))
    assert pays.tolist() == [1200 + 450, 300 + 450]


def test_equal_profiles_pay_by_use() -> None:
    day = np.array([0.2, 1.0, 1.8, 0.6])
    used = np.stack([day * 0.75, day * 0.25], axis=1)
    pays = peak_seconds(np.full(4, 2.0), used, np.full(4, 300.0))
    assert pays[0] / pays.sum() == pytest.approx(0.75)


def test_top_layer_is_charged_by_the_busiest_hundredth() -> None:
    """Of 300 intervals, three pay for the top layer even if one alone reaches it."""
    used = np.zeros((300, 2))
    used[:, 0] = 0.5
    used[7] = [0.0, 2.0]
    paid = np.full(300, 2.0)
    pays = peak_seconds(paid, used, np.full(300, 300.0))
    top = 300.0 * 299  # layer 2 is used in one interval
    bottom = 300.0 * 299 * 0.5  # layer 1 is half used in all others
    assert pays[1] == pytest.approx(2 * 300 + top / 3 + bottom / 300)


def test_last_interval_may_be_short() -> None:
    assert interval_lengths_s(1000.0, 4, 300.0).tolist() == [300.0, 300.0, 300.0, 100.0]
    assert interval_lengths_s(900.0, 3, 300.0).tolist() == [300.0, 300.0, 300.0]


def test_rounding_makes_no_layer() -> None:
    used = np.array([[1.5, 0.5], [0.5, 0.0]])
    exact = peak_seconds(np.full(2, 2.0), used, np.full(2, 300.0))
    nearly = peak_seconds(np.full(2, 2.0 + 1e-12), used, np.full(2, 300.0))
    assert nearly == pytest.approx(exact)


@settings(deadline=None)
@given(PAID)
def test_layers_fill_up_to_the_level(level: np.ndarray) -> None:
    by_hand = [sum(LENGTHS * np.clip(level - j, 0.0, 1.0)) for j in range(10)]
    assert by_layer(level, LENGTHS, 10) == pytest.approx(by_hand, rel=1e-9, abs=1e-9)
