"""Acceptance: how near the generator comes to traces, metric by metric; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.traffic.trace_text import TraceError
from sim.workload.fit import SEEDS, fit
from sim.workload.parts import parts
from sim.workload.rows import Progress, Row

SUFFIXES = (".csv", ".csv.gz", ".jsonl", ".jsonl.gz", ".json", ".json.gz", ".tsv", ".tsv.gz")
"""Names of files of a folder that may be workloads."""


@dataclass(frozen=True)
class Acceptance:
    """All metrics of one trace, or the reason why its file could not be used."""

    trace: str
    """File name, with the service in brackets where a file has several."""
    rows: tuple[Row, ...] = ()
    problem: str | None = None
    """Why the file could not be read as a workload (`rows` is then empty)."""

    @property
    def met(self) -> bool:
        """Whether every metric that applies was met."""
        return self.problem is None and all(row.met is not False for row in self.rows)


def check(
    paths: Sequence[str | Path], *, seeds: int = SEEDS, progress: Progress | None = None
) -> list[Acceptance]:
    """Return the acceptance of every part of every file; folders stand for the files in them.

    Never raises for what a file contains: such a file has a `problem`.
    """
    files = list(_files(paths))
    found: list[Acceptance] = []
    for done, file in enumerate(files):
        if progress is not None:
            progress(file.name, done, len(files))
        try:
            fits = [fit(part, seeds=seeds) for part in parts(file)]
        except TraceError as error:
            found.append(Acceptance(file.name, problem=str(error)))
            continue
        found += [Acceptance(one.source, one.goodness) for one in fits]
    return found


def _files(paths: Sequence[str | Path]) -> Iterator[Path]:
    for path in map(Path, paths):
        if path.is_dir():
            yield from (one for one in sorted(path.iterdir()) if one.name.endswith(SUFFIXES))
        else:
            yield path
