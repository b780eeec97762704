from sim.studies.calibration_runs import BenchmarkRun, Load, Serving


def test_one_length_serves_all_requests() -> None:
    assert list(Load(3, None, (5,), (1, 2, 3)).lengths()) == [(5, 1), (5, 2), (5, 3)]


def test_runs_are_ordered_by_load() -> None:
    def run(rps: float | None, limit: int | None = None) -> BenchmarkRun:
        return BenchmarkRun("", "p", Load(1, rps, (1,), (1,), max_concurrency=limit), Serving())

    runs = [run(None), run(None, 4), run(10.0), run(2.5)]
    assert [one.rate for one in sorted(runs, key=lambda one: one.order)] == [
        "2.5",
        "10",
        "inf (max 4)",
        "inf",
    ]


def test_only_rates_without_a_timetable_are_drawn() -> None:
    assert Load(1, 2.0, (1,), (1,)).is_drawn
    assert not Load(1, None, (1,), (1,)).is_drawn
    assert not Load(1, 2.0, (1,), (1,), sent_at_s=(0.0,)).is_drawn
