import os
import time
from pathlib import Path

import pytest

from sim.studies.executors import Outcome, WorkerDiedError, cpu_count, run_all


def square(x: int) -> int:
    return x * x


def fail_at_three(x: int) -> int:
    if x == 3:
        raise ValueError("three")
    return x


def die_at_two(x: int) -> int:
    if x == 2:
        os._exit(1)
    time.sleep(0.05)
    return x


def die_once(task: tuple[int, Path]) -> int:
    x, folder = task
    mark = folder / "died"
    if x == 1 and not mark.exists():
        mark.touch()
        os._exit(1)
    return x


def process_of(_: int) -> int:
    return os.getpid()


def interrupt(x: int) -> int:
    raise KeyboardInterrupt


@pytest.mark.parametrize("jobs", [1, 2])
def test_outcomes_keep_the_order_of_tasks(jobs: int) -> None:
    assert [o.value for o in run_all(square, range(7), jobs)] == [x * x for x in range(7)]


@pytest.mark.parametrize("jobs", [1, 2])
def test_an_exception_is_an_outcome(jobs: int) -> None:
    outcomes = run_all(fail_at_three, range(5), jobs)
    assert [o.value for o in outcomes] == [0, 1, 2, None, 4]
    assert isinstance(outcomes[3].error, ValueError)
    with pytest.raises(ValueError, match="three"):
        outcomes[3].unwrap()


def test_one_job_works_in_this_process() -> None:
    assert {o.value for o in run_all(process_of, range(3), 1)} == {os.getpid()}
    assert [o.value for o in run_all(process_of, [0], 4)] == [os.getpid()]


def test_several_jobs_work_elsewhere() -> None:
    assert os.getpid() not in {o.value for o in run_all(process_of, range(3), 2)}


def test_a_dead_worker_is_survived(tmp_path: Path) -> None:
    outcomes = run_all(die_once, [(x, tmp_path) for x in range(4)], 2)
    assert [o.value for o in outcomes] == [0, 1, 2, 3]


def test_a_task_that_kills_twice_has_failed_and_no_other_has() -> None:
    done: list[tuple[int, int]] = []
    outcomes = run_all(die_at_two, range(5), 2, lambda *p: done.append(p))
    assert [o.value for o in outcomes] == [0, 1, None, 3, 4]
    with pytest.raises(WorkerDiedError, match="died twice"):
        outcomes[2].unwrap()
    assert done == [(i, 5) for i in range(1, 6)]


def test_progress_counts_each_task() -> None:
    done: list[tuple[int, int]] = []
    run_all(square, range(3), 1, lambda *p: done.append(p))
    assert done == [(1, 3), (2, 3), (3, 3)]


def test_an_interrupt_is_not_an_outcome() -> None:
    with pytest.raises(KeyboardInterrupt):
        run_all(interrupt, [1, 2], 1)


def test_jobs_must_be_positive() -> None:
    with pytest.raises(ValueError, match=r"jobs \(0\)"):
        run_all(square, [1, 2], 0)


def test_no_tasks_no_outcomes() -> None:
    assert run_all(square, [], 4) == []


def test_a_value_may_be_none() -> None:
    assert Outcome(None).unwrap() is None


def test_there_is_a_cpu() -> None:
    assert cpu_count() >= 1
