"""Calibration model: what the simulator says of the measured runs, for any parameters.

Knows no clock. The same random instants serve every set of parameters, so that two sets differ by
their numbers alone.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np

from sim.scenario.pool import Pool
from sim.studies.calibration_parameters import Parameter, Values, applied
from sim.studies.calibration_replay import replay
from sim.studies.calibration_runs import FIGURES, BenchmarkRun, Serving

OWN_ERROR = {"output_tokens_per_s": 0.01, "tpot_s": 0.03, "ttft_s": 0.10}
"""Relative error that a measured figure has for reasons of its own, beside chance."""

STEP_ERROR = 0.02
"""Relative error of a step's time that no choice of parameters takes away: the tables reproduce
the kernel times they were fitted to within 2 to 3 % (docs/validation.md). Where a figure answers
to it many times over (TPOT at the knee, TTFT beyond), it is trusted so much less."""

SLOWER = 1.02
"""Factor on step times by which that answer is found."""

_NOTHING_S = 1e-9

Counter = Callable[[int], None]
"""Called with the simulations made so far."""


class Model:
    """Simulated figures of *runs*, remembered, and how far each is to be trusted."""

    def __init__(
        self,
        runs: Sequence[BenchmarkRun],
        pools: Mapping[str, Pool],
        *,
        seed: int = 0,
        replications: int = 5,
        counter: Counter | None = None,
    ) -> None:
        self.runs = runs
        self.pools = pools
        self.seed = seed
        self.replications = replications
        self.simulations = 0
        self._counter = counter
        self._known: dict[tuple[int, Pool, float], np.ndarray] = {}
        self.shown = [
            (i, figure)
            for i, run in enumerate(runs)
            for figure in FIGURES
            if run.measured.of(figure)
        ]
        """(run, figure) of each residual."""
        self.measured = np.array([math.log(runs[i].measured.of(f) or 1.0) for i, f in self.shown])

    def figures(self, values: Values, slow: float = 1.0) -> list[Serving]:
        """Simulated figures of each run: geometric means over replications."""
        found = []
        for i, run in enumerate(self.runs):
            logs = self._logs(i, applied(self.pools[run.pool], values), slow).mean(axis=0)
            known = (math.exp(x) if math.isfinite(x) else None for x in logs)
            found.append(Serving(*known))
        return found

    def logs(self, values: Values, slow: float = 1.0) -> np.ndarray:
        """Logarithms of the simulated figures, one for each of `shown`."""
        return np.asarray(self._table(values, slow).mean(axis=1))

    def trust(self, values: Values) -> np.ndarray:
        """Relative standard error to be expected of each of `shown`, near *values*.

        Own error, the chance of one random stream (a measurement is one, the simulation a mean
        over several), and what an error of `STEP_ERROR` in step times comes to.
        """
        table = self._table(values, 1.0)
        own = np.array([OWN_ERROR[figure] for _, figure in self.shown])
        chance = table.std(axis=1, ddof=1) if self.replications > 1 else np.zeros(len(own))
        answer = (self.logs(values, SLOWER) - table.mean(axis=1)) / math.log(SLOWER)
        spread = 1.0 + 1.0 / self.replications
        return np.asarray(np.sqrt(own**2 + spread * chance**2 + (STEP_ERROR * answer) ** 2))

    def slopes(self, values: Values, free: Sequence[Parameter]) -> np.ndarray:
        """Derivatives of `logs` by each of *free* in units of its `vague`, by differences.

        Steps are wide: simulated medians are not smooth, and what a small step does is chance.
        """
        here = self.logs(values)
        columns = []
        for one in free:
            step = 0.3 * one.vague
            if values[one] + step > one.high:
                step = -step
            there = self.logs({**values, one: values[one] + step})
            columns.append((there - here) / (step / one.vague))
        return np.array(columns).T.reshape(len(here), len(free))

    def _table(self, values: Values, slow: float) -> np.ndarray:
        """Logarithms of figures, one row for each of `shown`, one column per replication."""
        pools = {name: applied(pool, values) for name, pool in self.pools.items()}
        return np.array(
            [
                self._logs(i, pools[self.runs[i].pool], slow)[:, FIGURES.index(figure)]
                for i, figure in self.shown
            ]
        )

    def _logs(self, index: int, pool: Pool, slow: float) -> np.ndarray:
        key = index, pool, slow
        if key not in self._known:
            self._known[key] = self._simulated(self.runs[index], pool, slow)
        return self._known[key]

    def _simulated(self, run: BenchmarkRun, pool: Pool, slow: float) -> np.ndarray:
        rows = []
        for number in range(self.replications if run.load.is_drawn else 1):
            found = replay(run, pool, seed=self.seed, replication=number, slow=slow)
            rows.append([_log(found.of(figure)) for figure in FIGURES])
            self.simulations += 1
        if self._counter is not None:
            self._counter(self.simulations)
        return np.array(rows * (self.replications // len(rows)))


def _log(value: float | None) -> float:
    return math.nan if value is None else math.log(max(value, _NOTHING_S))
