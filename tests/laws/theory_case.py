"""Case: a scenario that is a queue with a known answer, and its figures over replications."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np

from tests.laws.protocol import REPLICATIONS, RUN_SHARE, Estimate, Tally, estimate
from tests.laws.theory_figures import Figure
from tests.laws.theory_fleets import DAY_S
from tests.laws.theory_sample import Sample, observe, scenario_of


@dataclass(frozen=True)
class Case:
    """A scenario, its figures, the controls that sharpen them and are judged like them, and guides.

    A *guide* is what the same requests would have met in a plainer queue whose mean is known: it
    sharpens like a control, but as it comes from the traffic alone, not from what the engines did
    with it, it is not judged. *cut*: requests may be under way when the run ends.
    """

    key: str
    queue: str
    file: str
    figures: tuple[Figure, ...]
    controls: tuple[Figure, ...] = ()
    guides: tuple[Figure, ...] = ()
    sample_every_s: float | None = None
    cut: bool = False

    @property
    def horizon(self) -> str:
        """How much of the scenario is run, as an override: whole days of what lasts for days."""
        whole_s = scenario_of(self.file).horizon
        days = round(RUN_SHARE * whole_s / DAY_S)
        return f"horizon={days}d" if whole_s > DAY_S else f"horizon={RUN_SHARE * whole_s:g}s"

    @property
    def every_figure(self) -> tuple[Figure, ...]:
        """Figures, then controls."""
        return self.figures + self.controls

    @property
    def readers(self) -> tuple[Callable[[Sample], float], ...]:
        """All that is read off a sample."""
        tallies = (figure.among for figure in self.figures if figure.among is not None)
        return (*(f.of for f in self.every_figure + self.guides), *tallies)

    def estimate(
        self, figure: Figure, replications: range, faults: tuple[str, ...] = ()
    ) -> Estimate | Tally:
        """The estimate of *figure*; *faults* are overrides of the scenario."""
        values = self._values(replications, faults)

        def column(read: Callable[[Sample], float]) -> np.ndarray:
            return values[:, self.readers.index(read)]

        if figure.among is not None:
            return Tally(int(column(figure.of).sum()), int(column(figure.among).sum()))
        known = self.controls + self.guides
        if figure in self.controls or not known:
            return estimate(column(figure.of))
        errors = [column(control.of) / control.theory - 1.0 for control in known]
        return estimate(column(figure.of), np.column_stack(errors))

    def _values(self, replications: range, faults: tuple[str, ...]) -> np.ndarray:
        first = range(REPLICATIONS)
        if replications.start in first and replications[-1] in first:  # they are shared
            return replicate(self, first, faults)[replications.start : replications.stop]
        return replicate(self, replications, faults)

    def group_ts(self, figure: Figure, groups: int = 4) -> list[tuple[float, int]]:
        """t values (with their degrees) of *figure* in parts of the first replications, apart."""
        size = REPLICATIONS // groups
        parts = [range(size * i, size * (i + 1)) for i in range(groups)]
        found = [self.estimate(figure, part) for part in parts]
        return [(e.t(figure.theory), e.degrees) for e in found]


@cache
def replicate(case: Case, replications: range, faults: tuple[str, ...] = ()) -> np.ndarray:
    """All that *case* reads, in each of *replications*: an array (replications x readers)."""
    rows = []
    changes = (case.horizon, *faults)
    for replication in replications:
        sample = observe(case.file, replication, changes, case.sample_every_s, cut=case.cut)
        rows.append([read(sample) for read in case.readers])
    return np.array(rows)
