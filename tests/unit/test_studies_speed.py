from __future__ import annotations

import pytest

from sim.studies.speed import Case, bare_simpy_per_s, peak_mb


def test_a_case_simulates_about_what_it_was_asked_for() -> None:
    done, cpu_s = Case(2, output=20).cpu_s(400)
    assert done == pytest.approx(400, rel=0.25)
    assert cpu_s > 0


def test_a_living_fleet_simulates_as_many() -> None:
    done, cpu_s = Case(2, output=20, rps=2.0, living=True).cpu_s(400)
    assert done == pytest.approx(400, rel=0.4)
    assert cpu_s > 0


def test_the_yardstick_is_timed() -> None:
    assert bare_simpy_per_s(2_000) > 1_000


def test_this_process_has_held_some_memory() -> None:
    assert 10 < peak_mb() < 100_000
