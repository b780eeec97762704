"""Catalog tables: what comes with Tokenfleet, with sources, dates and errors; today is given."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Any

from sim.catalog import bill_prices as bill
from sim.catalog.api_prices import api_prices
from sim.catalog.api_rates import ApiPrice
from sim.catalog.bill_prices import BillPrice, bill_prices
from sim.catalog.gpus import Gpu, gpus
from sim.catalog.hosts import Host, hosts
from sim.catalog.kernel import ErrorFigures, KernelTable
from sim.catalog.models import Model, models
from sim.catalog.prices import STALE_AFTER_DAYS, GpuPrice, age_days, prices
from sim.catalog.timings import tables
from sim.catalog.workloads import day_curves, workloads
from sim.report import catalog_apis
from sim.report.catalog_apis import api_table
from sim.report.catalog_startup import STARTUP_ROWS, STARTUP_TABLES
from sim.report.catalog_workloads import WORKLOAD_TABLES
from sim.report.numerals import count, dollars, significant, tokens
from sim.report.table import Table, table


def gpu_table(today: date) -> Table:
    """Cards, and how far each is from the one its step-time tables were taken on."""
    heads = ["memory\nGiB", "HBM\nTB/s", "bf16\nTFLOPS", "default tokens\n/ sequences"]
    rows = [_gpu(card) for card in gpus()]
    columns = ["<gpu", *heads, "<compute factor", "as of"]
    return table("GPUs", columns, rows, f"Source: {_sources(c.source for c in gpus())}.")


def _gpu(card: Gpu) -> tuple[str, ...]:
    low, high = card.compute_factor_range
    basis = "measured" if card.compute_factor_measured else "a guess"
    return (
        card.name,
        significant(card.memory_gib),
        significant(card.memory_bytes_per_s / 1e12),
        count(card.bf16_flops_per_s / 1e12),
        f"{card.max_num_batched_tokens} / {card.max_num_seqs}",
        f"{card.compute_factor:g}, {basis} ({low:g} to {high:g})",
        card.as_of.isoformat(),
    )


def model_table(today: date) -> Table:
    """Models, their size, and how many step-time tables there are for them."""
    heads = ["parameters", "active", "layers", "KV bytes\nper token", "bf16 weights\nGiB"]
    heads += ["step-time\ntables", "as of"]
    rows = [_model(shape) for shape in models()]
    note = "Without a table: timing: extrapolated (dense models only). Sources are in --json."
    return table("Models", ["<model", *heads], rows, note)


def _model(shape: Model) -> tuple[str, ...]:
    found = sum(1 for t in tables() if t.model == shape.tables)
    return (
        shape.name,
        tokens(shape.params),
        tokens(shape.active_params),
        count(shape.layers),
        count(shape.kv_bytes_per_token),
        significant(shape.weight_bytes("bf16") / 2**30),
        count(found) if found else "none",
        shape.as_of.isoformat(),
    )


def timing_table(today: date) -> Table:
    """Step-time tables with their errors on rows that no fit saw."""
    heads = [
        "decode\nmean (p90) %",
        "prefill\nmean (p90) %",
        "mixed\nmean (p90) %",
        "held-out\nrows",
    ]
    columns = ["<model", "<gpu", "TP", "<precision", *heads]
    rows = [_timing(t) for t in tables()]
    note = f"Source: {_sources(t.source.split(';')[0] for t in tables())}. As of {_dates()}."
    return table("Step-time tables", columns, rows, note)


def _timing(row: KernelTable) -> tuple[str, ...]:
    head = (row.model, row.gpu.replace("_", "-"), str(row.tensor_parallel), row.precision)
    if row.errors is None:
        return (*head, "-", "-", "-", "-")
    kinds = (row.errors.decode, row.errors.prefill, row.errors.mixed)
    return (*head, *(_error(kind) for kind in kinds), count(sum(kind.rows for kind in kinds)))


def _error(figures: ErrorFigures) -> str:
    return f"{figures.mape_pct:.1f} ({figures.p90_pct:.1f})"


def _dates() -> str:
    return ", ".join(sorted({t.as_of.isoformat() for t in tables() if t.as_of}))


def price_table(today: date) -> Table:
    """Prices with their age; a row that is older than 90 days carries a mark."""
    columns = ["<price", "$ per\nGPU-hour", "as of", "age", "<source (read via)"]
    stale = sum(1 for row in prices() if age_days(row, today) > STALE_AFTER_DAYS)
    mark = f"! = older than {STALE_AFTER_DAYS} days: {stale} rows. Read their sources again."
    return table("Prices", columns, [_price(row, today) for row in prices()], mark if stale else "")


def _price(row: GpuPrice, today: date) -> tuple[str, ...]:
    age = age_days(row, today)
    mark = "! " if age > STALE_AFTER_DAYS else ""
    note = f"; {row.note}" if row.note else ""
    source = f"{row.source} ({row.via}){note}"
    return row.key, dollars(row.usd_per_gpu_hour), row.as_of.isoformat(), f"{mark}{age} d", source


def bill_table(today: date) -> Table:
    """What is paid beside the GPUs, each price with its date and source."""
    rows = [_bill_price(row, today) for row in bill_prices()]
    note = f"! = over {bill.STALE_AFTER_DAYS} days old. Whose pages they were read on is in --json."
    columns = ["<price", "$ per\nunit", "<driver", "<read", "<source"]
    return table("Bill prices", columns, rows, note)


def _bill_price(row: BillPrice, today: date) -> tuple[str, ...]:
    mark = "! " if bill.age_days(row, today) > bill.STALE_AFTER_DAYS else ""
    source = f"{row.source}: {row.note}"
    return row.key, dollars(row.usd), row.driver, f"{mark}{row.as_of.isoformat()}", source


def host_table(today: date) -> Table:
    """Serving stacks: what they add to the kernels of a step."""
    heads = ["ms per\nstep", "us per\nsequence", "ms per step\nwith prefill", "ms to first\ntoken"]
    columns = ["<host", *heads, "<source", "as of"]
    note = "Ranges over fits and the corrections for mixtures of experts are in --json."
    return table("Hosts", columns, [_host(row) for row in hosts()], note)


def _host(row: Host) -> tuple[str, ...]:
    figures = (row.per_step_s * 1e3, row.per_sequence_s * 1e6)
    figures += (row.per_prefill_step_s * 1e3, row.first_token_s * 1e3)  # type: ignore[assignment]
    return row.name, *(significant(f) for f in figures), row.source, row.as_of.isoformat()


def _sources(texts: Iterable[str]) -> str:
    return "; ".join(dict.fromkeys(texts))


SECTIONS: Mapping[str, tuple[Callable[[date], Table], ...]] = {
    "gpus": (gpu_table,),
    "models": (model_table,),
    "timings": (timing_table,),
    "prices": (price_table,),
    "bill": (bill_table,),
    "apis": (api_table,),
    "hosts": (host_table,),
    "workloads": WORKLOAD_TABLES,
    "startup": STARTUP_TABLES,
}
"""Sections of the catalog and the tables that show them."""

_ROWS: Mapping[str, Callable[[], Iterable[Any]]] = {
    "gpus": gpus,
    "models": models,
    "timings": tables,
    "prices": prices,
    "bill": bill_prices,
    "apis": api_prices,
    "hosts": hosts,
    "workloads": workloads,
    "day_curves": day_curves,
    **STARTUP_ROWS,
}

_BROUGHT = {
    "workloads": ("workloads", "day_curves"),
    "startup": tuple(STARTUP_ROWS),
}


def catalog_document(sections: Iterable[str], today: date) -> dict[str, Any]:
    """Every field of every row of *sections*, as plain JSON values; dates as ISO text.

    Prices have `age_days` and `stale` beside their own fields; `workloads` brings `day_curves`,
    `startup` brings `failure_rates` and `repairs`.
    """
    names = [name for section in sections for name in _BROUGHT.get(section, (section,))]
    return {name: [_plain(row, today) for row in _ROWS[name]()] for name in names}


def _plain(row: Any, today: date) -> dict[str, Any]:
    if isinstance(row, ApiPrice):
        return dict(catalog_apis.plain(row, today))
    fields = {f.name: _value(getattr(row, f.name)) for f in dataclasses.fields(row)}
    if isinstance(row, GpuPrice):
        age = age_days(row, today)
        fields |= {"age_days": age, "stale": age > STALE_AFTER_DAYS}
    if isinstance(row, BillPrice):
        age = bill.age_days(row, today)
        fields |= {"age_days": age, "stale": age > bill.STALE_AFTER_DAYS}
    return fields


def _value(value: Any) -> Any:
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, Mapping):
        return {key: _value(v) for key, v in value.items()}
    if isinstance(value, list | tuple):
        return [_value(v) for v in value]
    if dataclasses.is_dataclass(value):
        return {f.name: _value(getattr(value, f.name)) for f in dataclasses.fields(value)}
    return value
