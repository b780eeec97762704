"""Theory: closed forms of queues that an engine becomes in special cases; knows no clock.

Notation: arrivals are Poisson with `rate` per second; service takes S seconds; load rho is
rate · E[S]. Kleinrock is "Queueing Systems, volume 1" (1975), Kelly "Reversibility and Stochastic
Networks" (1979).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.special import ndtr, ndtri

# -- lengths ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class TokenLaw:
    """A law of whole token counts: `tokens` and their probabilities `mass`."""

    tokens: np.ndarray
    mass: np.ndarray

    def moment(self, order: int) -> float:
        """E[X^order]."""
        return float(np.dot(self.tokens.astype(float) ** order, self.mass))

    @property
    def mean(self) -> float:
        """E[X]."""
        return self.moment(1)

    def quantile(self, level: float) -> int:
        """The least x with P(X <= x) >= level."""
        return int(self.tokens[np.searchsorted(np.cumsum(self.mass), level)])


def rounded_up(survival: Callable[[np.ndarray], np.ndarray], low: int, high: int) -> TokenLaw:
    """The law of clip(⌈Y⌉, low, high), given P(Y > y): whole tokens as a scenario defines them.

    >>> law = rounded_up(lambda y: np.exp(-y / 2), 1, 1000)  # exponential, so geometric
    >>> round(law.mean, 9) == round(1 / (1 - math.exp(-1 / 2)), 9)
    True
    """
    tokens = np.arange(low, high + 1)
    above = survival(tokens[:-1].astype(float))  # P(X > x) for x = low … high - 1
    mass = -np.diff(above, prepend=1.0, append=0.0)
    return TokenLaw(tokens, mass)


def fixed(tokens: int) -> TokenLaw:
    """Always *tokens*."""
    return TokenLaw(np.array([tokens]), np.array([1.0]))


def exponential(mean: float, low: int, high: int) -> TokenLaw:
    """An exponential law of that mean, rounded up and capped."""
    return rounded_up(lambda y: np.exp(-y / mean), low, high)


def lognormal(median: float, p95: float, high: int) -> TokenLaw:
    """A lognormal law with that median and 95 % quantile, rounded up and capped at *high*."""
    sigma = math.log(p95 / median) / float(ndtri(0.95))
    return rounded_up(lambda y: ndtr(-np.log(y / median) / sigma), 1, high)


def geometric_moments(mean: float) -> tuple[float, float]:
    """E[X] and E[X²] of the geometric law on 1, 2, 3 … with that mean.

    >>> geometric_moments(2.0)
    (2.0, 6.0)
    """
    p = 1 / mean
    return mean, (2 - p) / p**2


# -- one server ------------------------------------------------------------------------------------


def pk_wait_s(rate: float, service_s: float, service_s2: float) -> float:
    """Pollaczek-Khinchine: mean wait in M/G/1, from E[S] and E[S²]. Kleinrock section 5.6.

    >>> pk_wait_s(0.5, 1.0, 2.0)
    1.0
    """
    return rate * service_s2 / (2 * (1 - rate * service_s))


def mm1_sojourn_quantile_s(rate: float, service_s: float, level: float) -> float:
    """The time in M/M/1 is exponential with rate 1/E[S] - rate. Kleinrock section 5.6."""
    return -math.log1p(-level) / (1 / service_s - rate)


def ps_slowdown(load: float) -> float:
    """E[T | S] / S in M/G/1 with processor sharing, whatever the law of S. Kelly section 3.3."""
    return 1 / (1 - load)


# -- several servers -------------------------------------------------------------------------------


def erlang_b(servers: int, offered: float) -> float:
    """Share of requests lost in M/G/c/c with *offered* = rate · E[S] erlangs. Kleinrock 3.6.

    >>> round(erlang_b(5, 4.0), 6)  # 128/643: (4⁵/5!) / Σ 4ᵏ/k!
    0.199067
    """
    lost = 1.0
    for k in range(1, servers + 1):
        lost = offered * lost / (k + offered * lost)
    return lost


def erlang_c(servers: int, offered: float) -> float:
    """Share of requests that wait in M/M/c. Kleinrock 3.5.

    >>> erlang_c(1, 0.5)
    0.5
    """
    lost = erlang_b(servers, offered)
    return lost / (1 - offered / servers * (1 - lost))


def mmc_wait_s(rate: float, service_s: float, servers: int) -> float:
    """Mean wait in M/M/c: C / (c/E[S] - rate). Kleinrock 3.5."""
    return erlang_c(servers, rate * service_s) / (servers / service_s - rate)


# -- engines ---------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Chain:
    """A birth-death chain of requests in an engine: `states[n]` is the share of time with n there.

    At most `slots` of them are in the batch; what comes in the last state is lost.
    """

    rate: float
    slots: int
    states: np.ndarray

    @property
    def idle(self) -> float:
        """Share of time with nobody there."""
        return float(self.states[0])

    @property
    def lost(self) -> float:
        """Share of arrivals that find the last state."""
        return float(self.states[-1])

    @property
    def batch(self) -> float:
        """Mean sequences in the batch, idle time counted as none."""
        return float(np.dot(np.minimum(np.arange(len(self.states)), self.slots), self.states))

    @property
    def sojourn_s(self) -> float:
        """Mean time of those not lost, by Little's law."""
        there = float(np.dot(np.arange(len(self.states)), self.states))
        return there / (self.rate * (1 - self.lost))

    @property
    def wait_s(self) -> float:
        """Mean wait for a slot of those not lost, by Little's law."""
        excess = np.maximum(np.arange(len(self.states)) - self.slots, 0)
        return float(np.dot(excess, self.states)) / (self.rate * (1 - self.lost))


def engine_chain(
    rate: float,
    tokens: float,
    step_s: Callable[[int], float],
    slots: int,
    most: int = 4000,
) -> Chain:
    """Requests in an engine whose step with b sequences lasts step_s(b); at most *most* are there.

    Each of b sequences gains a token per step, and with geometric lengths of mean *tokens* each
    token is the last with probability 1/tokens: deaths come at rate b / (tokens · step_s(b)), up
    to the step's grain. So pi_n ∝ Π rate · tokens · step_s(b_i) / b_i with b_i = min(i, slots).
    If nobody ever waits (slots >= most) all share alike, the queue is symmetric, and pi is the
    same for every law of lengths with that mean (Kelly section 3.3).

    >>> round(engine_chain(0.5, 1000, lambda b: 0.001, 1).sojourn_s, 9)  # M/M/1
    2.0
    """
    logs = [0.0]
    for n in range(1, most + 1):
        b = min(n, slots)
        logs.append(logs[-1] + math.log(rate * tokens * step_s(b) / b))
    weights = np.exp(np.array(logs) - max(logs))
    return Chain(rate, slots, weights / math.fsum(weights))


@dataclass(frozen=True)
class LoneStep:
    """Seconds of an engine that serves one request at a time; the names are the scenario's.

    The prompt of I tokens is one step; each of the O - 1 further answer tokens is a step, the
    first of which finds I tokens of context, the last I + O - 2.
    """

    first_s: float
    per_token_s: float
    per_sequence_s: float
    per_context_token_s: float
    per_attention_pair_s: float
    prefill_fixed_s: float

    def prefill_s(self, prompt: np.ndarray) -> np.ndarray:
        """The step of a whole prompt: I tokens, I²/2 attention pairs."""
        kernel_s = self.first_s + self.per_token_s * (prompt - 1.0)
        attention_s = self.per_attention_pair_s * prompt**2 / 2
        return np.asarray(kernel_s + attention_s + self.prefill_fixed_s)

    def service_s(self, prompt: np.ndarray, answer: np.ndarray) -> np.ndarray:
        """The whole request."""
        steps = answer - 1.0
        context = steps * prompt + steps * (steps - 1) / 2
        decode_s = steps * (self.first_s + self.per_sequence_s) + self.per_context_token_s * context
        return np.asarray(self.prefill_s(prompt) + decode_s)

    def moments(self, prompts: TokenLaw, answers: TokenLaw) -> tuple[float, float]:
        """E[S] and E[S²] for independent lengths, summed over all pairs."""
        seconds = self.service_s(prompts.tokens[:, None].astype(float), answers.tokens[None, :])
        mean = prompts.mass @ seconds @ answers.mass
        return float(mean), float(prompts.mass @ seconds**2 @ answers.mass)


# -- sample paths ----------------------------------------------------------------------------------


def first_come_waits_s(
    arrived_at_s: np.ndarray, service_s: np.ndarray, servers: int = 1
) -> np.ndarray:
    """Waits of these very requests in a queue that starts empty: Kiefer and Wolfowitz (1955).

    With one server it is Lindley's recursion (1952). First come, first served.
    """
    free_at_s = [-math.inf] * servers  # sorted: when each server is free
    waits = np.empty(len(arrived_at_s))
    for i, (at_s, seconds) in enumerate(zip(arrived_at_s, service_s, strict=True)):
        start_s = max(at_s, free_at_s[0])
        waits[i] = start_s - at_s
        free_at_s[0] = start_s + seconds
        free_at_s.sort()
    return waits


def lindley_waits_s(arrived_at_s: np.ndarray, service_s: np.ndarray) -> np.ndarray:
    """The same with one server, all at once: a random walk above its minimum so far.

    >>> lindley_waits_s(np.array([0.0, 1.0, 1.5]), np.array([3.0, 1.0, 2.0])).tolist()
    [0.0, 2.0, 2.5]
    """
    walk = np.concatenate([[0.0], np.cumsum(service_s[:-1] - np.diff(arrived_at_s))])
    return np.asarray(walk - np.minimum.accumulate(walk))
