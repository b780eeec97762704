import os

import pytest

from sim.studies.dask_executor import ClusterError, DaskExecutor, dask_executor, difference
from sim.studies.executors import WorkerDiedError

pytest.importorskip("distributed")
pytestmark = pytest.mark.filterwarnings("ignore")  # of distributed's own, as its workers die


def square(x: int) -> int:
    if x == 3:
        raise ValueError("three")
    return x * x


def die_at_one(x: int) -> int:
    if x == 1:
        os._exit(1)
    return x


def test_outcomes_errors_and_deaths_on_one_cluster() -> None:
    with dask_executor(None, jobs=2) as executor:
        found = dict(executor.outcomes(square, range(5)))
        assert [found[i].value for i in range(5)] == [0, 1, 4, None, 16]
        assert isinstance(found[3].error, ValueError)
        assert dict(executor.outcomes(square, [])) == {}
        died = dict(executor.outcomes(die_at_one, range(4)))
        assert [died[i].value for i in (0, 2, 3)] == [0, 2, 3]  # dead workers are survived
        assert isinstance(died[1].error, WorkerDiedError)
        stopped = executor.outcomes(square, range(5))
        next(stopped)
        stopped.close()


def test_a_scheduler_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sim.studies.dask_executor.CONNECT_S", 0.2)
    with (
        pytest.raises(ClusterError, match=r"no Dask scheduler answers at tcp://127\.0\.0\.1:9"),
        dask_executor("tcp://127.0.0.1:9"),
    ):
        pass


def test_workers_of_other_versions_are_refused() -> None:
    here = {"tokenfleet": "1", "numpy": "2"}
    assert difference(here, here) == ""
    told = difference(here, {"numpy": "3"})
    assert told == "has tokenfleet (none), not 1 as here; numpy 3, not 2 as here"
    assert DaskExecutor.__doc__
