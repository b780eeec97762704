"""Token table: a quantile table of a few points that is as near to a sample as it can be.

Knows no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from sim.scenario.lengths import QuantileLengths
from sim.traffic.chunk import FloatArray, IntArray

POINTS = 29
"""Points of a whole trace's table: as many as those of the catalog."""

TAIL_LEVELS = (0.01, 0.99, 0.999, 0.9999, 0.99999)
"""Levels that every table has, so that its tails and its middle are right."""

_DECIMALS = 6
_HAIR = 1e-6
_NEAR = 1e-4
_MOVES = 12


@dataclass(frozen=True)
class TokenTable:
    """Quantiles: `tokens` at `levels` from 0 to 1, linear in ln tokens between them.

    Two levels with the same tokens are an atom.
    """

    levels: tuple[float, ...]
    tokens: tuple[int, ...]

    def spec(self) -> QuantileLengths:
        """Return the lengths of a scenario that say this."""
        return QuantileLengths(quantiles=self.quantiles())

    def quantiles(self) -> dict[str, int]:
        """Return level -> tokens as a scenario has it."""
        return {f"{level:g}": n for level, n in zip(self.levels, self.tokens, strict=True)}


@dataclass(frozen=True)
class Share:
    """The distribution function of whole token counts: P(X <= tokens), tokens rising."""

    tokens: IntArray
    up_to: FloatArray

    def at(self, tokens: IntArray) -> FloatArray:
        """Return P(X <= n) for each n of *tokens*."""
        below = np.concatenate(([0.0], self.up_to))
        return np.asarray(below[np.searchsorted(self.tokens, tokens, "right")], dtype=np.float64)

    def quantile(self, level: float) -> int:
        """Return the least count whose P(X <= n) is at least *level*."""
        place = int(np.searchsorted(self.up_to, level - 1e-12))
        return int(self.tokens[min(place, len(self.tokens) - 1)])


def share_of(tokens: IntArray, weights: FloatArray | None = None) -> Share:
    """Return the distribution function of a sample, or of counts with *weights*."""
    values, places = np.unique(tokens, return_inverse=True)
    sums = np.bincount(places, weights=weights)
    up_to = np.cumsum(sums) / sums.sum()
    up_to[-1] = 1.0
    return Share(values.astype(np.int64), up_to)


def table_of(
    share: Share, points: int = POINTS, tail_levels: Sequence[float] = TAIL_LEVELS
) -> TokenTable:
    """Return the table of at most *points* points for *share*.

    A point (P(X <= n), n) is exact for n whole tokens, since draws are rounded up. It starts
    with *tail_levels*, puts each further point where the table so far is farthest from *share*,
    and then moves the points that are missed least to where it still is, while that helps. An
    atom ends up with a point on either side.
    """
    least, most = int(share.tokens[0]), int(share.tokens[-1])
    fixed = {0.0: least, 1.0: most}
    for level in tail_levels:
        _add(fixed, share, share.quantile(level))
    goal = _Goal.of(share)
    knots = _filled(dict(fixed), share, goal, points)
    for _ in range(_MOVES):
        spare = [_without(knots, level) for level in sorted(knots.keys() - fixed.keys())]
        if not spare:
            break
        moved = _filled(min(spare, key=goal.distance), share, goal, points)
        if goal.distance(moved) >= goal.distance(knots):
            break
        knots = moved
    levels = sorted(knots)
    return TokenTable(tuple(levels), tuple(knots[level] for level in levels))


@dataclass(frozen=True)
class _Goal:
    """P(X <= n) at each n where a table can be farthest from it: on both sides of every jump."""

    at: IntArray
    true: FloatArray

    @classmethod
    def of(cls, share: Share) -> _Goal:
        at = np.unique(np.concatenate((share.tokens - 1, share.tokens)))
        at = at[at >= share.tokens[0]]
        return cls(at, share.at(at))

    def misses(self, knots: Mapping[float, int]) -> FloatArray:
        """Return how far the table of *knots* is off at each of `at`."""
        levels = sorted(knots)
        log_tokens = np.log([knots[level] for level in levels])
        return np.abs(np.interp(np.log(self.at), log_tokens, levels, right=1.0) - self.true)

    def distance(self, knots: Mapping[float, int]) -> float:
        """Return the largest of `misses`."""
        return float(self.misses(knots).max())


def _without(knots: Mapping[float, int], level: float) -> dict[float, int]:
    return {own: tokens for own, tokens in knots.items() if own != level}


def _filled(knots: dict[float, int], share: Share, goal: _Goal, points: int) -> dict[float, int]:
    """Add points where *knots* miss most, until there are *points* or all is near."""
    tried: set[int] = set()
    while len(knots) < points:
        misses = goal.misses(knots)
        misses[list(tried)] = 0.0
        worst = int(misses.argmax())
        if misses[worst] < _NEAR:
            break
        _add(knots, share, int(goal.at[worst]))
        tried.add(worst)
    return knots


def _add(knots: dict[float, int], share: Share, tokens: int) -> None:
    """Put the point of *tokens* into *knots*, a hair beside one with the same level."""
    level = round(float(share.at(np.array([tokens]))[0]), _DECIMALS)
    if level in knots and tokens != knots[level]:
        level = round(level + (_HAIR if tokens > knots[level] else -_HAIR), _DECIMALS)
    if level not in knots and 0.0 < level < 1.0:
        knots[level] = tokens
