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
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Generic, Protocol, TypeVar

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


class Executor(Protocol):
    """Where tasks are run: in this process, in others, or on other machines."""

    def outcomes(
        self, function: Callable[[Task], Value], tasks: Sequence[Task]
    ) -> Generator[tuple[int, Outcome[Value]], None, None]:
        """Run *function* on each of *tasks*; yield (index, outcome) as they end, in any order."""
        ...


@dataclass(frozen=True)
class LocalExecutor:
    """This machine: *jobs* worker processes, or this process alone if that is 1."""

    jobs: int = 1

    def outcomes(
        self, function: Callable[[Task], Value], tasks: Sequence[Task]
    ) -> Generator[tuple[int, Outcome[Value]], None, None]:
        """As `Executor.outcomes`. Whoever stops asking ends the workers; so does an interrupt.

        Raises ValueError for less than one job.
        """
        if self.jobs < 1:
            raise ValueError(f"jobs ({self.jobs}) must be at least 1")
        if min(self.jobs, len(tasks)) <= 1:
            for index, task in enumerate(tasks):
                yield index, attempt(function, task)
        else:
            yield from _Crew(function, tasks, self.jobs).outcomes()


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
    found: dict[int, Outcome[Value]] = {}
    for index, outcome in LocalExecutor(jobs).outcomes(function, tasks):
        found[index] = outcome
        if progress is not None:
            progress(len(found), len(tasks))
    return [found[index] for index in range(len(tasks))]


def attempt(function: Callable[[Task], Value], task: Task) -> Outcome[Value]:
    """Run *function* on *task* here and now; its exception, but no interrupt, is an outcome."""
    try:
        return Outcome(function(task))
    except Exception as error:
        return Outcome(error=error)


class _Crew(Generic[Task, Value]):
    """One study's worker processes and the tasks that have not ended yet."""

    def __init__(self, function: Callable[[Task], Value], tasks: Sequence[Task], jobs: int) -> None:
        self.function, self.tasks = function, tasks
        self.jobs = min(jobs, len(tasks))
        self.fresh = deque(range(len(tasks)))
        self.suspects: deque[int] = deque()  # their worker died once, beside others

    def outcomes(self) -> Generator[tuple[int, Outcome[Value]], None, None]:
        """Fresh tasks on all workers, then suspects one by one, each in a pool of its own."""
        while self.fresh:
            self.suspects.extend((yield from self._work(self.fresh, self.jobs)))
        while self.suspects:
            died = yield from self._work(deque([self.suspects.popleft()]), 1)
            for index in died:
                yield index, Outcome(error=WorkerDiedError(DIED))

    def _work(
        self, queue: deque[int], jobs: int
    ) -> Generator[tuple[int, Outcome[Value]], None, list[int]]:
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
                broken = any(isinstance(f.exception(), BrokenProcessPool) for f in ended)
                for future in sorted(ended, key=running.__getitem__):
                    error = future.exception()
                    if not isinstance(error, BrokenProcessPool):
                        value = future.result() if error is None else None
                        yield running.pop(future), Outcome(value, error)
                if broken:
                    return sorted(running.values())
        except BrokenProcessPool:  # between two waits: nothing new was handed out
            return sorted(running.values())
        except BaseException:  # also that nobody wants the rest
            _terminate(pool)
            raise
        finally:
            pool.shutdown(wait=True, cancel_futures=True)
        return []


def _ignore_interrupt() -> None:
    """Ctrl-C reaches every process of the terminal; the parent alone decides what it means."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)


def _terminate(pool: ProcessPoolExecutor) -> None:
    """End workers in the middle of their tasks, which `shutdown` would wait for."""
    processes = getattr(pool, "_processes", None) or {}  # `terminate_workers` from 3.14 on
    for process in list(processes.values()):
        with contextlib.suppress(ProcessLookupError):
            process.terminate()
