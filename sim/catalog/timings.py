"""Timings: which step-time tables there are, and what stands in where there is none; no clock."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

from sim.catalog import models
from sim.catalog.datafiles import read_json
from sim.catalog.extrapolation import extrapolate, obstacle, with_fp8_experts
from sim.catalog.gpus import card_of_table
from sim.catalog.kernel import ErrorFigures, KernelTable, TableErrors, kernel_seconds
from sim.catalog.models import PRECISIONS
from sim.catalog.names import UnknownName

__all__ = [
    "ErrorFigures",
    "KernelTable",
    "NoTable",
    "TableErrors",
    "kernel_seconds",
    "kernel_table",
    "tables",
]

_Key = tuple[str, str, int, str]


class NoTable(ValueError):  # noqa: N818 - reads as what it says, like UnknownName
    """No step-time table for a combination whose model and GPU are known.

    `available` lists (tensor_parallel, precision) of the tables of this model on this GPU;
    `extrapolates` says whether ``timing: extrapolated`` would do.
    """

    def __init__(
        self, message: str, available: tuple[tuple[int, str], ...] = (), extrapolates: bool = False
    ) -> None:
        super().__init__(message)
        self.available = available
        self.extrapolates = extrapolates


def kernel_table(
    model: str,
    gpu_table_name: str,
    tensor_parallel: int,
    precision: str,
    allow_extrapolated: bool = False,
) -> KernelTable:
    """Return the table of this combination, or, if allowed and there is none, an estimate.

    *gpu_table_name* is `Gpu.table` (``h100_sxm``). Raises `UnknownName` for a model, GPU or
    precision, and `NoTable` (both are ValueErrors), which names what exists.

    >>> kernel_table("llama-3.1-8b", "h100_sxm", 1, "bf16").basis
    'table'
    """
    shape = models.model(model)
    card_of_table(gpu_table_name)
    if precision not in PRECISIONS:
        raise UnknownName("precision", precision, PRECISIONS)
    found = _by_key().get((shape.tables, gpu_table_name, tensor_parallel, precision))
    if found:
        return found
    whole = _by_key().get((shape.tables, gpu_table_name, tensor_parallel, "bf16"))
    from_bf16 = whole is not None and precision == "fp8" and shape.experts > 0
    if allow_extrapolated and from_bf16 and whole is not None:
        return with_fp8_experts(whole)
    reason = None if from_bf16 else obstacle(model, gpu_table_name, tensor_parallel, precision)
    if allow_extrapolated and not reason:
        return extrapolate(model, gpu_table_name, tensor_parallel, precision)
    raise _no_table((shape.tables, gpu_table_name, tensor_parallel, precision), model, reason)


def tables() -> tuple[KernelTable, ...]:
    """Return all tables that were fitted, in the order of the data file."""
    return tuple(_by_key().values())


def _no_table(key: _Key, model: str, reason: str | None) -> NoTable:
    owner, gpu, tensor_parallel, precision = key
    available = tuple((tp, p) for (m, g, tp, p) in _by_key() if (m, g) == (owner, gpu))
    parts = [
        f"no step-time table for {model} on {gpu} with tensor_parallel {tensor_parallel} "
        f"in {precision}",
        _listing(owner, available),
    ]
    if left_out := _left_out().get(key):
        parts.append(f"the table for this was left out: {left_out}")
    parts.append(
        f"`timing: extrapolated` cannot help: {reason}"
        if reason
        else "`timing: extrapolated` estimates one"
    )
    return NoTable("; ".join(parts), available, reason is None)


def _listing(owner: str, available: tuple[tuple[int, str], ...]) -> str:
    """Say what there is instead: on this GPU, else on which GPUs."""
    if not available:
        elsewhere = dict.fromkeys(g for (m, g, _, _) in _by_key() if m == owner)
        return f"this model has tables on {', '.join(elsewhere) or 'no GPU'}"
    degrees: dict[str, list[str]] = {}
    for tensor_parallel, precision in available:
        degrees.setdefault(precision, []).append(str(tensor_parallel))
    listed = ", ".join(f"{' | '.join(tps)} in {p}" for p, tps in degrees.items())
    return f"there are tables on this GPU with tensor_parallel {listed}"


@cache
def _by_key() -> dict[_Key, KernelTable]:
    document = read_json("step_times.json")
    built = (_table(row, document) for row in document["tables"])
    return {(t.model, t.gpu, t.tensor_parallel, t.precision): t for t in built}


@cache
def _left_out() -> dict[_Key, str]:
    rows: list[dict[str, Any]] = read_json("step_times.json")["left_out"]
    return {(r["model"], r["gpu"], r["tensor_parallel"], r["precision"]): r["reason"] for r in rows}


def _table(row: dict[str, Any], document: dict[str, Any]) -> KernelTable:
    shape = models.model(row["model"])
    errors = {kind: ErrorFigures(*figures) for kind, figures in row.pop("errors").items()}
    backend, knots_s = row.pop("backend"), tuple(row.pop("knots_s"))
    doubt = row.pop("doubt", None)
    return KernelTable(
        **row,
        knots_tokens=tuple(document["knots_tokens"]),
        knots_s=knots_s,
        basis="table",
        experts=shape.experts,
        topk=shape.topk,
        errors=TableErrors(**errors),
        errors_note=_errors_note(errors) + (f"; doubtful: {doubt}" if doubt else ""),
        source=f"{document['source']}; this table: {backend}",
        as_of=date.fromisoformat(document["as_of"]),
    )


def _errors_note(errors: dict[str, ErrorFigures]) -> str:
    words = ", ".join(f"{kind} {e.mape_pct:.1f} %" for kind, e in errors.items())
    return f"mean error against the kernel sums it was fitted to, held-out rows: {words}"
