"""Recount: what a summary says of requests, tokens and money, from its run's own files once more.

It reads the requests file, the leases and a price list (terms of routes, pools and bill lines, and
each pool's benchmark), and shares no code with the account that it checks. The warm-up must be 0,
so that the file has every attempt that ended in the window, and every pool must have had work.
"""

import csv
import gzip
import math
from collections import Counter

import numpy as np

CAUSES = ("timed_out", "failed", "cancelled", "preempted", "retried", "not_useful")
ENDS = ("completed", "rejected", "timed_out", "failed", "cancelled", "in_flight")
KINDS = ("input", "cached_input", "output")


def recount(path, leases, terms):
    """The figures by section, as the summary has them; `lines` are dollars by (name, pool)."""
    with gzip.open(path, "rt", newline="") as text:
        rows = list(csv.DictReader(text))
    columns = {k: np.array([float(r[k] or "nan") for r in rows]) for k in rows[0] if k not in TEXT}
    columns |= {k: np.array([r[k] for r in rows]) for k in TEXT}
    window_s, pools, specs = terms["window_s"], terms["pools"], terms["routes"]
    found = {n: _route(_only(columns, columns["route"] == n), specs[n], window_s) for n in specs}
    edges_s = np.append(np.arange(0, window_s, 300), window_s)
    held = {key: _held(leases, key, edges_s) for p in pools for key in ((p, False), (p, True))}
    lines = Counter({("nodes", p): held[p, False].sum() / 3600 * pools[p]["usd"] for p in pools})
    lines |= {("spot nodes", p): held[p, True].sum() / 3600 * pools[p]["spot_usd"] for p in pools}
    node_usd = {p: lines["nodes", p] + lines["spot nodes", p] for p in pools}
    for n, r in found.items():
        lines |= {(f"hosted {k.replace('_', ' ')} ({n})", None): u for k, u in r["api"].items()}
    for way in ("by_use", "by_peak"):
        nodes = {}
        for p in pools:
            mine, paid_s = [n for n in specs if specs[n]["pool"] == p], held[p, False] + held[p, True]
            weights = np.array([sum(found[n]["seconds"]) for n in mine])
            if way == "by_peak":
                weights = _peak(paid_s, np.array([found[n]["load"] for n in mine]).T, np.diff(edges_s))
            nodes |= dict(zip(mine, weights / weights.sum() * node_usd[p], strict=True))
        for n, r in found.items():
            p = specs[n]["pool"]
            hours = nodes[n] / node_usd[p] * (held[p, False] + held[p, True]).sum() / 3600
            part = nodes[n] / sum(nodes.values()) * window_s / 3600
            drive = {**r["drive"], "node_hours": hours, "gpu_hours": hours * pools[p]["gpus"],
                     "hours": part, "months": part / 730}  # fmt: skip
            own = {(line["line"], None): line["usd"] * drive[line["driver"]] for line in terms["bill"]}
            r["usd"][way], r["own"] = nodes[n] + sum(own.values()) + sum(r["api"].values()), own
            if way == "by_use":
                lines.update(own)
        for n, r in found.items():
            r["cost"][way] = _prices([r], way, r["requests"]["completed"])
    users = [r for n, r in found.items() if specs[n]["useful"]]
    answered = sum(r["requests"]["completed"] for r in users)
    return {
        "requests": _sum([r["requests"] for r in users]),
    }
