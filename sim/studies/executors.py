"""Executors: how many runs are done, on how many processes; knows no simulated clock.

A worker may die (out of memory, killed) without taking the study along. Only as many tasks are
handed out as there are workers, so it is known which ones were running when one died. Each of
those is tried once more, alone, so that a second death has one possible cause.
"""

from __future__ import annotations

import contextlib
import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Generic, TypeVar

Task = TypeVar("Task")
Value = TypeVar("Value")

Progress = Callable[[int, int], None]
"""Called with (tasks ended, tasks in all) after each."""

DIED = (
    "its worker process died twice: out of memory, killed, or unable to start (a script that uses "
    'several processes must do so under `if __name__ == "__main__":`, or with jobs=1)'
)


@dataclass(frozen=True)
class Outcome(Generic[Value]):
    """What became of a task: a value, or the exception that ended it."""

    value: Value | None = None
    error: BaseException | None = None

    def unwrap(self) -> Value:
        """The value; raises the task's own exception where there is none."""
        if self.error is not None:
            raise self.error
        return self.value  # type: ignore[return-value]


class WorkerDiedError(RuntimeError):
    """A task took its worker process down each time it was tried."""


def cpu_count() -> int:
    """CPUs that this process may use, at least 1."""
    if hasattr(os, "sched_getaffinity"):
        return max(1, len(os.sched_getaffinity(0)))
    return os.cpu_count() or 1


def run_all(
    function: Callable[[Task], Value],
    tasks: Sequence[Task],
    jobs: int = 1,
    progress: Progress | None = None,
) -> list[Outcome[Value]]:
    """Run *function* on each of *tasks*; outcomes in their order, whatever the order of ending.

    With `jobs` or the tasks down to 1 all runs in this process. An exception of a task is its
    outcome; an interrupt (Ctrl-C) ends the workers and is raised.
    """
    if jobs < 1:
        raise ValueError(f"jobs ({jobs}) must be at least 1")
    report = _Counter(len(tasks), progress)
    if min(jobs, len(tasks)) <= 1:
        return [_here(function, task, report) for task in tasks]
    return _Crew(function, tasks, jobs, report).run()


class _Counter:
    """Counts ended tasks and tells whoever wants to know."""

    def __init__(self, total: int, progress: Progress | None) -> None:
        self.done, self.total, self.progress = 0, total, progress

    def add(self) -> None:
        self.done += 1
        if self.progress is not None:
            self.progress(self.done, self.total)


def _here(function: Callable[[Task], Value], task: Task, report: _Counter) -> Outcome[Value]:
    try:
        outcome: Outcome[Value] = Outcome(function(task))
    except Exception as error:
        outcome = Outcome(error=error)
    report.add()
    return outcome


class _Crew(Generic[Task, Value]):
    """One study's worker processes and what they have done so far."""

    def __init__(
        self,
        function: Callable[[Task], Value],
        tasks: Sequence[Task],
        jobs: int,
        report: _Counter,
    ) -> None:
        self.function, self.tasks, self.report = function, tasks, report
        self.jobs = min(jobs, len(tasks))
        self.outcomes: dict[int, Outcome[Value]] = {}
        self.fresh = deque(range(len(tasks)))
        self.suspects: deque[int] = deque()  # their worker died once, beside others

    def run(self) -> list[Outcome[Value]]:
        """Fresh tasks on all workers, then suspects one by one, each in a pool of its own."""
        while self.fresh:
            self.suspects.extend(self._work(self.fresh, self.jobs))
        while self.suspects:
            died = self._work(deque([self.suspects.popleft()]), 1)
            for index in died:
                self._end(index, Outcome(error=WorkerDiedError(DIED)))
        return [self.outcomes[i] for i in range(len(self.tasks))]

    def _work(self, queue: deque[int], jobs: int) -> list[int]:
        """Empty *queue* with a pool of processes; returns the tasks during which it broke."""
        pool = ProcessPoolExecutor(
            jobs, mp_context=multiprocessing.get_context("spawn"), initializer=_ignore_interrupt
        )
        running: dict[Future[Value], int] = {}
        try:
            while queue or running:
                while queue and len(running) < jobs:
                    running[pool.submit(self.function, self.tasks[queue[0]])] = queue[0]
                    queue.popleft()
                ended, _ = wait(running, return_when=FIRST_COMPLETED)
                if self._collect(ended, running):
                    return sorted(running.values())
        except BrokenProcessPool:  # between two waits: nothing new was handed out
            return sorted(running.values())
        except BaseException:
            _terminate(pool)
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return []

    def _collect(self, ended: set[Future[Value]], running: dict[Future[Value], int]) -> bool:
        """Book the tasks that *ended*; True if the pool broke, those it took stay in *running*."""
        broken = False
        for future in ended:
            error = future.exception()
            if isinstance(error, BrokenProcessPool):
                broken = True
                continue
            value = future.result() if error is None else None
            self._end(running.pop(future), Outcome(value, error))
        return broken

    def _end(self, index: int, outcome: Outcome[Value]) -> None:
        self.outcomes[index] = outcome
        self.report.add()


def _ignore_interrupt() -> None:
    """Ctrl-C reaches every process of the terminal; the parent alone decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _terminate(pool: ProcessPoolExecutor) -> None:
    """End workers in the middle of their tasks, which `shutdown` would wait for."""
    processes = getattr(pool, "_processes", None) or {}  # `terminate_workers` from 3.14 on
    for process in list(processes.values()):
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
