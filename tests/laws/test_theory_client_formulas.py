"""The closed forms of clients against each other, sums by hand, and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tests.laws import theory, theory_clients


def test_no_patience_is_erlangs_loss() -> None:
    assert theory_clients.deadline_loss(0.8, 1.0, 0.0) == pytest.approx(theory.erlang_b(1, 0.8))


def test_endless_patience_loses_nobody() -> None:
    assert theory_clients.deadline_loss(0.8, 1.0, 1e4) == pytest.approx(0.0, abs=1e-12)


def test_deadlines_against_the_queue_itself() -> None:
    """Whoever would wait longer than a second does not join."""
    rng = np.random.default_rng(1)
    n, rate, patience_s = 400_000, 0.8, 1.0
    gaps_s, service_s = rng.exponential(1 / rate, n), rng.exponential(1.0, n)
    work_s, lost = 0.0, 0
    for gap_s, seconds in zip(gaps_s.tolist(), service_s.tolist(), strict=True):
        work_s = max(0.0, work_s - gap_s)
        if work_s > patience_s:
            lost += 1
        else:
            work_s += seconds
    assert lost / n == pytest.approx(theory_clients.deadline_loss(rate, 1.0, patience_s), rel=0.02)


def test_erlang_a_contains_erlang_c_and_the_loss_system() -> None:
    patient = theory_clients.erlang_a(1.2, 1.0, 2, 1e9, most=2000)
    assert patient.queued_s == pytest.approx(theory.mmc_wait_s(1.2, 1.0, 2), rel=1e-5)
    assert patient.lost == pytest.approx(0.0, abs=1e-8)
    hasty = theory_clients.erlang_a(1.2, 1.0, 2, 1e-9)
    assert hasty.lost == pytest.approx(theory.erlang_b(2, 1.2), rel=1e-6)


def test_erlang_a_with_patience_like_service_is_poisson() -> None:
    found = theory_clients.erlang_a(3.0, 1.0, 2, 1.0)
    queue = sum((n - 2) * 3.0**n / math.factorial(n) for n in range(3, 80)) * math.exp(-3)
    assert found.idle == pytest.approx(math.exp(-3))
    assert found.lost == pytest.approx(queue / 3.0)


def test_the_orbit_against_its_chain() -> None:
    """Balance of (busy, orbit) with at most 200 in the orbit, solved as it stands."""
    rate, mu, theta, most = 0.6, 1.0, 0.7, 200
    size = 2 * (most + 1)
    flow = np.zeros((size, size))
    for away in range(most + 1):
        free, busy = 2 * away, 2 * away + 1
        flow[free, busy] += rate
        flow[busy, free] += mu
        if away < most:
            flow[busy, busy + 2] += rate
        if away:
            flow[free, busy - 2] += away * theta
    balance = (flow - np.diag(flow.sum(axis=1))).T
    balance[-1] = 1.0
    states = np.linalg.solve(balance, np.array([0.0] * (size - 1) + [1.0]))
    mean = float(np.dot(np.arange(size) // 2, states))
    assert theory_clients.mean_orbit(rate, 1 / mu, theta) == pytest.approx(mean, rel=1e-6)


def test_tries_by_hand() -> None:
    assert theory_clients.mean_tries(0.4, 2) == pytest.approx(1 + 0.4 + 0.16)
    assert theory_clients.mean_tries(0.4, 2) == pytest.approx((1 - 0.4**3) / (1 - 0.4))
    assert theory_clients.mean_tries(0.4, 0) == 1.0


def test_restarts_against_their_own_equation() -> None:
    """Each attempt succeeds with chance q = exp(-rate S); those that do not last less than S."""
    service_s, rate = 1.3, 0.4
    q = math.exp(-rate * service_s)
    attempts, work_s = theory_clients.restarted(service_s, rate)
    assert attempts == pytest.approx(1 / q)
    cut_s = (1 / rate - (service_s + 1 / rate) * q) / (1 - q)  # mean life given it is below S
    assert work_s == pytest.approx(service_s + (attempts - 1) * cut_s)


def test_one_class_is_pollaczek_khinchine() -> None:
    waits_s = theory_clients.priority_waits_s([(0.5, 1.0, 2.0)])
    assert waits_s == [theory.pk_wait_s(0.5, 1.0, 2.0)]


def test_priorities_conserve_the_work_that_waits() -> None:
    """Kleinrock's conservation law: the sum of rho W does not depend on the order."""
    classes = [(0.4, 0.5, 0.25), (0.4, 1.0, 1.0)]
    loads = [rate * mean for rate, mean, _ in classes]
    one_way = np.dot(loads, theory_clients.priority_waits_s(classes))
    other_way = np.dot(loads[::-1], theory_clients.priority_waits_s(classes[::-1]))
    mean_s, square_s2 = 0.75, 0.625
    fifo = sum(loads) * theory.pk_wait_s(0.8, mean_s, square_s2)
    assert one_way == pytest.approx(other_way)
    assert one_way == pytest.approx(fifo)
