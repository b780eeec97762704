"""Engine cases: T1 to T6 and T10 to T12, queues that one engine becomes.

The numbers of each scenario are written here again, on purpose: what its file says must arrive
in the engine.
"""

from __future__ import annotations

import math

import numpy as np

from tests.laws import theory
from tests.laws.theory_case import Case
from tests.laws.theory_figures import (
    Figure,
    answers,
    answers_squared,
    arrivals,
    batch,
    idle,
    lost,
    slowdown,
    sojourn,
    wait,
    waiting_share,
)
from tests.laws.theory_sample import Sample

STEP_S = 1e-5
"""Where steps stand for a continuous service: so short that their grain is far below the gates."""

MEAN_TOKENS = 100_000
SLOTS = 1024
"""`max_num_seqs` where the batch is to be unbounded."""


def mm1() -> Case:
    """T1: the time in M/M/1 is itself exponential."""
    rate, service_s = 0.5, MEAN_TOKENS * STEP_S
    mean_tokens = -1 / math.expm1(-1 / MEAN_TOKENS)  # rounded up
    p95_s = theory.mm1_sojourn_quantile_s(rate, service_s, 0.95)
    return Case(
        "T1",
        "M/M/1",
        "mm1.yaml",
        (
            wait(theory.pk_wait_s(rate, service_s, 2 * service_s**2), STEP_S),
            Figure("p95 time (s)", p95_s, lambda s: float(np.quantile(s.sojourn_s, 0.95)), True),
            idle(1 - rate * service_s),
        ),
        (arrivals(rate), answers(mean_tokens)),
    )


def mgeo1() -> Case:
    """T2: exact for whole tokens, so that one step more or less per answer is 10 %."""
    rate, step_s = 0.5, 0.1
    mean, square = theory.geometric_moments(10.0)
    wait_s = theory.pk_wait_s(rate, step_s * mean, step_s**2 * square)
    figures = wait(wait_s, step_s), sojourn(wait_s + step_s * mean)
    return Case("T2", "M/Geo/1", "mgeo1.yaml", figures, (arrivals(rate), answers(mean)))


def mlognormal1() -> Case:
    """T3: Pollaczek-Khinchine with the exact moments of the rounded and capped lengths."""
    rate, step_s = 0.7, 0.005
    law = theory.lognormal(100, 400, 2000)
    square = law.moment(2)
    return Case(
        "T3",
        "M/G/1",
        "mlognormal1.yaml",
        (wait(theory.pk_wait_s(rate, step_s * law.mean, step_s**2 * square), step_s),),
        (arrivals(rate), answers(law.mean), answers_squared(square)),
    )


LONE = theory.LoneStep(0.005, 2e-5, 1e-4, 1e-6, 1e-8, 0.003)


def mengine1() -> Case:
    """T3 again: prompts, attention and context included."""
    rate = 0.9
    answer = theory.lognormal(60, 240, 1000)
    mean_s, square_s2 = LONE.moments(theory.lognormal(300, 1200, 4000), answer)

    def wait_s(sample: Sample) -> float:
        return float(sample.wait_s(LONE.prefill_s(sample.of_done("input_tokens"))).mean())

    mean_wait = Figure("mean wait (s)", theory.pk_wait_s(rate, mean_s, square_s2), wait_s)
    return Case(
        "T3",
        "M/G/1, prefill",
        "mengine1.yaml",
        (mean_wait, idle(1 - rate * mean_s)),
        (arrivals(rate), answers(answer.mean), answers_squared(answer.moment(2))),
    )


def md1() -> Case:
    """T4."""
    rate, step_s = 0.5, 0.05
    service_s = 20 * step_s
    wait_s = theory.pk_wait_s(rate, service_s, service_s**2)
    return Case("T4", "M/D/1", "md1.yaml", (wait(wait_s, step_s),), (arrivals(rate),))


def mm2() -> Case:
    """T5: Erlang C."""
    rate, service_s = 1.2, MEAN_TOKENS * STEP_S
    figures = (
        wait(theory.mmc_wait_s(rate, service_s, 2), STEP_S),
        waiting_share(theory.erlang_c(2, rate * service_s), STEP_S),
    )
    return Case("T5", "M/M/2", "mm2.yaml", figures, (arrivals(rate), answers(MEAN_TOKENS)))


def mm2k5() -> Case:
    """T6: two served, three waiting, the next is lost."""
    rate = 1.6
    chain = theory.engine_chain(rate, MEAN_TOKENS, lambda b: STEP_S, slots=2, most=5)
    figures = lost(chain.lost), wait(chain.wait_s, STEP_S)
    return Case("T6", "M/M/2/5", "mm2k5.yaml", figures, (arrivals(rate), answers(MEAN_TOKENS)))


def erlang(name: str, letter: str, law: theory.TokenLaw) -> Case:
    """T6: Erlang's loss formula, whatever the law of lengths."""
    rate = 4.0
    figures = (lost(theory.erlang_b(5, rate * law.mean * STEP_S)),)
    spread = law.moment(2) > law.mean**2 * (1 + 1e-9)
    controls = (arrivals(rate), answers(law.mean)) if spread else (arrivals(rate),)
    return Case("T6", f"M/{letter}/5/5", f"erlang-{name}.yaml", figures, controls)


def ps() -> Case:
    """T10: all slow down by the same factor, the long and the short."""
    rate = 0.5
    law = theory.exponential(MEAN_TOKENS, 1000, 2_000_000)
    load = rate * law.mean * STEP_S
    factor = theory.ps_slowdown(load)
    deciles = [slowdown(law, decile, STEP_S, factor) for decile in range(10)]
    figures = sojourn(law.mean * STEP_S * factor), idle(1 - load), *deciles
    return Case("T10", "M/G/1-PS", "ps.yaml", figures, (arrivals(rate), answers(law.mean)))


def affine_step_s(size: int) -> float:
    """The step of T11 and T12: 40 microseconds, and 10 for each sequence."""
    return 4e-5 + 1e-5 * size


def batching(queue: str, file: str, key: str, law: theory.TokenLaw | None, slots: int) -> Case:
    """T11 and T12: the step grows with the batch; *law* None is geometric."""
    rate = 0.3
    mean = MEAN_TOKENS if law is None else law.mean
    chain = theory.engine_chain(rate, mean, affine_step_s, slots)
    random = law is None or len(law.tokens) > 1
    return Case(
        key,
        queue,
        file,
        (sojourn(chain.sojourn_s), idle(chain.idle), batch(chain.batch)),
        (arrivals(rate), answers(mean)) if random else (arrivals(rate),),
        sample_every_s=5.0,
    )


def engine_cases() -> tuple[Case, ...]:
    """In the order of their seeds."""
    heavy = theory.lognormal(70_000, 280_000, 1_000_000)
    constant = theory.fixed(MEAN_TOKENS)
    return (
        mm1(),
        mgeo1(),
        mlognormal1(),
        mengine1(),
        md1(),
        mm2(),
        mm2k5(),
        erlang("exponential", "M", theory.exponential(MEAN_TOKENS, 1, 5_000_000)),
        erlang("constant", "D", constant),
        erlang("lognormal", "G", heavy),
        ps(),
        batching("batch <= 4, geometric", "batching.yaml", "T11", None, 4),
        batching("any batch, lognormal", "batching-lognormal.yaml", "T12", heavy, SLOTS),
        batching("any batch, constant", "batching-constant.yaml", "T12", constant, SLOTS),
    )
