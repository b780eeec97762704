"""Tokenfleet: what self-hosted LLM tokens really cost, and why. A discrete-event simulator.

The public API: `load` a scenario and `run` it; ask about it with `plan`, `gap` and `compare`; and
`step_time`. For a newcomer, the code reads in the
order of the data: `scenario` (what the user writes), `traffic` (what it asks for), `serving` (one
engine), `fleet` (many), `simulation` (one run), `ledger` (what happened), `cost` (what it costs),
`studies` (more than one run), `report` and `cli` (what the user sees). `catalog` holds the facts.

>>> scenario = load("scenarios/quickstart.yaml", ["horizon=10m", "warmup=1m"])
>>> result = run(scenario, replications=1)
>>> result.summary()["requests"]["arrived"] > 0
True
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from sim.version import __version__

if TYPE_CHECKING:
    from pathlib import Path

    from sim.scenario.document import Scenario
    from sim.studies.compare import BothWays
    from sim.studies.design import Choices
    from sim.studies.gap import Gap
    from sim.studies.plan import Plan
    from sim.studies.result import Result

__all__ = [
    "Choices", "Result", "Scenario", "__version__",
    "compare", "gap", "load", "plan", "run", "step_time",
]  # fmt: skip


def load(path: str | Path, overrides: Sequence[str] = ()) -> Scenario:
    """Read a scenario file; *overrides* are ``"path=value"`` as in ``--set``.

    Raises `sim.scenario.problem.ScenarioError`, which names every problem of the file at once.
    """
    from sim.scenario.load import load as load_file

    return load_file(path, overrides)


def run(scenario: Scenario, **options: Any) -> Result:
    """Simulate *scenario*; see `sim.studies.replications.run` for the options.

    The usual ones are ``replications=5``, ``seed=None`` (the scenario's own) and ``jobs=1``.
    """
    from sim.studies.replications import run as run_all

    return run_all(scenario, **options)


def plan(scenario: Scenario, choices: Choices | None = None, **options: Any) -> Plan:
    """Find the cheapest fleet of *scenario* that meets every SLO, and how much more it bears.

    *choices* says what may be chosen, by default all that the catalog has a price for. The usual
    options of `sim.studies.plan.plan` are ``replications=5`` and ``jobs=1``.

    >>> scenario = load("scenarios/quickstart.yaml")
    >>> found = plan(scenario, Choices(gpus=("h100-sxm", "l40s")))  # doctest: +SKIP
    >>> found.found, found.headroom.full_on(3.0, date.today())  # doctest: +SKIP
    (True, datetime.date(2027, 10, 1))
    """
    from sim.studies.plan import plan as search

    return search(scenario, choices, **options)


def gap(result: Result, **options: Any) -> Gap:
    """Explain the price of a token in *result*, cause by cause, from the benchmark's price on.

    The usual options of `sim.studies.gap.gap` are ``requests``, of the log that is sent again,
    and ``jobs=1``. The ladder in words and numbers is ``gap(result).summary()["gap"]["rungs"]``.

    >>> result = run(load("scenarios/quickstart.yaml"))  # doctest: +SKIP
    >>> ladder = gap(result, requests=100).ladder  # doctest: +SKIP
    >>> ladder.levels[0] < ladder.levels[-1]  # doctest: +SKIP
    True
    """
    from sim.studies.gap import gap as measure

    return measure(result, **options)


def compare(
    before: Scenario,
    after: Scenario,
    *,
    replications: int = 5,
    jobs: int = 1,
    resized: bool = True,
) -> BothWays:
    """Price the change from *before* to *after* on the same random numbers.

    With *resized* also with both fleets at the smallest size that meets their SLOs. Raises what a
    simulation raises.

    >>> before = load("scenarios/quickstart.yaml", ["horizon=1m"])
    >>> after = load("scenarios/quickstart.yaml", ["horizon=1m", "pools.main.replicas=2"])
    >>> change = compare(before, after, resized=False).same_fleet  # doctest: +SKIP
    >>> change.of("usd_per_month").difference > 0  # doctest: +SKIP
    True
    """
    from sim.studies.compare import compare as compare_all
    from sim.studies.paired_runs import PairedRuns

    return compare_all(before, after, runs=PairedRuns(replications, jobs), resized=resized)


def step_time(
    model: str,
    gpu: str,
    tensor_parallel: int = 1,
    precision: str = "bf16",
    *,
    prefill: Sequence[tuple[int, int]] = (),
    decode: Sequence[int] = (),
) -> float:
    """Seconds of GPU kernels in one engine step, from the catalog's fitted table; no host time.

    *prefill* lists chunks as (new tokens, tokens already in the cache); *decode* lists the tokens
    that each decoding sequence holds. *gpu* is a card of the catalog (``h100-sxm``) or the name
    of a table (``h100_sxm``). Raises ValueError for unknown names and combinations.

    >>> step_time("llama-3.1-8b", "h100-sxm", decode=[500] * 8) < 0.01
    True
    """
    from sim.catalog.gpus import gpu as card
    from sim.catalog.timings import kernel_seconds, kernel_table, tables

    table = gpu if any(t.gpu == gpu for t in tables()) else card(gpu).table
    return kernel_seconds(
        kernel_table(model, table, tensor_parallel, precision), prefill=prefill, decode=decode
    )


def __getattr__(name: str) -> Any:
    """Import the classes when they are first asked for: the command stays quick."""
    if name == "Result":
        from sim.studies.result import Result

        return Result
    if name == "Scenario":
        from sim.scenario.document import Scenario

        return Scenario
    if name == "Choices":
        from sim.studies.design import Choices

        return Choices
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
