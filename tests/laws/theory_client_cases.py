"""Client cases: T15 to T19, customers who leave, are turned away, or have to start anew.

The numbers of each scenario are written here again, on purpose.
"""

from __future__ import annotations

from tests.laws import theory, theory_clients
from tests.laws.theory_case import Case
from tests.laws.theory_client_figures import (
    lost_at_last,
    orbit,
    queued,
    tried_again,
    tries,
    work,
)
from tests.laws.theory_engine_cases import MEAN_TOKENS, STEP_S
from tests.laws.theory_figures import answers, arrivals, idle, lost, plain_wait

SERVICE_S = MEAN_TOKENS * STEP_S
"""1 s, of all answers here but those of T18."""


def impatient() -> Case:
    """T15: the first token comes a step after service began, so that patience is for the wait."""
    rate = 0.8
    loss = theory_clients.deadline_loss(rate, SERVICE_S, 1.0)
    return Case(
        "T15",
        "M/M/1+D",
        "impatient.yaml",
        (lost(loss), idle(1 - rate * SERVICE_S * (1 - loss))),
        (arrivals(rate),),
    )


def erlang_a() -> Case:
    """T16: exponential patience."""
    rate = 2.4
    known = theory_clients.erlang_a(rate, SERVICE_S, 2, 2.0)
    return Case(
        "T16",
        "M/M/2+M",
        "erlang-a.yaml",
        (lost(known.lost), queued(known.queued_s, STEP_S)),
        (arrivals(rate),),
    )


def retrial() -> Case:
    """T17: who is turned away comes again."""
    rate, retries_per_s = 0.4, 1.0
    mean = theory_clients.mean_orbit(rate, SERVICE_S, retries_per_s)
    return Case(
        "T17",
        "M/M/1, retrial",
        "retrial.yaml",
        (orbit(mean), tries(1 + retries_per_s * mean / rate)),
        (arrivals(rate), answers(MEAN_TOKENS)),
        (plain_wait(theory.pk_wait_s(rate, SERVICE_S, 2 * SERVICE_S**2), STEP_S),),
    )


def request_errors() -> Case:
    """T18: attempts fail independently; counts are judged by the binomial law, exactly."""
    failing, retries = 0.4, 2
    return Case(
        "T18",
        "Bernoulli retries",
        "request-errors.yaml",
        (
            tries(theory_clients.mean_tries(failing, retries)),
            tried_again(1, failing),
            tried_again(2, failing**2),
            lost_at_last(failing**3),
        ),
    )


def restart() -> Case:
    """T19: a crash loses the answer so far.

    With as many replicas as users nobody waits, which would be lost too. A user asks again when
    answered, so that how many requests come depends on how long they take; over the 500 requests of
    a run this moves means by a few parts in ten thousand, far below the gates.
    """
    attempts, work_s = theory_clients.restarted(SERVICE_S, 0.4)
    return Case("T19", "restart from scratch", "restart.yaml", (tries(attempts), work(work_s)))


def client_cases() -> tuple[Case, ...]:
    """In the order of their seeds."""
    return impatient(), erlang_a(), retrial(), request_errors(), restart()
