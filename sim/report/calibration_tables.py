"""Calibration tables: fitted numbers, and every measured run beside its simulation; no clock."""

from __future__ import annotations

from collections.abc import Sequence

from sim.report.numerals import MISSING, count, significant
from sim.report.summary import Json
from sim.report.table import Table, table

FIGURES = (
    ("output_tokens_per_s", "tokens/s"),
    ("tpot_s", "TPOT"),
    ("ttft_s", "TTFT"),
)

UNITS = {"per_step_s": ("ms", 1e3), "per_prefill_step_s": ("ms", 1e3), "first_token_s": ("ms", 1e3),
         "per_sequence_s": ("us", 1e6)}  # fmt: skip


def calibration_tables(document: Json) -> list[Table]:
    """The tables of `calibration_document`: parameters, then errors by run, then in short."""
    return [_parameters(document), _runs(document), _errors(document)]


def _parameters(document: Json) -> Table:
    rows = []
    for one in document["parameters"]:
        unit, factor = UNITS.get(one["name"], ("", 1.0))
        error = one["standard_error"]
        rows.append(
            (
                _title(one),
                f"{significant(one['before'] * factor)} {unit}".strip(),
                f"{significant(one['value'] * factor)} {unit}".strip(),
                MISSING if error is None else f"± {significant(error * factor, 2)}",
                f"kept: {one['kept']}" if one["kept"] else "fitted",
            )
        )
    misfit = document["misfit"]
    end = ": look for what differs from the benchmark." if misfit > 2 else "."
    note = (
        "± is one standard error, if the kept numbers are right. The fit misses the figures by "
        f"{significant(misfit, 2)} x what is expected of chance, measurement and step times{end}"
    )
    return table("Fitted numbers", ["<number", "before", "now", "error", "<"], rows, note)


def _title(one: Json) -> str:
    return one["name"] if one["owner"] == "host" else f"{one['name']} ({one['owner']})"


def _runs(document: Json) -> Table:
    several = len({run["pool"] for run in document["runs"]}) > 1
    rows = []
    for run in document["runs"]:
        cells = [f"{run['pool']} {run['rate']}" if several else run["rate"]]
        for figure, _ in FIGURES:
            cells.append(_value(figure, run["measured"][figure]))
            cells.append(_arrow(run["error_pct"], figure))
        cells.append("yes" if run["held_out"] else "")
        rows.append(cells)
    heads = ["<pool, req/s" if several else "<req/s"]
    for _, title in FIGURES:
        heads += [title, "before → now"]
    note = (
        "Measured, and simulated over measured - 1 in % before and after the fit. Runs held out: "
        "the last number is by the fit that did not see them."
    )
    return table("Measured and simulated", [*heads, "held\nout"], rows, note)


def _value(figure: str, value: float | None) -> str:
    if value is None:
        return MISSING
    if figure == "output_tokens_per_s":
        return count(value)
    return f"{significant(value * 1e3)} ms"


def _arrow(errors: Json, figure: str) -> str:
    """Error before and after; of a held-out run, by the fit that did without it."""
    before, now = errors["before"][figure], errors["after"][figure]
    unseen = errors["unseen"]
    if unseen is not None:
        now = unseen[figure]
    if before is None or now is None:
        return MISSING
    return f"{before:+.0f} → {now:+.0f}"


def _errors(document: Json) -> Table:
    rows = []
    for figure, title in FIGURES:
        errors = [
            document["rms_error_pct"][which][figure] for which in ("before", "after", "unseen")
        ]
        rows.append([title, *(MISSING if e is None else f"{e:.1f} %" for e in errors)])
    held = sum(run["held_out"] for run in document["runs"])
    note = f"The third column is what to expect of loads that were not measured: {held} of "
    note += f"{len(document['runs'])} runs were held out, and predicted by a fit to the others."
    if not held:
        note = "No run was held out: how well the fit predicts other loads is not known."
    heads = ["<root mean square error", "before", "fitted to\nall runs", "on runs not\nfitted"]
    return table("Errors in short", heads, rows, note)


def block_lines(document: Json) -> Sequence[str]:
    """The YAML to paste, with what it rests on as comments."""
    errors = document["rms_error_pct"]["unseen"]
    told = ", ".join(
        f"{title} {errors[figure]:.0f} %" for figure, title in FIGURES if errors[figure] is not None
    )
    n = len(document["runs"])
    lines = [f"# Fitted by tokenfleet calibrate to {n} measured run{'s' if n != 1 else ''}."]
    lines.append(f"# Error on runs that were not fitted (RMS): {told or 'not known'}.")
    lines += [
        f"# {_title(one)} is not fitted: {one['kept']}."
        for one in document["parameters"]
        if one["kept"]
    ]
    return [*lines, *document["yaml"].rstrip("\n").split("\n")]
