"""Tokenfleet: what self-hosted LLM tokens really cost, and why. A discrete-event simulator.

The public API is `load`, `run`, `step_time` and `Result`. For a newcomer, the code reads in the
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
    from sim.studies.result import Result

__all__ = ["Result", "Scenario", "__version__", "load", "run", "step_time"]


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
    """Import `Result` and `Scenario` when they are first asked for: the command stays quick."""
    if name == "Result":
        from sim.studies.result import Result

        return Result
    if name == "Scenario":
        from sim.scenario.document import Scenario

        return Scenario
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
