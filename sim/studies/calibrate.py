"""Calibrate: fit host and card to measured runs, and say how far off runs are that were not fitted.

Knows no clock.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from sim.scenario.pool import Pool
from sim.studies.calibration_fit import Fit, fit
from sim.studies.calibration_model import Model
from sim.studies.calibration_parameters import block, parameters_of
from sim.studies.calibration_runs import FIGURES, BenchmarkRun, CalibrationError, Serving
from sim.studies.executors import run_all

LEAST_FOR_HOLD_OUT = 4
"""From so many runs of a pool on, every other one is held out unless told otherwise."""

EVERY_OTHER, NONE = "every-other", "none"


@dataclass(frozen=True)
class Compared:
    """A run, what the scenario's numbers make of it, and what the fitted ones do.

    `unseen`: by the fit that did without the held-out runs, for those that were held out.
    """

    run: BenchmarkRun
    before: Serving
    after: Serving
    unseen: Serving | None = None


@dataclass(frozen=True)
class Calibration:
    """The fit to all runs, the one without those held out, and every run beside its simulation."""

    fit: Fit
    without: Fit | None
    compared: tuple[Compared, ...]
    yaml: str
    simulations: int

    def error(self, figure: str, which: str) -> float | None:
        """Root mean square of the relative errors of *figure* over runs, as a share of 1.

        *which*: ``before``, ``after`` or ``unseen``, a field of `Compared`; None without any.
        """
        errors = [e for c in self.compared if (e := relative_error(c, figure, which)) is not None]
        if not errors:
            return None
        return math.sqrt(math.fsum(e * e for e in errors) / len(errors))


def relative_error(compared: Compared, figure: str, which: str) -> float | None:
    """Simulated over measured - 1 of one run; None where either is not known."""
    serving: Serving | None = getattr(compared, which)
    measured = compared.run.measured.of(figure)
    simulated = None if serving is None else serving.of(figure)
    if measured is None or simulated is None:
        return None
    return simulated / measured - 1.0


@dataclass(frozen=True)
class _Task:
    """One fit, as it travels to a worker process, and the runs it is then shown on."""

    runs: tuple[BenchmarkRun, ...]
    shown: tuple[BenchmarkRun, ...]
    pools: dict[str, Pool]
    fixed: tuple[str, ...]
    seed: int
    replications: int


@dataclass(frozen=True)
class _Done:
    fit: Fit
    before: list[Serving]
    after: list[Serving]
    simulations: int


Progress = Callable[[int], None]
"""Called with the simulations made so far."""


def calibrate(
    pools: Mapping[str, Pool],
    runs: Sequence[BenchmarkRun],
    *,
    hold_out: str = EVERY_OTHER,
    fixed: Collection[str] = (),
    seed: int = 0,
    replications: int = 5,
    jobs: int = 1,
    progress: Progress | None = None,
) -> Calibration:
    """Fit the numbers of host and card of *pools* to *runs*.

    Pools share one serving stack (the host), pools on one card its compute factor, pools of one
    mixture of experts its two factors. *hold_out* says which runs a second fit does without, so
    that its error on them is that of a prediction: ``every-other`` (of each pool that has at least
    four, the second, fourth ... by load), ``none``, rates such as ``10,25``, or ``pool:NAME``.
    *fixed* names parameters that stay as they are. Raises CalibrationError where nothing can be
    fitted.
    """
    used = {name: pool for name, pool in pools.items() if any(r.pool == name for r in runs)}
    ordered = tuple(sorted(runs, key=lambda r: (list(pools).index(r.pool), *r.order)))
    if not any(run.measured.of(figure) for run in ordered for figure in FIGURES):
        raise CalibrationError("the results hold no throughput, TPOT or TTFT to fit")
    unseen = held_out(ordered, hold_out)
    seen = tuple(run for run in ordered if run not in unseen)
    if not seen:
        raise CalibrationError(f"hold-out {hold_out!r} leaves no run to fit")
    tasks = [_Task(ordered, ordered, used, tuple(fixed), seed, replications)]
    if unseen:
        tasks.append(_Task(seen, unseen, used, tuple(fixed), seed, replications))
    if jobs == 1 or len(tasks) == 1:
        done: list[_Done] = []
        for task in tasks:
            before = sum(d.simulations for d in done)
            done.append(_fitted(task, _added(progress, before)))
    else:
        done = [outcome.unwrap() for outcome in run_all(_fitted, tasks, jobs)]
    whole, part = done[0], done[1] if unseen else None
    predicted = dict(zip(unseen, part.after, strict=True)) if part is not None else {}
    compared = tuple(
        Compared(run, before, after, predicted.get(run))
        for run, before, after in zip(ordered, whole.before, whole.after, strict=True)
    )
    return Calibration(
        fit=whole.fit,
        without=None if part is None else part.fit,
        compared=compared,
        yaml=block(used, whole.fit.values),
        simulations=sum(d.simulations for d in done),
    )


def _added(progress: Progress | None, before: int) -> Progress | None:
    return None if progress is None else lambda made: progress(before + made)


def _fitted(task: _Task, progress: Progress | None = None) -> _Done:
    model = Model(
        task.runs, task.pools, seed=task.seed, replications=task.replications, counter=progress
    )
    found = fit(model, parameters_of(_pools_of(task), task.fixed))
    # Those of cards and models that no run of the fit saw keep what the scenario says of them.
    starts = {one: one.start for one in parameters_of(task.pools.values(), task.fixed)}
    shown = Model(task.shown, task.pools, seed=task.seed, replications=task.replications)
    if task.shown == task.runs:
        shown = model
    before, after = shown.figures(starts), shown.figures({**starts, **found.values})
    made = model.simulations + (shown.simulations if shown is not model else 0)
    return _Done(found, before, after, made)


def _pools_of(task: _Task) -> list[Pool]:
    return [pool for name, pool in task.pools.items() if any(r.pool == name for r in task.runs)]


def held_out(runs: Sequence[BenchmarkRun], rule: str) -> tuple[BenchmarkRun, ...]:
    """Those of *runs*, sorted by pool and load, that *rule* keeps from the fit."""
    if rule == NONE:
        return ()
    if rule == EVERY_OTHER:
        found: list[BenchmarkRun] = []
        for pool in dict.fromkeys(run.pool for run in runs):
            mine = [run for run in runs if run.pool == pool]
            if len(mine) >= LEAST_FOR_HOLD_OUT:
                found += mine[1::2]
        return tuple(found)
    kind, _, name = rule.partition(":")
    if kind == "pool" and name:
        chosen = tuple(run for run in runs if run.pool == name)
        known = ", ".join(dict.fromkeys(run.pool for run in runs))
        if not chosen:
            raise CalibrationError(
                f"hold-out {rule!r}: no run is of pool {name!r}; there is {known}"
            )
        return chosen
    return _of_rates(runs, rule)


def _of_rates(runs: Sequence[BenchmarkRun], rule: str) -> tuple[BenchmarkRun, ...]:
    try:
        rates = {float(part) for part in rule.split(",")}
    except ValueError:
        raise CalibrationError(
            f"hold-out {rule!r} is not understood; allowed: {EVERY_OTHER}, {NONE}, rates such as "
            "10,25, or pool:NAME"
        ) from None
    known = {run.order[0] for run in runs}
    if strange := rates - known:
        there = ", ".join(f"{rate:g}" for rate in sorted(known))
        raise CalibrationError(
            f"hold-out {rule!r}: no run has the rate {min(strange):g}; there is {there}"
        )
    return tuple(run for run in runs if run.order[0] in rates)
