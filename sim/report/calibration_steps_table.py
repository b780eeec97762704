"""Calibration steps table: a fitted kernel table, its errors and its YAML; knows no clock."""

from __future__ import annotations

from sim.catalog.gpus import Gpu, gpus
from sim.report.numerals import count
from sim.report.plain import plain
from sim.report.summary import Json
from sim.report.table import Table, table
from sim.studies.calibration_steps import KernelFit, timing_block


def steps_document(found: KernelFit, source: str, gpu: str | None = None) -> Json:
    """All of *found* as JSON: `errors` in percent by kind of step, on rows that were held out.

    For a *gpu* of the catalog the YAML has also what explicit timing would else leave out: the
    host, the card's compute factor and the engine's defaults on it.
    """
    card = next((card for card in gpus() if card.name == gpu), None)
    document: Json = plain(
        {
            "source": source,
            "rows": found.rows,
            "errors": found.errors,
            "timing": found.timing.model_dump(),
            "yaml": timing_block(found.timing) + ("" if card is None else _around(card)),
        }
    )
    return document


def _around(card: Gpu) -> str:
    """What a pool on *card* has without explicit timing, written out."""
    basis = "measured" if card.compute_factor_measured else "a guess"
    engine = (
        f"async_scheduling: true, max_num_seqs: {card.max_num_seqs}, "
        f"max_num_batched_tokens: {card.max_num_batched_tokens}"
    )
    return (
        f"host: vllm-0.19\ncompute_factor: {card.compute_factor:g}    # {card.name}: {basis}\n"
        f"engine: {{{engine}}}\n"
    )


def steps_table(document: Json) -> Table:
    """Errors on held-out rows by kind of step."""
    rows = [
        (
            kind,
            f"{e['mape_pct']:.1f} %",
            f"{e['p90_pct']:.1f} %",
            f"{e['max_pct']:.1f} %",
            count(e["rows"]),
        )
        for kind, e in document["errors"].items()
    ]
    note = (
        f"Absolute errors on a fifth of the {document['rows']:,} rows, by a fit to the others. "
        "GPU time alone: calibrate the host to a benchmark, or give host: vllm-0.19."
    )
    return table("Step times", ["<kind of step", "mean", "p90", "largest", "rows"], rows, note)


def steps_lines(document: Json) -> list[str]:
    """The `timing:` block, with what it rests on as comments."""
    told = ", ".join(f"{kind} {e['mape_pct']:.1f} %" for kind, e in document["errors"].items())
    return [
        f"# Fitted by tokenfleet calibrate to {document['rows']:,} step times:",
        f"# {document['source']}.",
        f"# Mean error on rows that were held out: {told}.",
        *document["yaml"].rstrip("\n").split("\n"),
    ]
