"""Parts: what a file of traffic holds, told by its header; one part, or one for each service."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from sim.traffic.lengths import Field
from sim.traffic.trace_columns import NAMES
from sim.traffic.trace_text import TraceError, head
from sim.workload.rate_sheet import SERVEGEN, is_rate_sheet, rates_of
from sim.workload.requests import Requests, read
from sim.workload.sheet import Sheet, header_of, open_sheet
from sim.workload.tables import Rates, Weights

Part = Requests | Rates | Weights

_VALUES = ("value", "tokens", "length")
_WEIGHTS = ("prob", "probability", "pmf", "weight", "frequency")
_ALLOWED = (
    "allowed: requests (time, input_tokens, output_tokens), lengths (input_tokens, "
    "output_tokens), rates (t_s, requests or rate_per_s, and service), weights (value, prob)"
)


def parts(
    path: str | Path,
    format_: str = "auto",
    columns: Mapping[str, str] | None = None,
    time_unit: str = "auto",
) -> list[Part]:
    """Return what the file at *path* holds; raises TraceError.

    Requests (with or without times), rates (a part for each value of a `service` column), or
    weighted token counts. With a *format_* or *columns* it is a trace of requests.
    """
    file = Path(path)
    if format_ != "auto" or columns:
        return [read(file, format_, columns, time_unit)]
    if head(file).lstrip()[:1] in ("{", "["):
        return [read(file, format_, columns, time_unit)]
    known = header_of(file)
    if _is_client_of_servegen(known.header):
        return list[Part](rates_of(open_sheet(file, SERVEGEN)))
    if is_rate_sheet(known):
        return list[Part](rates_of(open_sheet(file)))
    if known.find(*_VALUES) and known.find(*_WEIGHTS):
        return [_weights(open_sheet(file))]
    if known.find(*NAMES["input_tokens"]) and not known.find("timestamp", *NAMES["time"]):
        return [_lengths(open_sheet(file))]
    return [read(file, format_, columns, time_unit)]


def _is_client_of_servegen(header: tuple[str, ...]) -> bool:
    return len(header) == len(SERVEGEN) and all(_is_number(cell) for cell in header[:2])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def _lengths(sheet: Sheet) -> Requests:
    """Return requests without times; rows without tokens are left out, as in traces."""
    columns = (sheet.find(*NAMES["input_tokens"]), sheet.find(*NAMES["output_tokens"]))
    if None in columns:
        raise TraceError(sheet.path, 1, f"has no column for the output tokens; {_ALLOWED}")
    inputs, outputs = (np.rint(sheet.numbers(column or "")).astype(np.int64) for column in columns)
    used = (inputs > 0) & (outputs > 0)
    if not used.any():
        raise TraceError(sheet.path, None, "has no row with both input and output tokens")
    left_out = int(len(used) - used.sum())
    notes = [f"of {len(used)} rows, {left_out} without tokens were left out"] if left_out else []
    notes.append("the table has no times; its halves are every other row")
    return Requests(sheet.path.name, inputs[used], outputs[used], notes=tuple(notes))


def _weights(sheet: Sheet) -> Weights:
    """Return the table with its weights scaled to a sum of 1, counts of 0 left out."""
    tokens = np.rint(sheet.numbers(sheet.find(*_VALUES) or "")).astype(np.int64)
    weights = sheet.numbers(sheet.find(*_WEIGHTS) or "")
    used = (tokens > 0) & (weights > 0.0)
    if not used.any():
        raise TraceError(sheet.path, None, "has no token count above 0 with a weight above 0")
    values, place = np.unique(tokens[used], return_inverse=True)
    probability = np.bincount(place, weights=weights[used])
    field: Field = "output" if "output" in sheet.path.name.lower() else "input"
    nothing = float(weights[tokens == 0].sum() / weights.sum())
    notes = (f"{nothing:.2%} of the weight is on 0 tokens, left out",) if nothing else ()
    return Weights(sheet.path.name, field, values, probability / probability.sum(), notes)
