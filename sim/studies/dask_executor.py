"""Dask executor: tasks on the workers of a Dask cluster, one per thread; no simulated clock.

`Client.submit` and nothing on top: joblib's Dask backend may run tasks in the client's process.
Results are gathered one by one as they come and released at once: a worker that dies takes along
no more than the tasks that it was doing, which the scheduler gives to another one.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Generator, Iterator, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from sim.studies.executors import Outcome, attempt
from sim.studies.refusals import ClusterError
from sim.studies.result import versions

if TYPE_CHECKING:
    from distributed import Client, Future

Task = TypeVar("Task")
Value = TypeVar("Value")

CONNECT_S = 10.0
"""How long the scheduler has to answer."""

WORKERS_S = 30.0
"""How long the first worker has to appear."""

DEATHS = 2
"""Deaths of workers after which a local cluster blames the task that all of them were doing."""


class DaskExecutor:
    """The workers of a cluster, as many tasks at once as they have threads."""

    def __init__(self, client: Client) -> None:
        self._client = client

    def outcomes(
        self, function: Callable[[Task], Value], tasks: Sequence[Task]
    ) -> Generator[tuple[int, Outcome[Value]], None, None]:
        """As `Executor.outcomes`. Whoever stops asking cancels what is still running.

        Raises ClusterError if the scheduler is gone, or a worker joins that would calculate
        otherwise.
        """
        from distributed import as_completed

        here = versions()
        waiting = list(range(len(tasks)))[::-1]
        running: dict[Future[Any], int] = {}
        ended = as_completed(loop=self._client.loop)
        try:
            while waiting or running:
                while waiting and len(running) < self._threads():
                    index = waiting.pop()
                    future = self._client.submit(
                        _on_worker, function, tasks[index], here, pure=False
                    )
                    running[future] = index
                    ended.add(future)
                future = next(ended)
                outcome = _gathered(future)
                yield running.pop(future), outcome
                future.release()
        except (OSError, RuntimeError) as error:
            raise ClusterError(f"the Dask cluster was lost: {error}") from error
        finally:
            with contextlib.suppress(Exception):  # of a scheduler that is gone nothing is left
                self._client.cancel(list(running))

    def _threads(self) -> int:
        """Threads of all workers now; one while there is none, for whoever comes next."""
        threads: dict[str, int] = self._client.nthreads()
        return max(1, sum(threads.values()))


@contextlib.contextmanager
def dask_executor(scheduler: str | None = None, jobs: int = 1) -> Iterator[DaskExecutor]:
    """Workers of the cluster at *scheduler* (``tcp://host:8786``), else *jobs* processes here.

    Raises ClusterError without the package `distributed`, if nobody answers, if there is no
    worker, or if a worker has other versions of what the results depend on.
    """
    try:
        import dask
        import distributed
    except ImportError:
        text = "the executor dask needs the package distributed: pip install 'tokenfleet[dask]'"
        raise ClusterError(text) from None
    quiet = {"distributed.scheduler.allowed-failures": DEATHS - 1, "logging.distributed": "error"}
    with dask.config.set(quiet), contextlib.ExitStack() as stack:
        try:
            if scheduler is None:
                cluster = distributed.LocalCluster(
                    n_workers=jobs, threads_per_worker=1, processes=True, dashboard_address=None,
                    silence_logs="ERROR",
                )  # fmt: skip
                stack.enter_context(cluster)
                client = stack.enter_context(distributed.Client(cluster))
            else:
                client = stack.enter_context(distributed.Client(scheduler, timeout=CONNECT_S))
        except (OSError, ValueError, TypeError) as error:
            raise ClusterError(f"no Dask scheduler answers at {scheduler}: {error}") from error
        _check_workers(client)
        yield DaskExecutor(client)


def _check_workers(client: Client) -> None:
    """Raise ClusterError unless there are workers, all of which would calculate as we do."""
    try:
        client.wait_for_workers(1, timeout=WORKERS_S)
    except TimeoutError:
        text = f"the Dask scheduler has had no worker for {WORKERS_S:g} s; start `dask worker`"
        raise ClusterError(text) from None
    try:
        found = client.run(versions, on_error="return")
    except Exception as error:  # what workers cannot even read ends here
        raise ClusterError(f"the Dask workers cannot run Tokenfleet: {error}") from error
    for worker, theirs in found.items():
        if not isinstance(theirs, dict):
            raise ClusterError(f"the Dask worker {worker} cannot run Tokenfleet: {theirs}")
        if text := difference(versions(), theirs):
            raise ClusterError(f"the Dask worker {worker} {text}; results would not be the same")


def difference(here: dict[str, str], theirs: dict[str, str]) -> str:
    """What a worker has in other versions than we; empty if nothing.

    >>> difference({"numpy": "2.0", "scipy": "1.1"}, {"numpy": "1.9", "scipy": "1.1"})
    'has numpy 1.9, not 2.0 as here'
    """
    other = [
        f"{name} {theirs.get(name, '(none)')}, not {version} as here"
        for name, version in here.items()
        if theirs.get(name) != version
    ]
    return f"has {'; '.join(other)}" if other else ""


def _on_worker(
    function: Callable[[Task], Value], task: Task, here: dict[str, str]
) -> Outcome[Value]:
    """Run *task* on a worker, unless it is one that has joined with other versions."""
    if text := difference(here, versions()):
        return Outcome(error=ClusterError(f"a Dask worker that joined later {text}"))
    return attempt(function, task)


def _gathered(future: Future[Any]) -> Outcome[Any]:
    """What came of a task. Raises ClusterError where its worker would not do it."""
    from distributed import CancelledError, KilledWorker

    from sim.studies.executors import WorkerDiedError

    try:
        outcome = future.result()
    except KilledWorker:
        text = f"{DEATHS} or more Dask workers died while they did it: out of memory, or killed"
        return Outcome(error=WorkerDiedError(text))
    except CancelledError:
        raise ClusterError("the Dask cluster was lost: it has forgotten a task") from None
    assert isinstance(outcome, Outcome)
    if isinstance(outcome.error, ClusterError):
        raise outcome.error
    return outcome
