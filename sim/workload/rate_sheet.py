"""Rate sheet: reads the rates of one or more services from a table; knows no clock."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import numpy as np

from sim.traffic.chunk import FloatArray
from sim.traffic.trace_columns import NAMES, plain
from sim.traffic.trace_text import TraceError, shown
from sim.workload.sheet import Sheet
from sim.workload.start import CALENDAR_S, Start, start_of
from sim.workload.tables import Rates

HOUR_S = 3_600.0
PER_SECOND = ("rate_per_s", "requests_per_s", "req_per_s", "rate", "rps", "qps")
COUNTS = ("requests", "count", "counts", "arrivals", "num_requests", "sessions")
TIMES = ("t_s", "time_s", "t", "window_start_s", "start_s", "time", "timestamp", "window_start",
         "hour_utc", "hour_local", "hour", "date_hour")  # fmt: skip
SERVICES = ("service", "route", "model", "client", "pool")

SERVEGEN = ("t_s", "rate_per_s", "gap_cv", "family", "shape", "scale")
"""Columns of a client file of ServeGen, which has no header."""

MOST_WINDOWS = 10_000_000


def is_rate_sheet(sheet: Sheet) -> bool:
    """Whether *sheet* has a column of rates or counts and one of times, and none of tokens."""
    if sheet.find(*NAMES["input_tokens"]) is not None:
        return False
    return sheet.find(*TIMES) is not None and sheet.find(*PER_SECOND, *COUNTS) is not None


def rates_of(sheet: Sheet) -> list[Rates]:
    """Return the rates of each service in *sheet*, in order of appearance; raises TraceError.

    Counts are divided by the window, which is the least distance of two rows.
    """
    per_s, counts = sheet.find(*PER_SECOND), sheet.find(*COUNTS)
    amounts = sheet.numbers(per_s or counts or "")
    own_s = _own_seconds(sheet, sheet.find(*TIMES) or "")
    service = sheet.find(*SERVICES)
    names = np.array(sheet.texts(service) if service else [""] * len(amounts))
    found = []
    for name in dict.fromkeys(names.tolist()):
        rates = _filled(sheet, own_s[names == name], amounts[names == name])
        if per_s is None:
            rates = replace(rates, per_s=rates.per_s / rates.window_s)
        found.append(replace(rates, service=name or None))
    return found


def _own_seconds(sheet: Sheet, column: str) -> FloatArray:
    """Return *column* in seconds: dates since 1970, bare hours times 3600."""
    if not sheet.texts(column)[0][:5].endswith("-"):
        unit_s = HOUR_S if plain(column).startswith("hour") else 1.0
        return sheet.numbers(column) * unit_s
    seconds = np.empty(len(sheet.rows))
    for index, text in enumerate(sheet.texts(column)):
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            line = sheet.lines[index]
            allowed = "a date and time such as 2024-05-10T00:00Z"
            raise TraceError(
                sheet.path, line, f"{column} is {shown(text)}; allowed: {allowed}"
            ) from None
        seconds[index] = (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    return seconds


def _filled(sheet: Sheet, own_s: FloatArray, amounts: FloatArray) -> Rates:
    """Return one row a window, nan where *own_s* leaves one out."""
    steps = np.diff(own_s)
    if len(own_s) < 2 or steps.min() <= 0.0:
        raise TraceError(sheet.path, None, "needs two rows or more of a service, times rising")
    window_s = float(steps.min())
    places = np.rint((own_s - own_s[0]) / window_s).astype(np.int64)
    if np.abs(places * window_s - (own_s - own_s[0])).max() > 0.01 * window_s:
        raise TraceError(sheet.path, None, f"has rows that are not whole windows of {window_s:g} s")
    if places[-1] >= MOST_WINDOWS:
        raise TraceError(sheet.path, None, f"spans over {MOST_WINDOWS} windows, the limit")
    filled = np.full(places[-1] + 1, np.nan)
    filled[places] = amounts
    missing = len(filled) - len(amounts)
    notes = (f"{missing} windows are missing",) if missing else ()
    return Rates(sheet.path.name, window_s, filled, start=_start(sheet, own_s[0]), notes=notes)


def _start(sheet: Sheet, own_s: float) -> Start:
    """Return where the rows begin; a column that is called local keeps its clock."""
    start = start_of(float(own_s))
    local = sheet.find("hour_local") is not None and own_s < CALENDAR_S
    return replace(start, clock="local") if local else start
