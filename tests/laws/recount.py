"""Recount: requests and tokens of a run, once more from its requests file; no code of the account.

The rules in short. A request ends as its last attempt. Its tokens are useful if that was completed,
for a route that is of use. All else that the fleet computed is waste: of earlier attempts
(retried), of answers after which the next pool was asked (escalated), of last ones that came to
nothing (by how they ended), what was computed a second time (preempted), whatever a useless route
had (not useful). `recount_money` has the dollars.
"""

import csv
import gzip
from collections import Counter
from dataclasses import dataclass, field

KINDS = ("input", "cached_input", "output")
HOSTED = -2
INTERVAL_S = 300
SLACK = 1 + 1e-6


@dataclass
class Counted:
    """What one route did: `figures` by their path in a summary, the rest for the dollars."""

    figures: Counter = field(default_factory=Counter)
    answered: int = 0  # completed requests
    goodput: float = 0.0  # useful tokens of requests that kept every SLO
    sent: float = 0.0  # output tokens that left the house
    served: Counter = field(default_factory=Counter)  # useful tokens of the fleet's own, by pool
    came: Counter = field(default_factory=Counter)  # requests, by pool
    good: dict = field(default_factory=dict)  # of attempts that ended in the window: useful ones,
    lost: dict = field(default_factory=dict)  # and others, by pool their tokens by kind
    by_interval: dict = field(default_factory=dict)  # and of all, by pool and five minutes


def read(path):
    """Rows of a requests.csv.gz: numbers, names, None for an empty cell."""
    with gzip.open(path, "rt", newline="") as text:
        for row in csv.DictReader(text):
            texts = {key: row.pop(key) for key in ("route", "pool", "outcome")}
            yield {**texts, **{k: float(v) if v else None for k, v in row.items()}}


def count(rows, terms, window_s):
    """Count the attempts of one route, of which *terms* says what it is."""
    found, last = Counted(), {}
    for row in sorted(rows, key=lambda row: (terms["pools"].index(row["pool"]), row["attempt"])):
        last[row["request_id"]] = row
    figures = found.figures
    figures["requests.arrived"] = len(last)
    figures["requests.attempts"] = len(rows)
    figures["requests.retried"] = sum(row["attempt"] > 0 for row in rows)
    for row in last.values():
        _count_request(row, found, terms)
    for row in rows:
        found.came[row["pool"]] += row["attempt"] == 0
        if row["replica"] != HOSTED:
            ends_as = row["outcome"]
            if row is not last[row["request_id"]]:
                ends_as = "escalated" if ends_as == "completed" else "retried"
            figures["requests.escalated"] += ends_as == "escalated"
            _count_computed(row, ends_as, found, terms["useful"])
            if row["finished_at_s"] is not None and row["finished_at_s"] < window_s:
                _count_ended(row, ends_as == "completed" and terms["useful"], found)
    return found


def _count_request(row, found, terms):
    figures, done = found.figures, row["outcome"] == "completed"
    figures[f"requests.{row['outcome']}"] += 1
    if not done:
        return
    inside = all(_waited_s(row, m) <= bound_s * SLACK for m, _, bound_s in terms["slo"])
    found.answered += 1
    figures["requests.in_slo"] += inside
    figures["requests.hosted"] += row["replica"] == HOSTED
    places = ["useful"] * terms["useful"] + ["hosted"] * (row["replica"] == HOSTED)
    for kind in KINDS:
        for place in places:
            figures[f"tokens.{place}.{kind}"] += row[f"{kind}_tokens"]
    if terms["useful"]:
        figures["tokens.useful.template"] += terms["template_tokens"]
        figures["tokens.useful.reasoning"] += terms["reasoning_share"] * row["output_tokens"]
        found.goodput += (row["input_tokens"] + row["output_tokens"]) * inside
        found.sent += row["output_tokens"]
        own = row["replica"] != HOSTED
        found.served[row["pool"]] += (row["input_tokens"] + row["output_tokens"]) * own


def _waited_s(row, metric):
    first_s, last_s, n = row["first_token_at_s"], row["finished_at_s"], row["output_tokens"]
    if metric == "tpot":
        return (last_s - first_s) / (n - 1) if n > 1 else 0.0
    return (first_s if metric == "ttft" else last_s) - row["arrived_at_s"]


def _count_computed(row, ends_as, found, useful):
    once = (row["computed_input_tokens"], row["output_tokens"])
    again = (row["recomputed_input_tokens"], row["recomputed_output_tokens"])
    for cause, tokens in ((ends_as, once), ("preempted", again)):
        if useful and cause in ("completed", "in_flight", "rejected"):
            continue
        for kind, number in zip(("input", "output"), tokens, strict=True):
            found.figures[f"tokens.wasted.{cause if useful else 'not_useful'}.{kind}"] += number
        kept = cause in ("preempted", "escalated")
        found.sent += tokens[1] if useful and not kept else 0.0


def _count_ended(row, good, found):
    prompt = row["input_tokens"] if row["output_tokens"] else 0.0
    again = row["recomputed_input_tokens"] + row["recomputed_output_tokens"]
    tokens = {"computed": row["computed_input_tokens"], "prompt": prompt}
    tokens |= {"cached": row["cached_input_tokens"], "output": row["output_tokens"]}
    (found.good if good else found.lost).setdefault(row["pool"], Counter()).update(tokens)
    found.lost.setdefault(row["pool"], Counter())["computed"] += again
    place = row["pool"], int(row["finished_at_s"] // INTERVAL_S)
    here = found.by_interval.setdefault(place, Counter())
    here.update({**tokens, "computed": tokens["computed"] + again})
