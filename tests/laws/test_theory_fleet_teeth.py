"""Teeth of the fleet and client cases: faults put in on purpose, on runs cut short."""

from __future__ import annotations

import pytest

from tests.laws.protocol import REPLICATIONS
from tests.laws.theory_cases import cases, judged

FIRST = range(REPLICATIONS)

POOL, CHAT = "pools.main", "routes.chat"
FAULTS = [
    ("round-robin", "400s", f"{POOL}.router=least-loaded", "waiting share"),
    ("cold-start", "600s", f"{POOL}.startup.provision=3s", "off share"),
    ("cold-start", "600s", f"{POOL}.node.usd_per_hour=9.8", "USD/hour (T14)"),
    ("stalls", "1500s", f"{POOL}.failures.stalls.every=1s", "mean wait (s)"),
    ("repair-crew", "3h", f"{POOL}.failures.repair_crews=2", "ready share"),
    ("zones", "3h", f"{POOL}.failures.zone_mtbf=15m", "ready share"),
    ("priority", "400s", "routes.urgent.priority=1", "mean wait, urgent (s)"),
    ("impatient", "200s", f"{CHAT}.ttft_patience=2s", "lost share"),
    ("erlang-a", "200s", f"{CHAT}.ttft_patience={{exponential: 3s}}", "mean time in queue (s)"),
    ("retrial", "600s", f"{CHAT}.retries.backoff={{exponential: 2s}}", "attempts/request"),
    ("request-errors", "40s", f"{CHAT}.retries.max=3", "lost share"),
    ("request-errors", "40s", f"{POOL}.failures.request_errors=45%", "second attempts"),
    ("restart", "50s", f"{POOL}.failures.replica_mtbf=5s", "GPU seconds/request"),
]


def rejected(file: str, *changes: str) -> set[str]:
    """Names of the figures that disagree with theory if the scenario has *changes*."""
    case = next(case for case in cases() if case.file == f"{file}.yaml")
    return {f.name for f in case.every_figure if not judged(case, f, FIRST, changes).agrees}


@pytest.mark.slow
@pytest.mark.parametrize(("file", "horizon", "fault", "figure"), FAULTS)
def test_a_fault_is_found(file: str, horizon: str, fault: str, figure: str) -> None:
    assert rejected(file, f"horizon={horizon}") == set()
    assert figure in rejected(file, f"horizon={horizon}", fault)
