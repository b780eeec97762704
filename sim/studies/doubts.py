"""Doubts: what of a scenario is not known for sure, each with a low and a high end; no clock."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from typing import TypeVar

from sim.catalog.gpus import gpu
from sim.catalog.kernel import KernelTable
from sim.catalog.timings import kernel_table
from sim.scenario.bill import BillLine
from sim.scenario.document import Scenario
from sim.scenario.engine import Engine
from sim.scenario.node_price import NodePrice
from sim.scenario.pool import Pool
from sim.scenario.spec import FrozenDict
from sim.scenario.timing import ExplicitTiming
from sim.studies.demand import at_demand
from sim.studies.longer import Side, brings_own, longer

P = TypeVar("P", bound=NodePrice)

MONEY_DOUBT = 0.2
"""Prices and demand: 20 % down and up."""

LENGTH_DOUBT = 0.1
"""Prompts and answers: 10 % shorter and longer."""

FAILURE_DOUBT = 2.0
"""Failures: half as often and twice as often; published rates differ by more."""


@dataclass(frozen=True)
class End:
    """One end of a doubt: what it is called, and the scenario then."""

    label: str
    change: Callable[[Scenario], Scenario]


@dataclass(frozen=True)
class Doubt:
    """Something that may be less or more than the scenario says; `obstacle`: why it is no doubt."""

    name: str
    low: End
    high: End
    obstacle: str = ""


def doubts(scenario: Scenario) -> Iterator[Doubt]:
    """All doubts about *scenario*, those that do not apply with the reason."""
    yield _plus_minus("node prices", MONEY_DOUBT, prices_times)
    lines = "" if scenario.bill else "there are no other lines"
    yield _plus_minus("other lines of the bill", MONEY_DOUBT, lines_times, lines)
    yield _plus_minus("demand", MONEY_DOUBT, at_demand)
    yield _lengths(scenario, "input", "prompt lengths")
    yield _lengths(scenario, "output", "answer lengths")
    yield _steps(scenario)
    yield _failures(scenario)


def _plus_minus(
    name: str,
    share: float,
    times: Callable[[Scenario, float], Scenario],
    obstacle: str = "",
) -> Doubt:
    def end(sign: str, factor: float) -> End:
        percent = f"{100 * share:.2g}"
        return End(f"{sign}{percent} %", lambda scenario: times(scenario, factor))

    return Doubt(name, end("-", 1 - share), end("+", 1 + share), obstacle)


def _with_pools(scenario: Scenario, change: Callable[[Pool], Pool]) -> Scenario:
    pools = {name: change(pool) for name, pool in scenario.pools.items()}
    return scenario.model_copy(update={"pools": FrozenDict(pools)})


def prices_times(scenario: Scenario, times: float) -> Scenario:
    """*scenario* with all nodes at *times* their price, spot nodes too."""

    def dearer(pool: Pool) -> Pool:
        node = _price_times(pool.node, pool.node.gpus, times)
        if node.spot is not None:
            spot = _price_times(node.spot, node.gpus, times)
            node = node.model_copy(update={"spot": spot})
        return pool.model_copy(update={"node": node})

    return _with_pools(scenario, dearer)


def _price_times(priced: P, gpus: int, times: float) -> P:
    usd = priced.usd_per_hour_of(gpus) * times
    return priced.model_copy(update={"price": None, "usd_per_gpu_hour": None, "usd_per_hour": usd})


def lines_times(scenario: Scenario, times: float) -> Scenario:
    """*scenario* with all other lines of the bill at *times* their price, by price or by count.

    A percentage of other lines follows them.
    """
    lines = tuple(_line_times(line, times) for line in scenario.bill)
    return scenario.model_copy(update={"bill": lines})


def _line_times(line: BillLine, times: float) -> BillLine:
    if line.usd is not None:
        return line.model_copy(update={"usd": line.usd * times})
    if line.one_time is not None:
        work = line.one_time.model_copy(update={"usd": line.one_time.usd * times})
        return line.model_copy(update={"one_time": work})
    if line.price is not None:
        count = 1.0 if line.count is None else line.count
        return line.model_copy(update={"count": count * times})
    return line


def _lengths(scenario: Scenario, side: Side, name: str) -> Doubt:
    own = [brings_own(route, side) for route in scenario.routes.values()]
    why = "traces, files or conversations bring all of them" if all(own) else ""
    told = f"{name}, where no trace brings them" if any(own) and not why else name
    return _plus_minus(told, LENGTH_DOUBT, lambda s, times: longer(s, side, times), why)


def _steps(scenario: Scenario) -> Doubt:
    tables = [table_of(pool) for pool in scenario.pools.values()]
    errors = [_error(table) for table in tables if table is not None]
    known = [error for error in errors if error > 0]
    why = "" if known else "no pool's step times come from a table with a stated error"
    share = max(known, default=0.0)
    return _plus_minus("step times (the tables' stated error)", share, steps_times, why)


def table_of(pool: Pool) -> KernelTable | None:
    """The table of a pool's step times; None for numbers of the user's own, and for experts.

    A mixture of experts has corrections that depend on its table, so its times cannot be scaled.
    """
    if pool.explicit or pool.model is None or pool.gpu is None:
        return None
    table = kernel_table(
        pool.model,
        gpu(pool.gpu).table,
        pool.tensor_parallel,
        pool.precision,
        pool.timing == "extrapolated",
    )
    return None if table.experts else table


def _error(table: KernelTable) -> float:
    """The largest of the table's stated mean errors, as a share; 0 if it states none."""
    if table.errors is None:
        return 0.0
    kinds = (table.errors.decode, table.errors.prefill, table.errors.mixed)
    return max(figures.mape_pct for figures in kinds) / 100.0


def steps_times(scenario: Scenario, times: float) -> Scenario:
    """*scenario* with the kernels of all tabled pools *times* as slow; the host's part stays."""

    def slower(pool: Pool) -> Pool:
        table = table_of(pool)
        if table is None:
            return pool
        timing = ExplicitTiming(
            knots_tokens=table.knots_tokens,
            knots_s=tuple(s * times for s in table.knots_s),
            per_sequence_s=table.per_sequence_s * times,
            per_context_token_s=table.per_context_token_s * times,
            per_attention_pair_s=table.per_attention_pair_s * times,
            per_prefill_context_token_s=table.per_prefill_context_token_s * times,
            prefill_fixed_s=table.prefill_fixed_s * times,
        )
        return pool.model_copy(
            update={
                "timing": timing,
                "kv_tokens": pool.resolved_kv_tokens(),
                "engine": Engine(**asdict(pool.resolved_engine())),
                "compute_factor": pool.resolved_compute_factor,
            }
        )

    return _with_pools(scenario, slower)


def _failures(scenario: Scenario) -> Doubt:
    kills = any(p.failures is not None and p.failures.kills for p in scenario.pools.values())
    why = "" if kills else "nothing fails at random in this scenario"
    return Doubt(
        "failures",
        End("half as often", lambda s: failures_times(s, 1 / FAILURE_DOUBT)),
        End("twice as often", lambda s: failures_times(s, FAILURE_DOUBT)),
        why,
    )


def failures_times(scenario: Scenario, times: float) -> Scenario:
    """*scenario* with nodes, replicas and zones that fail *times* as often."""

    def worse(pool: Pool) -> Pool:
        if pool.failures is None:
            return pool
        rarer = {
            key: getattr(pool.failures, key) / times
            for key in ("mtbf", "replica_mtbf", "zone_mtbf")
            if getattr(pool.failures, key) is not None
        }
        return pool.model_copy(update={"failures": pool.failures.model_copy(update=rarer)})

    return _with_pools(scenario, worse)
