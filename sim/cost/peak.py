"""The airport game: who pays for capacity that is held for a peak; knows no clock.

Littlechild and Owen 1973: users of a runway share the cost of each further metre among those who
need it. Here a metre is a layer of capacity, one replica thick, and who needs it is read from the
intervals in which load reaches so high.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

BUSIEST_SHARE = 0.01
"""A layer is charged by at least this share of the intervals, so that no single one decides."""

ROUNDING = 1e-6
"""Replicas beyond a whole number that a mean of integrals may show: no layer of its own."""

Floats = NDArray[np.float64]


def interval_lengths_s(window_s: float, count: int, interval_s: float) -> Floats:
    """Lengths of *count* intervals that start every *interval_s*; the last ends with the window.

    >>> interval_lengths_s(700.0, 3, 300.0)
    array([300., 300., 100.])
    """
    starts = interval_s * np.arange(count)
    return np.asarray(np.minimum(interval_s, np.maximum(window_s - starts, 0.0)))


def peak_seconds(paid_replicas: Floats, used_replicas: Floats, lengths_s: Floats) -> Floats:
    """Replica-seconds that each route answers for: its own, and its part of what lay unused.

    `paid_replicas` has one value per interval, `used_replicas` (intervals, routes) the reference
    seconds of attempts that ended in it over its length, not all 0. The result sums to the paid
    replica-seconds, or to a little more where more ended than one could pay for.

    Two replicas for two intervals; the first route fills one all the time, the second fills the
    other in the first interval only, so it answers for that one's idleness in the second: its
    layer stood 300 s unused, of which it pays the half that it caused in the peak.

    >>> peak_seconds(np.full(2, 2.0), np.array([[1.0, 1.0], [1.0, 0.0]]), np.full(2, 300.0))
    array([750., 450.])
    """
    used = used_replicas.sum(axis=1)
    order = np.argsort(-used, kind="stable")
    busy = order[used[order] > 0.0]
    shares = used_replicas[busy] / used[busy, None]
    mean_shares = np.cumsum(shares, axis=0) / np.arange(1, len(busy) + 1)[:, None]
    layers = math.ceil(float(paid_replicas.max(initial=0.0)) - ROUNDING)
    heights = used[busy] * (layers / used[busy[0]])  # descending
    reaching = np.searchsorted(-heights, -np.arange(float(layers)))  # intervals above each layer
    least = min(math.ceil(BUSIEST_SHARE * len(used)), len(busy))
    unused_s = by_layer(paid_replicas, lengths_s, layers) - by_layer(used, lengths_s, layers)
    return np.asarray(
        lengths_s @ used_replicas + unused_s @ mean_shares[np.maximum(reaching, least) - 1]
    )


def by_layer(level: Floats, lengths_s: Floats, layers: int) -> Floats:
    """Seconds that each of *layers* is filled by *level*: its integral between j - 1 and j.

    The difference of what lies above j - 1 and above j, from sums over the sorted levels, so that
    a year of intervals and a thousand layers take no longer than a sort.

    >>> by_layer(np.array([0.5, 2.0]), np.array([300.0, 100.0]), 3)
    array([250., 100.,   0.])
    """
    order = np.argsort(level)
    level, lengths_s = level[order], lengths_s[order]
    edges = np.arange(layers + 1.0)
    first = np.searchsorted(level, edges)
    length_above = np.append(np.cumsum(lengths_s[::-1])[::-1], 0.0)[first]
    area_above = np.append(np.cumsum((lengths_s * level)[::-1])[::-1], 0.0)[first]
    above_s = area_above - edges * length_above
    return np.asarray(above_s[:-1] - above_s[1:])
