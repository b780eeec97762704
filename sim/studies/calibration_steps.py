"""Calibration steps: a kernel table fitted to step times that somebody measured; knows no clock.

    t = G(T) + t_seq b + k_ctx S + k_attn Q + k_pctx C + t_pre [any prefill]

(`sim/catalog/kernel.py`) is linear in its numbers, and none of them can be negative: one
non-negative least squares on relative errors finds them without start values. G is written as a
first height and rises, so that it never falls.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import numpy as np

from sim.catalog.extrapolation import KNOTS_TOKENS
from sim.catalog.kernel import ErrorFigures
from sim.scenario.timing import ExplicitTiming
from sim.streams import Streams
from sim.studies.calibration_runs import CalibrationError

COEFFICIENTS = (
    "per_sequence_s",
    "per_context_token_s",
    "per_attention_pair_s",
    "per_prefill_context_token_s",
    "prefill_fixed_s",
)
"""What stands beside G, named as in a scenario's `timing`."""

HELD_OUT = 0.2
"""Share of the rows that the fit whose errors are told does without."""

LEAST_ROWS = 10
LEAST_KNOT_S = 1e-5  # what a scenario asks of a knot

ROUNDS = 5
"""Least squares are repeated with less weight on what was far off the time before."""

ODD = 0.1
"""A relative error beyond which a row begins to lose weight."""

Kind = Literal["decode", "prefill", "mixed"]


@dataclass(frozen=True)
class StepRow:
    """One step and its seconds. Chunks of prefill, and decoding sequences, are equally long.

    `context` counts tokens that were in the KV cache before the step, of all together.
    """

    latency_s: float
    prefill_seqs: int = 0
    prefill_new_tokens: int = 0
    prefill_context_tokens: int = 0
    decode_seqs: int = 0
    decode_context_tokens: int = 0

    @property
    def tokens(self) -> int:
        """T: new tokens of the step."""
        return self.decode_seqs + self.prefill_new_tokens

    @property
    def pairs(self) -> float:
        """Q: sum of n (c + n / 2) over chunks."""
        if not self.prefill_seqs:
            return 0.0
        new = self.prefill_new_tokens / self.prefill_seqs
        done = self.prefill_context_tokens / self.prefill_seqs
        return self.prefill_seqs * new * (done + new / 2)

    @property
    def kind(self) -> Kind:
        """What the step does."""
        if not self.prefill_seqs:
            return "decode"
        return "mixed" if self.decode_seqs else "prefill"


@dataclass(frozen=True)
class KernelFit:
    """The numbers, fitted to all rows; errors on a fifth of them by a fit to the rest."""

    timing: ExplicitTiming
    errors: dict[Kind, ErrorFigures]
    rows: int


def fit_steps(rows: Sequence[StepRow], *, seed: int = 0) -> KernelFit:
    """Fit the formula to *rows*; raises CalibrationError for too few of them.

    Knots are those of the catalog's tables, as far as the rows reach; what no row shows (no
    prefill, say) is 0.
    """
    if len(rows) < LEAST_ROWS:
        raise CalibrationError(f"{len(rows)} step times are too few; needed: {LEAST_ROWS} or more")
    knots = knots_of(rows)
    design, seconds = _design(rows, knots), np.array([row.latency_s for row in rows])
    order = Streams(seed).of("hold-out", "steps").permutation(len(rows))
    unseen, seen = np.split(order, [max(1, round(HELD_OUT * len(rows)))])
    numbers = _solve(design[seen], seconds[seen])
    off = np.abs(design[unseen] @ numbers / seconds[unseen] - 1.0) * 100.0
    kinds = np.array([rows[i].kind for i in unseen])
    errors: dict[Kind, ErrorFigures] = {}
    for kind in ("decode", "prefill", "mixed"):
        mine = off[kinds == kind]
        if len(mine):
            p90 = float(np.quantile(mine, 0.9))
            errors[kind] = ErrorFigures(float(mine.mean()), p90, float(mine.max()), len(mine))
    return KernelFit(_timing(_solve(design, seconds), knots), errors, len(rows))


def knots_of(rows: Sequence[StepRow]) -> tuple[float, ...]:
    """Those knots of the catalog's tables that rows can tell the height of.

    There is a row between it and the knot before, or there are two sizes between it and the next.
    """
    sizes = np.unique([row.tokens for row in rows])
    found = [KNOTS_TOKENS[0]]
    for knot, after in zip(KNOTS_TOKENS[1:], (*KNOTS_TOKENS[2:], np.inf), strict=True):
        below = ((sizes > found[-1]) & (sizes <= knot)).any()
        if below or ((sizes > knot) & (sizes < after)).sum() >= 2:
            found.append(knot)
    if sizes[-1] > found[-1]:
        found.append(float(sizes[-1]))
    return tuple(found)


def _design(rows: Sequence[StepRow], knots: Sequence[float]) -> np.ndarray:
    """One row of factors per step: of the first height, of each rise, of the coefficients."""
    tokens = np.array([row.tokens for row in rows], dtype=float)
    columns = [np.ones(len(rows))]
    for left, right in pairwise(knots):
        columns.append(np.clip((tokens - left) / (right - left), 0.0, 1.0))
    columns += [
        np.array([row.decode_seqs for row in rows], dtype=float),
        np.array([row.decode_context_tokens for row in rows], dtype=float),
        np.array([row.pairs for row in rows]),
        np.array([row.prefill_context_tokens for row in rows], dtype=float),
        np.array([row.prefill_seqs > 0 for row in rows], dtype=float),
    ]
    return np.array(columns).T


def _solve(design: np.ndarray, seconds: np.ndarray) -> np.ndarray:
    """Non-negative least squares on relative errors, odd rows with less weight (IRLS)."""
    from scipy.optimize import nnls

    relative = design / seconds[:, None]
    scale = np.maximum(np.abs(relative).max(axis=0), 1e-300)
    weights = np.ones(len(seconds))
    numbers = np.zeros(design.shape[1])
    for _ in range(ROUNDS):
        root = np.sqrt(weights)
        found, _ = nnls(relative / scale * root[:, None], root)
        numbers = found / scale
        off = relative @ numbers - 1.0
        weights = 1.0 / np.sqrt(1.0 + np.square(off / ODD))
    return np.asarray(numbers)


def _timing(numbers: np.ndarray, knots: Sequence[float]) -> ExplicitTiming:
    heights = np.maximum(np.cumsum(numbers[: len(knots)]), LEAST_KNOT_S)
    return ExplicitTiming(
        knots_tokens=tuple(knots),
        knots_s=tuple(float(s) for s in heights),
        **dict(zip(COEFFICIENTS, map(float, numbers[len(knots) :]), strict=True)),
    )


def timing_block(timing: ExplicitTiming, digits: int = 6) -> str:
    """YAML of a pool's `timing`."""
    knots = ", ".join(f"{k:g}" for k in timing.knots_tokens)
    heights = ", ".join(f"{s:.{digits}f}" for s in timing.knots_s)
    lines = ["timing:", f"  knots_tokens: [{knots}]", f"  knots_s: [{heights}]"]
    for name in COEFFICIENTS:
        value = getattr(timing, name)
        if value:
            mantissa, _, exponent = f"{value:.4e}".partition("e")
            lines.append(f"  {name}: {mantissa}e{exponent}")
    return "\n".join(lines) + "\n"
