"""Table: all theory cases as Markdown, for `docs/theory.md`. Whole, it takes some four minutes."""

from __future__ import annotations

from collections.abc import Iterator

from tests.laws.protocol import (
    FAMILY_ALPHA,
    MEAN_GATE,
    REPLICATIONS,
    TAIL_GATE,
    Verdict,
    common_bias_p,
)
from tests.laws.theory_case import Case
from tests.laws.theory_cases import cases, family_size, settled
from tests.laws.theory_figures import Figure

HEAD = f"""\
# Theory: queues that a fleet becomes in special cases

<!-- Made by: TOKENFLEET_THEORY=whole python -m tests.laws.theory_table > docs/theory.md.
     Do not edit. The suite runs 30 % of each scenario, and asks for half that precision. -->

With step times of one's own, an engine is a textbook queue: with one slot M/G/1, with steps of
constant length M/M/c, with steps as long as their batch processor sharing, and with steps that grow
with the batch a birth-death chain. Fleets and clients make others of it: servers that are switched
off, hang, break and are repaired, customers who leave, come again or have to start anew. Each row
is one figure of one scenario in `tests/laws/scenarios`, run as any scenario is, against its closed
form (`tests/laws/theory.py`, `theory_fleets.py`, `theory_clients.py`).

* Estimates are means of {REPLICATIONS} replications, sharpened by regression on what is known of
  their traffic: requests/s and tokens/answer, which are rows of their own, and what the same
  requests would have waited in a plain queue. ± is the half-width of the 99 % interval, also in per
  cent of the theory; t is the distance in standard errors. Attempts and losses of T18 are counts,
  judged by the binomial law.
* A row fails if |t| is too large for all {family_size()} rows together to be rejected by chance
  with more than {FAMILY_ALPHA:g}, or if the half-width is above {100 * MEAN_GATE:g} %
  ({100 * TAIL_GATE:g} % for quantiles, losses, squares and counts). It is then judged once more on
  four times as many replications.
* Seeds follow from the place in the list, fixed before any result was seen; the lengths of the runs
  were then chosen so that the intervals fit.
* Steps that stand for a continuous service are so short (10 microseconds in a second) that their
  grain is far below what could be seen; crashes and outages are noticed at once, as in theory.
* Little's law, work conservation and the waits of single requests hold exactly, and are tested
  without statistics (`test_theory_little.py`, `test_theory_paths.py`,
  `test_theory_fleet_paths.py`). Faults put in on purpose, such as steps 1 % longer, turn the cases
  red (`test_theory_teeth.py`, `test_theory_fleet_teeth.py`).

"""

COLUMNS = ("case", "queue", "figure", "theory", "estimate", "±", "± %", "t")


def number(value: float) -> str:
    """Five significant digits, thousands not written as powers of ten."""
    return f"{value:.0f}" if abs(value) >= 1e4 else f"{value:.5g}"


def names(case: Case, figure: Figure) -> tuple[str, str, str]:
    """The cells that say what a row is about."""
    return case.key, case.queue.replace("<=", "≤"), figure.name


def row(case: Case, figure: Figure, verdict: Verdict) -> str:
    """One line of the table."""
    found, known = verdict.estimate, verdict.theory
    half = found.half_width()
    cells = [
        *names(case, figure),
        *(number(known), number(found.value), number(float(f"{half:.2g}"))),
        *(f"{100 * half / known:.2f}", f"{found.t(known):+.2f}"),
    ]
    return "| " + " | ".join(cells) + " |" + ("" if verdict.passed else " **fails**")


def lines() -> Iterator[str]:
    """The document, part by part."""
    yield HEAD
    yield "| " + " | ".join(COLUMNS) + " |"
    yield "|---|---|---|" + "---:|" * 5
    passed = 0
    for case in cases():
        for figure in case.every_figure:
            verdict = settled(case, figure)
            passed += verdict.passed
            yield row(case, figure, verdict)
    p = common_bias_p(t for case in cases() for t in case.group_ts(case.figures[0]))
    yield f"\n{passed} of {family_size()} rows pass. Do small errors have a common direction? The t"
    yield "values of each case's first figure, in four parts each, against Student's law:"
    yield f"Kolmogorov-Smirnov p = {p:.2f}."


if __name__ == "__main__":
    for line in lines():
        print(line, flush=True)
