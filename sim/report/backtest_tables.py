"""Backtest tables: actual and simulated figures, and a forecast beside its error; no clock."""

from __future__ import annotations

from dataclasses import asdict

from sim.report.numerals import MISSING, count, dollars, hours, length, percent, seconds, tokens
from sim.report.plain import plain
from sim.report.summary import Json
from sim.report.table import Table, table
from sim.studies.backtest import Backtest, Checked, Forecast
from sim.studies.backtest_actual import COUNT, HOURS, KINDS, SECONDS, SHARE, TOKENS, USD
from sim.studies.intervals import Interval

WRITERS = {
    TOKENS: tokens,
    COUNT: count,
    HOURS: hours,
    USD: dollars,
    SECONDS: seconds,
    SHARE: percent,
}


def backtest_document(found: Backtest, scenario: str, forecast: str | None) -> Json:
    """All of *found* as JSON; `error_pct` is simulated over actual - 1."""
    document: Json = plain(
        {
            "scenario": scenario,
            "period_s": found.period_s,
            "figures": [_checked(one) for one in found.checked],
            "forecast": None
            if forecast is None
            else {"scenario": forecast, "figures": [_ahead(one) for one in found.forecast]},
        }
    )
    return document


def _checked(one: Checked) -> Json:
    return {
        **_figure(one),
        "actual": one.figure.value,
        "error_pct": None if one.error is None else 100 * one.error,
        "inside": one.inside,
    }


def _ahead(one: Forecast) -> Json:
    error = one.backtest_error
    return {**_figure(one), "backtest_error_pct": None if error is None else 100 * error}


def _figure(one: Checked | Forecast) -> Json:
    return {
        "figure": one.figure.name,
        "route": one.figure.route,
        "unit": one.figure.kind.unit,
        "simulated": one.simulated,
        "interval": None if one.interval is None else list(asdict(one.interval).values()),
    }


def backtest_tables(document: Json) -> list[Table]:
    """The tables of `backtest_document`."""
    tables = [_backtest(document)]
    if document["forecast"] is not None:
        tables.append(_forecast(document))
    return tables


def _backtest(document: Json) -> Table:
    rows = []
    for one in document["figures"]:
        inside = {True: "yes", False: "NO", None: MISSING}[one["inside"]]
        rows.append((*_start(one, "actual"), _error(one["error_pct"]), inside))
    judged = [one for one in document["figures"] if one["inside"] is not None]
    outside = sum(not one["inside"] for one in judged)
    note = (
        f"Over {length(document['period_s'])}. The interval is where 95 % of such periods should "
        f"fall if the scenario were right; {outside} of {len(judged)} figures "
        f"{'is' if outside == 1 else 'are'} outside."
    )
    if any(one["error_pct"] is None for one in document["figures"]):
        note += " n/a: the simulation has too few samples, or no such traffic."
    heads = ["<figure", "actual", "simulated", "95 % interval", "error", "inside?"]
    return table("Backtest", heads, rows, note)


def _forecast(document: Json) -> Table:
    ahead = document["forecast"]
    rows = [(*_start(one, None), _error(one["backtest_error_pct"])) for one in ahead["figures"]]
    note = (
        f"{ahead['scenario']}, over {length(document['period_s'])}, as simulated: nothing is "
        "corrected by the error, which is what the same model was off by in the backtest."
    )
    heads = ["<figure", "forecast", "95 % interval", "error of the\nbacktest"]
    return table("Forecast", heads, rows, note)


def _start(one: Json, actual: str | None) -> tuple[str, ...]:
    write = WRITERS[one["unit"]]
    name = one["figure"] if one["route"] is None else f"{one['route']}: {one['figure']}"
    given = () if actual is None else (write(one[actual]),)
    return (name, *given, write(one["simulated"]), _span(one))


def _span(one: Json) -> str:
    if one["interval"] is None:
        return MISSING
    low, high = Interval(*one["interval"]).low, Interval(*one["interval"]).high
    write = WRITERS[one["unit"]]
    return f"{write(low)} to {write(high)}"


def _error(error_pct: float | None) -> str:
    return MISSING if error_pct is None else f"{error_pct:+.1f} %"


def figures_table() -> Table:
    """What a file of what really happened may say."""
    rows = [
        (name, k.unit, "total" if k.grows else "", "yes" if k.by_route else "")
        for name, k in KINDS.items()
    ]
    return table("Figures", ["<figure", "<unit", "<over the period", "<also by route"], rows)
