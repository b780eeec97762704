"""Result: what several replications of a scenario did and cost, with how sure that is.

Knows no clock.
"""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from functools import cached_property
from importlib.metadata import version

from sim.cost.benchmark import Benchmark
from sim.cost.hosted import AtApi, at_api
from sim.cost.statement import Statement, statement
from sim.ledger.average import mean
from sim.ledger.usage import Usage
from sim.scenario.document import Scenario
from sim.scenario.notice import Notice
from sim.simulation import Run
from sim.studies.assumptions import assumptions
from sim.studies.hosted import hosted_notices
from sim.studies.intervals import jackknife_all
from sim.studies.precision import Convergence
from sim.studies.remarks import remarks_of
from sim.studies.summary import (
    PER_REPLICATION,
    Tree,
    account,
    fill_ci95,
    measured,
    remarkable,
    undefined,
)
from sim.version import __version__

ONE_REPLICATION = Notice(
    "one-replication", "intervals", "undefined: one replication cannot tell how far it may be off"
)
SAME_REPLICATIONS = Notice(
    "same-replications",
    "intervals",
    "undefined: nothing in this scenario is random, so its replications are the same",
)


@dataclass(frozen=True)
class Result:
    """The runs of one scenario, replication 0 first, and the benchmarks of its pools.

    `scenario.seed` is the seed that was used. A pool that got no request has no benchmark.
    """

    scenario: Scenario
    runs: tuple[Run, ...]
    benchmarks: dict[str, Benchmark]
    notices: tuple[Notice, ...] = ()
    convergence: Convergence | None = None
    """How well figures are known, where a precision was asked for."""

    @property
    def usages(self) -> list[Usage]:
        """The usage of each replication."""
        return [run.usage for run in self.runs]

    @cached_property
    def usage(self) -> Usage:
        """Mean usage per replication."""
        return mean(self.usages)

    @cached_property
    def statement(self) -> Statement:
        """The account of the mean usage: ratios of means, not means of ratios."""
        return self.statement_of(self.usage)

    def statement_of(self, usage: Usage) -> Statement:
        """The account of another usage of this scenario, by the same benchmarks."""
        return statement(usage, self.scenario, self.benchmarks)

    def account_of(self, usage: Usage) -> Tree:
        """The summary's sections for *usage*, without intervals and warnings."""
        return account(usage, self.statement_of(usage), self.scenario)

    @cached_property
    def intervals(self) -> dict[str, list[float] | None]:
        """95 % intervals by dotted path of the summary; None where there is no telling.

        A figure with a `value` is found with and without that last key.
        """
        found = jackknife_all(self.usages, lambda usage: measured(self.account_of(usage)))
        pairs = {path: None if i is None else [i.low, i.high] for path, i in found.items()}
        return {
            p: pair for path, pair in pairs.items() for p in (path, path.removesuffix(".value"))
        }

    def summary(self) -> Tree:
        """The whole of `summary.json`; a new tree at each call, free of NaN and infinities."""
        tree = self.account_of(self.usage)
        fill_ci95(tree, self.intervals)
        return {
            "scenario": self.scenario.name,
            "seed": self.scenario.seed,
            "replications": len(self.runs),
            "window_s": self.usage.window_s,
            "per_replication": [self._replication(i) for i in range(len(self.runs))],
            "intervals": dict(self.intervals),
            **({} if self.convergence is None else {"precision": self.convergence.document()}),
            **tree,
            "warnings": [*self._notices(), *undefined(tree), *remarkable(tree)],
            "assumptions": [asdict(found) for found in assumptions(self.scenario)],
            "versions": versions(),
        }

    def _replication(self, index: int) -> Tree:
        tree = self.account_of(self.runs[index].usage)
        return {"replication": index, **{key: tree[key] for key in PER_REPLICATION}}

    @property
    def _at_api(self) -> AtApi | None:
        return at_api(self.usage, self.scenario, self.statement.bill.remaining_usd)

    def _notices(self) -> Iterable[Tree]:
        notices = [*self.notices, *remarks_of(self.scenario, self.runs)]
        if self.convergence is not None:
            notices += self.convergence.notices()
        if len(self.runs) == 1:
            notices.append(ONE_REPLICATION)
        elif all(interval is None for interval in self.intervals.values()):
            notices.append(SAME_REPLICATIONS)
        notices += hosted_notices(self.scenario, self._at_api)
        for notice in dict.fromkeys(notices):
            yield {"code": notice.code, "path": notice.path, "text": notice.text}


def versions() -> dict[str, str]:
    """Versions of Tokenfleet and of what its numbers depend on."""
    names = ("numpy", "scipy", "simpy")
    return {
        "tokenfleet": __version__,
        "python": platform.python_version(),
        **{name: version(name) for name in names},
    }
