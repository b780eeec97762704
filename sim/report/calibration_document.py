"""Calibration document: what `tokenfleet calibrate` found, as plain JSON; knows no clock."""

from __future__ import annotations

from dataclasses import asdict

from sim.report.plain import plain
from sim.report.summary import Json
from sim.studies.calibrate import Calibration, Compared, relative_error
from sim.studies.calibration_fit import Fit
from sim.studies.calibration_runs import FIGURES

WHICH = ("before", "after", "unseen")


def calibration_document(found: Calibration, scenario: str) -> Json:
    """All of *found*: parameters, runs, errors in percent, the YAML block.

    `error_pct` is simulated over measured - 1. `rms_error_pct` is over runs: `before` and `after`
    over all, `unseen` over those held out, by the fit without them.
    """
    document: Json = {
        "scenario": scenario,
        "parameters": _parameters(found.fit),
        "parameters_without_held_out": None
        if found.without is None
        else _parameters(found.without),
        "misfit": found.fit.misfit,
        "runs": [_run(one) for one in found.compared],
        "rms_error_pct": {
            which: {figure: _percent(found.error(figure, which)) for figure in FIGURES}
            for which in WHICH
        },
        "simulations": found.simulations,
        "yaml": found.yaml,
    }
    tidy: Json = plain(document)
    return tidy


def _parameters(fit: Fit) -> list[Json]:
    return [
        {
            "name": one.parameter.name,
            "owner": one.parameter.owner,
            "before": one.parameter.start,
            "value": one.value,
            "standard_error": one.standard_error,
            "kept": one.kept,
        }
        for one in fit.estimates
    ]


def _run(one: Compared) -> Json:
    load = one.run.load
    return {
        "label": one.run.label,
        "pool": one.run.pool,
        "rate": one.run.rate,
        "rps": load.rps,
        "requests": load.requests,
        "max_concurrency": load.max_concurrency,
        "statistic": one.run.statistic,
        "held_out": one.unseen is not None,
        "measured": asdict(one.run.measured),
        **{w: None if (s := getattr(one, w)) is None else asdict(s) for w in WHICH},
        "error_pct": {
            w: None
            if getattr(one, w) is None
            else {figure: _percent(relative_error(one, figure, w)) for figure in FIGURES}
            for w in WHICH
        },
    }


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share
