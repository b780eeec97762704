"""The closed forms of fleets against each other, sums by hand, and brute force."""

from __future__ import annotations

import math

import numpy as np
import pytest
from scipy.integrate import solve_ivp

from tests.laws import theory, theory_fleets


@pytest.mark.parametrize("load", [0.3, 0.8])
def test_poisson_gaps_are_mm1(load: float) -> None:
    sigma = theory_fleets.gamma_busy_share(load, 1.0, 1.0)
    assert sigma == pytest.approx(load)
    wait_s = theory_fleets.gi_m_1_wait_s(sigma, 1.0)
    assert wait_s == pytest.approx(theory.pk_wait_s(load, 1.0, 2.0))


def test_regular_gaps_are_dm1() -> None:
    """Shape to infinity: sigma = exp(-(1 - sigma)/rho); at rho 0.5 it is 0.2032 (Kleinrock)."""
    assert theory_fleets.gamma_busy_share(0.5, 1e7, 1.0) == pytest.approx(0.20319, abs=1e-5)


def test_gamma_gaps_against_the_queue_itself() -> None:
    rng = np.random.default_rng(1)
    n, rate, shape = 1_000_000, 0.5, 0.5
    arrived_at_s = np.cumsum(rng.gamma(shape, 1 / (rate * shape), n))
    waits_s = theory.lindley_waits_s(arrived_at_s, rng.exponential(1.0, n))
    sigma = theory_fleets.gamma_busy_share(rate, shape, 1.0)
    assert np.mean(waits_s > 0) == pytest.approx(sigma, rel=0.01)
    assert waits_s.mean() == pytest.approx(theory_fleets.gi_m_1_wait_s(sigma, 1.0), rel=0.03)


def test_waits_all_at_once_are_those_one_by_one() -> None:
    rng = np.random.default_rng(2)
    arrived_at_s, service_s = np.cumsum(rng.exponential(1.0, 500)), rng.exponential(0.7, 500)
    found = theory.lindley_waits_s(arrived_at_s, service_s)
    one_by_one = theory.first_come_waits_s(arrived_at_s, service_s)
    np.testing.assert_allclose(found, one_by_one, rtol=0, atol=1e-9)


def test_an_instant_start_is_no_start() -> None:
    instant = theory_fleets.cold_start_wait_s(0.5, (1.0, 2.0), (0.0, 0.0))
    assert instant == theory.pk_wait_s(0.5, 1.0, 2.0)
    assert theory_fleets.off_share(0.5, 1.0, 0.0) == 0.5


def test_a_rare_request_waits_for_the_start_and_hardly_anybody_else() -> None:
    wait_s = theory_fleets.cold_start_wait_s(1e-6, (1.0, 1.0), (30.0, 900.0))
    assert wait_s == pytest.approx(30.0, rel=1e-4)
    assert theory_fleets.off_share(1e-6, 1.0, 30.0) == pytest.approx(1.0, rel=1e-4)


def test_cold_starts_against_the_queue_itself() -> None:
    """Each request that finds nobody waits for the start; the next ones queue behind it."""
    rng = np.random.default_rng(3)
    n, rate, start_s = 400_000, 0.4, 2.0
    gaps_s, service_s = rng.exponential(1 / rate, n), rng.exponential(1.0, n)
    waits_s, wait_s, off_s = np.empty(n), start_s, 0.0
    for i in range(n):
        waits_s[i] = wait_s
        left_s = wait_s + service_s[i] - gaps_s[i]
        wait_s = left_s if left_s > 0 else start_s
        off_s += max(0.0, -left_s)
    expected_s = theory_fleets.cold_start_wait_s(rate, (1.0, 2.0), (start_s, start_s**2))
    assert waits_s.mean() == pytest.approx(expected_s, rel=0.01)
    off = theory_fleets.off_share(rate, 1.0, start_s)
    assert off_s / gaps_s.sum() == pytest.approx(off, rel=0.01)


def test_a_service_that_never_hangs_is_itself() -> None:
    assert theory_fleets.hanging_moments((1.0, 2.0), 0.0, (5.0, 50.0)) == (1.0, 2.0)


def test_hanging_against_a_sum_over_hangs() -> None:
    """A service of 1 s hangs a Poisson number of times, for 2 s each: C = 1 + 2 N."""
    hangs = np.arange(60)
    chance = np.exp(-0.3) * 0.3**hangs / np.array([math.factorial(n) for n in hangs], dtype=float)
    longer = 1.0 + 2.0 * hangs
    expected = float(chance @ longer), float(chance @ longer**2)
    assert theory_fleets.hanging_moments((1.0, 1.0), 0.3, (2.0, 4.0)) == pytest.approx(expected)


def test_a_crew_for_each_machine_leaves_them_independent() -> None:
    broken = theory_fleets.repaired(5, 600.0, 150.0, 5)
    up = theory_fleets.up_of(5, theory_fleets.availability(600.0, 150.0))
    assert broken[::-1] == pytest.approx(up)


def test_one_crew_for_two_machines_by_hand() -> None:
    # Balance with life 2 and repair 1: p1 = 2 (1/2) p0 = p0, p2 = (1/2) p1.
    assert theory_fleets.repaired(2, 2.0, 1.0, 1) == pytest.approx([0.4, 0.4, 0.2])


def test_binomials_add_up() -> None:
    up = theory_fleets.up_of(3, 0.9)
    assert up.sum() == pytest.approx(1.0)
    assert up[2] + up[3] == pytest.approx(3 * 0.81 * 0.1 + 0.729)


def test_birth_death_of_a_long_chain_is_mm1() -> None:
    states = theory_fleets.birth_death([0.5] * 200, [1.0] * 200)
    assert states[:4] == pytest.approx([0.5, 0.25, 0.125, 0.0625])


def test_a_day_without_hours_is_constant() -> None:
    mean = theory_fleets.day_in_service([36.0] * 24, 100.0)
    assert mean(np.linspace(0, 2e5, 7)) == pytest.approx(1.0)


def test_a_day_solves_its_equation() -> None:
    per_hour, service_s = [float(1 + hour % 5) for hour in range(24)], 2500.0
    mean = theory_fleets.day_in_service(per_hour, service_s)

    def slope(t_s: float, m: np.ndarray) -> np.ndarray:
        return per_hour[int(t_s // 3600) % 24] / 3600.0 - m / service_s

    at_s = np.arange(0.0, 86_400.0, 600.0)
    solved = solve_ivp(slope, (0, 86_400), [mean(np.array([0.0]))[0]], t_eval=at_s, max_step=60.0)
    np.testing.assert_allclose(mean(at_s), solved.y[0], rtol=1e-3)
    assert mean(np.array([86_400.0 - 1e-6])) == pytest.approx(mean(np.array([0.0])), rel=1e-6)


def test_a_smooth_day_lags_as_the_sine_does() -> None:
    """The sine's own closed form (Eick, Massey and Whitt 1993), up to the steps of the hours."""
    service_s, amplitude, turn = 7200.0, 0.8, 2 * math.pi / 86_400
    per_hour = [9 * (1 + amplitude * math.sin(turn * 3600 * (h + 0.5))) for h in range(24)]
    mean = theory_fleets.day_in_service(per_hour, service_s)
    mu, rate = 1 / service_s, 9 / 3600
    at_s = np.arange(0.0, 86_400.0, 3600.0)
    wave = (mu * np.sin(turn * at_s) - turn * np.cos(turn * at_s)) / (mu**2 + turn**2)
    np.testing.assert_allclose(mean(at_s), rate / mu + amplitude * rate * wave, atol=0.01 * 18)
