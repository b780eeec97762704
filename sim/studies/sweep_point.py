"""Sweep point: one scenario of a sweep, simulated and boiled down to a row; knows no clock.

A row is a function of the scenario, its seed, the number of replications and the model's version:
nothing in it tells when, where or in which order it was made.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from sim.scenario.arrivals import TraceArrivals
from sim.scenario.document import Scenario
from sim.studies.replications import run
from sim.version import __version__

FIGURES: Mapping[str, str] = {
    "usd_per_million": "cost.usd_per_million_useful_tokens.value",
    "usd_per_million_goodput": "cost.usd_per_million_goodput_tokens.value",
    "usd_per_thousand_requests": "cost.usd_per_thousand_requests.value",
    "usd_per_month": "bill.usd_per_month",
    "utilization": "utilization.benchmark",
    "ttft_p95_s": "latency.ttft_s.p95",
    "tpot_p95_s": "latency.tpot_s.p95",
    "e2e_p95_s": "latency.e2e_s.p95",
}
"""Figures of a row, and where a summary has them; each also has a `_low` and a `_high`."""

COLUMNS = tuple(f"{name}{end}" for name in FIGURES for end in ("", "_low", "_high"))
"""Figures and the ends of their 95 % intervals, in order."""

OF_TODAY = "stale-price"
"""The one warning that depends on the day on which it is given."""


@dataclass(frozen=True)
class Task:
    """One point, as it travels to a worker. *key* names its result, see `key_of`."""

    key: str
    scenario: Scenario
    replications: int


@dataclass(frozen=True)
class Entry:
    """A point's result: figures by COLUMNS, or the *error* that there is none.

    `meets_slos` is None where no route has an SLO, or too few samples to tell. `summary` is the
    text of the whole `summary.json`.
    """

    key: str
    error: str | None = None
    meets_slos: bool | None = None
    figures: Mapping[str, float | None] = field(default_factory=dict)
    summary: str | None = None

    @property
    def status(self) -> str:
        """``ok`` or ``failed``."""
        return "ok" if self.error is None else "failed"

    @property
    def packed(self) -> bytes | None:
        """The summary, compressed by zlib; the same bytes for the same text."""
        return None if self.summary is None else zlib.compress(self.summary.encode(), 9)


def unpacked(packed: bytes) -> dict[str, Any]:
    """A summary from what `Entry.packed` made of it."""
    document: dict[str, Any] = json.loads(zlib.decompress(packed))
    return document


def key_of(scenario: Scenario, replications: int, digests: dict[str, str] | None = None) -> str:
    """What a result is known by: all that it depends on, as a hash.

    That is the resolved scenario with its seed, the contents of its traces, the number of
    replications and Tokenfleet's version. *digests* remembers traces that have been read. Raises
    OSError if a trace cannot be read.
    """
    digests = {} if digests is None else digests
    traces = []
    for route in scenario.routes.values():
        if isinstance(route.arrivals, TraceArrivals):
            path = str(route.arrivals.trace)
            if path not in digests:
                with open(path, "rb") as stream:
                    digests[path] = hashlib.file_digest(stream, "sha256").hexdigest()
            traces.append(digests[path])
    return digest([scenario.canonical_json(), traces, replications, __version__])


def digest(parts: Any) -> str:
    """A hash of anything that JSON can hold."""
    text = json.dumps(parts, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


def simulated(task: Task) -> Entry:
    """Simulate a point; whatever goes wrong is its entry's error."""
    try:
        result = run(task.scenario, replications=task.replications)
        kept = tuple(notice for notice in result.notices if notice.code != OF_TODAY)
        return entry_of(task.key, replace(result, notices=kept).summary())
    except Exception as error:
        return failed(task.key, error)


def failed(key: str, error: BaseException) -> Entry:
    """The entry of a point that *error* ended."""
    return Entry(key, error=f"{type(error).__name__}: {error}")


def entry_of(key: str, summary: Mapping[str, Any]) -> Entry:
    """The row of a run with this *summary*."""
    figures: dict[str, float | None] = {}
    for name, path in FIGURES.items():
        low, high = summary["intervals"].get(path) or (None, None)
        figures |= {name: _at(summary, path), f"{name}_low": low, f"{name}_high": high}
    text = json.dumps(summary, separators=(",", ":"), ensure_ascii=False, allow_nan=False)
    return Entry(key, None, meets_slos(summary), figures, text)


def meets_slos(summary: Mapping[str, Any]) -> bool | None:
    """Whether every SLO is met; None if one is undecided and none missed, or there is none."""
    met = [row["met"] for row in summary["slo"]]
    if any(m is False for m in met):
        return False
    return None if not met or None in met else True


def _at(tree: Any, path: str) -> float | None:
    for key in path.split("."):
        tree = tree[key]
    return None if tree is None else float(tree)
