"""Commitment: how many nodes to reserve, given how often how many are needed; knows no clock.

F(k) is the share of time with at least k paid nodes. A reserved node costs r per hour, used or not,
one on demand o while it is there, so node k is worth reserving if and only if F(k) > r / o; with R
reserved nodes an hour costs r R + o (F(R+1) + F(R+2) + ...). F falls, so that the best R is how
many k pass: the newsvendor's rule (Arrow, Harris and Marschak 1951), one node at a time.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

DEMANDS = (0.7, 1.3)
"""Demand other than what it was, at which the advice is tried: 30 % less and more."""

ROUNDING = 1e-9


def shares_of_time(at_least_s: Floats, window_s: float) -> Floats:
    """F(1), F(2), ...: shares of the window with at least so many nodes."""
    return np.asarray(at_least_s, dtype=np.float64) / window_s


def scaled(shares: Floats, demand: float) -> Floats:
    """F if every need had been *demand* times as large, in whole nodes: ceil(demand x n) for n.

    At least k are then needed whenever n > (k - 1) / demand.

    >>> scaled(np.array([1.0, 0.5]), 2.0)  # 1 becomes 2, 2 becomes 4
    array([1. , 1. , 0.5, 0.5])
    """
    most = math.ceil(len(shares) * demand - ROUNDING)
    before = np.floor((np.arange(most) / demand) + ROUNDING).astype(np.int64)  # n must be above
    return np.asarray(shares[np.minimum(before, len(shares) - 1)]) if most else shares[:0]


def usd_per_hour(shares: Floats, reserved: int, reserved_usd: float, on_demand_usd: float) -> float:
    """What an hour costs with *reserved* nodes committed to, the others on demand.

    >>> usd_per_hour(np.array([1.0, 0.5]), 1, 6.0, 10.0)
    11.0
    """
    beyond = math.fsum(shares[reserved:].tolist())
    return reserved_usd * reserved + on_demand_usd * beyond


def best_reserved(shares: Floats, reserved_usd: float, on_demand_usd: float) -> int:
    """The number of nodes to reserve: those k with F(k) > r / o."""
    return int(np.sum(shares * on_demand_usd > reserved_usd))


@dataclass(frozen=True)
class Regret:
    """What the advice costs per hour if demand is `demand` times as large, and the best would."""

    demand: float
    usd_per_hour: float
    best_nodes: int
    best_usd_per_hour: float

    @property
    def regret_usd_per_hour(self) -> float:
        """Dollars an hour that knowing it would have saved."""
        return self.usd_per_hour - self.best_usd_per_hour


@dataclass(frozen=True)
class Advice:
    """How many nodes to reserve (beside `owned` ones), what an hour then costs, and what if not.

    `on_demand_usd_per_hour` is the price of a node, `usd_per_hour_without` the cost of an hour with
    no reserved nodes.
    """

    owned: int
    nodes: int
    reserved_usd_per_hour: float
    on_demand_usd_per_hour: float
    usd_per_hour: float
    usd_per_hour_without: float
    shares: tuple[float, ...]
    regrets: tuple[Regret, ...]

    @property
    def saved_share(self) -> float:
        """Part of the cost of an hour that it saves, of nodes on demand alone."""
        without = self.usd_per_hour_without
        return 1.0 - self.usd_per_hour / without if without > 0.0 else 0.0


def advice(
    at_least_s: Floats,
    window_s: float,
    reserved_usd: float,
    on_demand_usd: float,
    owned: int = 0,
    demands: Sequence[float] = DEMANDS,
) -> Advice:
    """The advice for one pool, whose first *owned* nodes are bought already."""
    every = shares_of_time(at_least_s, window_s)
    shares = every[owned:]
    nodes = best_reserved(shares, reserved_usd, on_demand_usd)

    def regret(demand: float) -> Regret:
        other = scaled(every, demand)[owned:]
        best = best_reserved(other, reserved_usd, on_demand_usd)
        return Regret(
            demand=demand,
            usd_per_hour=usd_per_hour(other, nodes, reserved_usd, on_demand_usd),
            best_nodes=best,
            best_usd_per_hour=usd_per_hour(other, best, reserved_usd, on_demand_usd),
        )

    return Advice(
        owned=owned,
        nodes=nodes,
        reserved_usd_per_hour=reserved_usd,
        on_demand_usd_per_hour=on_demand_usd,
        usd_per_hour=usd_per_hour(shares, nodes, reserved_usd, on_demand_usd),
        usd_per_hour_without=usd_per_hour(shares, 0, reserved_usd, on_demand_usd),
        shares=tuple(shares.tolist()),
        regrets=tuple(regret(demand) for demand in demands),
    )
