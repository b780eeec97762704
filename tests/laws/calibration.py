"""Calibration: what a fit to measured runs reaches, predicts and recovers. Knows no clock.

    python -m tests.laws.calibration

prints the tables of `docs/validation.md`; it takes some minutes. It needs
`measured/vllm_serving_runs.csv` in the folder that TOKENFLEET_DATA names.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np

from sim.scenario.pool import Pool
from sim.studies.calibrate import Calibration, calibrate
from sim.studies.calibration_model import Model
from sim.studies.calibration_parameters import Parameter, applied, parameters_of
from sim.studies.calibration_replay import replay
from sim.studies.calibration_runs import FIGURES, BenchmarkRun, Load, Serving
from tests.datadir import DATA_VARIABLE, data_root
from tests.laws.measured import FILE, OUTPUT_TOKENS, REQUESTS, SETS, measured_runs, scenario

INPUT_TOKENS = 512
JOBS = 2

TRUTH = {
    "per_step_s": 0.0005,
    "per_sequence_s": 20e-6,
    "per_prefill_step_s": 0.005,
    "first_token_s": 0.020,
    "compute_factor": 1.3,
}
"""Numbers that are to be found again; those of the shipped host are far from them."""

NOISE = 0.02
"""Relative error that is put on every figure of a run that the simulator makes up."""

BLIND = {
    "A1": {"compute_factor": 1.15},
    "C3": {"host": {"per_step_s": 0.0003, "per_sequence_s": 26e-6, "per_prefill_step_s": 0.003,
                    "first_token_s": 0.012}},
}  # fmt: skip
"""What a scenario would say if this configuration had never been measured: the guess for cards
under load; no correction of mixtures of experts."""


def pools(names: Iterable[str] = SETS) -> dict[str, Pool]:
    """The pool of each configuration, as shipped."""
    return {name: scenario(name, 1.0).pools["c1"] for name in names}


def load_of(rps: float) -> Load:
    """What the benchmark sent."""
    return Load(REQUESTS, rps, (INPUT_TOKENS,), (OUTPUT_TOKENS,))


def runs(file: Path, names: Iterable[str] = SETS) -> list[BenchmarkRun]:
    """The measured runs of *names*."""
    measured = measured_runs(file)
    return [
        BenchmarkRun(
            f"{name} {rps:g}",
            name,
            load_of(rps),
            Serving(run.output_tokens_per_s, run.tpot_p50_s, run.ttft_p50_s),
        )
        for name in names
        for rps, run in measured[name].items()
    ]


def made_up(
    pool: Pool, rates: Sequence[float], seed: int, noise: float = NOISE
) -> list[BenchmarkRun]:
    """Runs on an engine of `TRUTH` with arrivals of their own, and *noise* on each figure."""
    values = {one: TRUTH[one.name] for one in parameters_of([pool])}
    engine = applied(pool, values)
    rng = np.random.default_rng(seed)
    found = []
    for rps in rates:
        run = BenchmarkRun(f"{rps:g}", "main", load_of(rps), Serving())
        clean = replay(run, engine, seed=1000 + seed)
        noisy = {f: (clean.of(f) or math.nan) * math.exp(noise * rng.normal()) for f in FIGURES}
        found.append(replace(run, measured=Serving(**noisy)))
    return found


def alone_table(found: dict[str, Calibration]) -> str:
    """RMS errors of each configuration fitted alone: before / after / on held-out rates."""
    lines = ["| fitted alone | tokens/s | TPOT p50 | TTFT p50 |", "|---|--:|--:|--:|"]
    for name, one in found.items():
        cells = [
            " / ".join(
                _percent(one.error(figure, which)) for which in ("before", "after", "unseen")
            )
            for figure in FIGURES
        ]
        lines.append(f"| {name} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _percent(share: float | None) -> str:
    return "n/a" if share is None else f"{100 * share:.1f} %"


def errors_table(found: Iterable[tuple[BenchmarkRun, Serving]]) -> str:
    """Simulated over measured - 1 of each run, in percent, a row for each pool and figure."""
    pairs = list(found)
    rates = sorted({run.load.rps or 0.0 for run, _ in pairs})
    head = " | ".join(f"{rps:g}" for rps in rates)
    lines = [f"| | figure | {head} |", "|---|---|" + "--:|" * len(rates)]
    for name in dict.fromkeys(run.pool for run, _ in pairs):
        for figure in FIGURES:
            ratios = [
                (ours.of(figure) or math.nan) / (run.measured.of(figure) or math.nan)
                for run, ours in pairs
                if run.pool == name
            ]
            cells = [f"{100 * (ratio - 1):+.1f}" for ratio in ratios]
            lines.append(f"| {name} | {figure} | {' | '.join(cells)} |")
    return "\n".join(lines)


def after(found: Calibration) -> list[tuple[BenchmarkRun, Serving]]:
    """Each run with what the fit to all makes of it."""
    return [(one.run, one.after) for one in found.compared]


def predicted(file: Path, name: str, blind: bool) -> list[tuple[BenchmarkRun, Serving]]:
    """Runs of *name* with what a fit to the other two configurations says of them.

    Its own card and model, if the others have them not, keep the shipped numbers; if *blind*,
    those of `BLIND`, which nobody fitted to it.
    """
    others = [other for other in SETS if other != name]
    found = calibrate(pools(others), runs(file, others), hold_out="none", replications=3)
    pool = pools([name])[name]
    if blind and name in BLIND:
        pool = Pool.model_validate({**pool.model_dump(), **BLIND[name]})
    mine = runs(file, [name])
    starts = {one: one.start for one in parameters_of([pool])}
    known = {(one.name, one.owner): value for one, value in found.fit.values.items()}
    values = {one: known.get((one.name, one.owner), start) for one, start in starts.items()}
    return list(zip(mine, Model(mine, {name: pool}).figures(values), strict=True))


def estimates_table(found: Calibration) -> str:
    """What became of each parameter."""
    lines = ["| number | before | fitted | standard error | |", "|---|--:|--:|--:|---|"]
    for one in found.fit.estimates:
        error = "" if one.standard_error is None else f"{one.standard_error:.2g}"
        start = f"{one.parameter.start:.3g}"
        lines.append(
            f"| {one.parameter.title} | {start} | {one.value:.3g} | {error} | {one.kept or ''} |"
        )
    return "\n".join(lines)


def recovered(datasets: int, rates: Sequence[float]) -> str:
    """How near `TRUTH` fits to made-up runs come: mean, spread, and share within two errors."""
    pool = scenario("C1", 1.0).pools["c1"]
    estimates: dict[Parameter, list[tuple[float, float | None]]] = {}
    for seed in range(datasets):
        found = calibrate({"main": pool}, made_up(pool, rates, seed), hold_out="none",
                          replications=3)  # fmt: skip
        for one in found.fit.estimates:
            estimates.setdefault(one.parameter, []).append((one.value, one.standard_error))
    lines = [
        "| number | true | mean of fits | spread of fits | error told | within two errors |",
        "|---|--:|--:|--:|--:|--:|",
    ]
    for parameter, pairs in estimates.items():
        true = TRUTH[parameter.name]
        fitted = [(value, error) for value, error in pairs if error is not None]
        if not fitted:
            lines.append(f"| {parameter.name} | {true:.3g} | kept | | | 0 of 0 |")
            continue
        values = np.array([value for value, _ in fitted])
        errors = np.array([error for _, error in fitted])
        near = int((np.abs(values - true) <= 2 * errors).sum())
        spread = values.std(ddof=1) if len(values) > 1 else math.nan
        lines.append(
            f"| {parameter.name} | {true:.3g} | {values.mean():.3g} | {spread:.2g} "
            f"| {np.median(errors):.2g} | {near} of {len(fitted)} |"
        )
    return "\n".join(lines)


def main() -> int:
    """Print all tables; return 2 if the measured file is not there."""
    file = data_root() / FILE
    if not file.exists():
        print(f"needs {FILE}; set {DATA_VARIABLE} to the folder that has it", file=sys.stderr)
        return 2
    alone = {name: calibrate(pools([name]), runs(file, [name]), jobs=JOBS) for name in SETS}
    print("Each alone, RMS: before / fitted to all / rates that were held out\n")
    print(alone_table(alone), flush=True)
    for name, one in alone.items():
        print(
            f"\n{name}\n\n{estimates_table(one)}\n\n{errors_table(after(one))}",
            flush=True,
        )
    together = calibrate(pools(), runs(file), hold_out="none", replications=3)
    errors = errors_table(after(together))
    print(f"\nTogether\n\n{estimates_table(together)}\n\n{errors}", flush=True)
    for name in SETS:
        for blind in (False, True) if name in BLIND else (False,):
            told = ", its own card and model never measured" if blind else ""
            table = errors_table(predicted(file, name, blind))
            print(f"\n{name} predicted from the others{told}\n\n{table}", flush=True)
    print(f"\nRecovered\n\n{recovered(6, (1.0, 5.0, 10.0, 25.0, 50.0, 200.0))}", flush=True)
    pool = scenario("C1", 1.0).pools["c1"]
    for rates in ((1.0,), (100.0, 200.0)):
        few = calibrate({"main": pool}, made_up(pool, rates, 0), replications=3)
        told = ", ".join(f"{rps:g}" for rps in rates)
        print(f"\nOnly at {told} requests a second\n\n{estimates_table(few)}", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
