"""Rate path: how a rate that is partly random comes about, with its integral; knows no clock.

It goes in cells, stretches of time with one rate each. Cells come in blocks of bounded size, as
far as they are needed; neither rates nor integrals depend on where a block ends.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import NamedTuple

import numpy as np

from sim.scenario.rate import RateSettings
from sim.traffic.chunk import FloatArray, IntArray
from sim.traffic.draws import branch
from sim.traffic.envelope import Envelope
from sim.traffic.on_off import OnOffPath, switches_per_s
from sim.traffic.ornstein import COARSEST_S, WanderingTerm, grid_origin_s, step_s
from sim.traffic.rates import HOUR_S

BLOCK_CELLS = 8_192
"""Most cells of a block, more or less: its arrays fit a processor's cache."""

FIRST_CELLS = 512
"""Size of the first block: a short run should not pay for a long one."""

_SWITCHES_PER_CELL = 64.0


class Block(NamedTuple):
    """Consecutive cells: their edges (s), and the requests expected from the start to each."""

    edges_s: FloatArray
    expected: FloatArray


class RandomRate:
    """The rate of *settings*, which takes another path each time.

    *mean_per_s* stands for the mean rate of *settings* where the points are batches or the like;
    strength of bursts goes by the requests' own.
    """

    def __init__(self, settings: RateSettings, mean_per_s: float, starts_on: str) -> None:
        self._settings = settings
        self._envelope = Envelope(settings, mean_per_s, starts_on)
        steps = [COARSEST_S, *(step_s(term.time_s) for term in settings.terms)]
        on_off = settings.on_off
        per_s = switches_per_s(on_off.clients, on_off.on, on_off.off) if on_off else 0.0
        while min(steps) * per_s > _SWITCHES_PER_CELL:
            steps.append(min(steps) / 2)
        self._step_s = min(steps)
        parts = 1.0 + self._step_s * (per_s + 1.0 / HOUR_S)  # that a step is cut into
        self._first, self._most = (max(1, int(n / parts)) for n in (FIRST_CELLS, BLOCK_CELLS))

    def blocks(self, rng: np.random.Generator, start_s: float) -> Iterator[Block]:
        """Yield one path from *start_s* on, drawn from branches of *rng*.

        Endless, unless the rate falls to nothing.
        """
        path = _Path(self._settings, self._envelope, self._step_s, rng, start_s)
        n = self._first
        while path.reached_s < self._envelope.ends_s:
            yield path.next_block(n)
            n = min(2 * n, self._most)


class _Path:
    """One path of the rate: what was drawn, and how far it has come."""

    def __init__(
        self,
        settings: RateSettings,
        envelope: Envelope,
        base_s: float,
        rng: np.random.Generator,
        start_s: float,
    ) -> None:
        self.reached_s = start_s
        self._expected = 0.0
        self._envelope = envelope
        self._base_s = base_s
        self._origin_s = grid_origin_s(branch(rng, "grid"))
        self._cell = math.floor((start_s - self._origin_s) / base_s)
        self._on_off: OnOffPath | None = None
        if (on_off := settings.on_off) is not None:
            own = branch(rng, "on off")
            self._on_off = OnOffPath(own, on_off.clients, on_off.on, on_off.off, start_s)
        self._terms = [
            WanderingTerm(
                branch(rng, f"bursts {index}"),
                term.time_s,
                _strength(term.variance, settings, envelope),
                base_s,
                self._origin_s,
                self._cell,
            )
            for index, term in enumerate(settings.terms)
        ]

    def next_block(self, n: int) -> Block:
        """Return the next *n* cells of the base grid.

        They are cut where the envelope changes or a client switches, so there may be more.
        """
        begin, end = self._cell, self._cell + n
        grid_s = self._origin_s + np.arange(begin, end + 1, dtype=np.float64) * self._base_s
        grid_s[0] = self.reached_s
        changes_s, known = self._known(float(grid_s[0]), float(grid_s[-1]))
        places = np.searchsorted(grid_s, changes_s)  # the cell before each is cut
        edges_s = np.insert(grid_s, places, changes_s)
        per_s = np.repeat(known, _lengths(places + np.arange(len(places)), len(edges_s) - 1))
        if self._terms:
            wandering = self._terms[0].factors(begin, end)
            for term in self._terms[1:]:
                wandering = wandering * term.factors(begin, end)
            per_s *= np.repeat(wandering, 1 + np.bincount(places - 1, minlength=n))
        masses = per_s * (edges_s[1:] - edges_s[:-1])
        expected = np.cumsum(np.concatenate(([self._expected], masses)))
        self._cell, self.reached_s, self._expected = end, float(grid_s[-1]), float(expected[-1])
        return Block(edges_s, expected)

    def _known(self, start_s: float, end_s: float) -> tuple[FloatArray, FloatArray]:
        """Return where the rate but for the bursts changes in between, and it before and after."""
        changes_s = self._envelope.changes_s(start_s, end_s)
        if self._on_off is None:
            return changes_s, self._envelope.at(_middles(start_s, changes_s, end_s))
        switches_s, active = self._on_off.until(end_s)
        changes_s = np.union1d(changes_s, switches_s[switches_s > start_s])
        middles_s = _middles(start_s, changes_s, end_s)
        now_active = active[np.searchsorted(switches_s, middles_s)]
        return changes_s, self._envelope.at(middles_s) * now_active


def _middles(start_s: float, changes_s: FloatArray, end_s: float) -> FloatArray:
    """Return the middles of the stretches from *start_s* to *end_s* that *changes_s* cut."""
    edges_s = np.concatenate(([start_s], changes_s, [end_s]))
    return np.asarray((edges_s[:-1] + edges_s[1:]) / 2)


def _lengths(borders: IntArray, n: int) -> IntArray:
    """Return how long the pieces of 0 ... *n* are that *borders* cut.

    >>> _lengths(np.array([2, 3]), 10).tolist()
    [2, 1, 7]
    """
    return np.diff(borders, prepend=0, append=n)


def _strength(
    variance: float, settings: RateSettings, envelope: Envelope
) -> Callable[[FloatArray], FloatArray]:
    """Return s² of a burst term over time, as `load_grows_by` has it."""
    if settings.bursts_at_rps is None:
        return lambda at_s: np.array(variance)  # one number will do for all times
    relative = np.expm1(variance) * settings.bursts_at_rps / settings.mean_rps
    return lambda at_s: np.asarray(np.log1p(relative / envelope.growth(at_s)))
