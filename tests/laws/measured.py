"""Measured: published vLLM serving runs beside the same runs simulated. Knows no clock.

    python -m tests.laws.measured

prints the tables of `docs/validation.md`. It needs `measured/vllm_serving_runs.csv` in the folder
that TOKENFLEET_DATA names.
"""

from __future__ import annotations

import csv
import sys
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from sim.ledger.spool import read
from sim.scenario.document import Scenario
from sim.scenario.load import load
from sim.simulation import simulate
from tests.datadir import DATA_VARIABLE, REPOSITORY, data_root

FILE = "measured/vllm_serving_runs.csv"
REPLICATIONS = 5
REQUESTS = 500
OUTPUT_TOKENS = 256
PENALTY_RATES = (1.0, 5.0, 10.0, 25.0)

SCENARIO = REPOSITORY / "scenarios" / "measured-vllm.yaml"
SETS: dict[str, tuple[str, ...]] = {
    "C1": (),  # Llama-3.1-8B on one H100 NVL: as the scenario has it
    "A1": (
        "pools.c1.gpu=a100-pcie",
        "pools.c1.node.price=azure/nc24ads-a100-v4/a100-pcie/on-demand",
    ),
    "C3": ("pools.c1.model=qwen3-30b-a3b",),
}
"""What makes each configuration out of the scenario: the hardware and the model, nothing else."""


@dataclass(frozen=True)
class Serving:
    """What a benchmark client reports. Throughput is output tokens up to the last completion."""

    output_tokens_per_s: float
    tpot_p50_s: float
    ttft_p50_s: float


@dataclass(frozen=True)
class Comparison:
    """One configuration at one rate; `load` is that rate over the measured saturated one."""

    config: str
    rps: float
    load: float
    measured: Serving
    simulated: Serving

    def error_pct(self, figure: str) -> float:
        """Simulated over measured - 1, in percent; *figure* names a field of `Serving`."""
        ours: float = getattr(self.simulated, figure)
        real: float = getattr(self.measured, figure)
        return 100 * (ours / real - 1)


def measured_runs(file: Path) -> dict[str, dict[float, Serving]]:
    """Return what was measured, by configuration and rate (requests a second)."""
    runs: dict[str, dict[float, Serving]] = {name: {} for name in SETS}
    with file.open(encoding="utf-8", newline="") as lines:
        for row in csv.DictReader(lines):
            runs[row["config"]][float(row["rps"])] = Serving(
                output_tokens_per_s=float(row["tps_output"]),
                tpot_p50_s=float(row["tpot_p50_ms"]) / 1000,
                ttft_p50_s=float(row["ttft_p50_ms"]) / 1000,
            )
    return {name: dict(sorted(by_rate.items())) for name, by_rate in runs.items()}


def scenario(config: str, rps: float, sets: Sequence[str] = ()) -> Scenario:
    """Return the shipped scenario as *config* at *rps*, changed by *sets* (`a.b=c` each)."""
    return load(SCENARIO, [*SETS[config], f"routes.bench.arrivals.rps={rps!r}", *sets])


def simulated(config: str, rps: float, sets: Sequence[str] = ()) -> Serving:
    """Return the medians of `REPLICATIONS` simulated runs, one random stream each."""
    runs = [_run(scenario(config, rps, sets), number) for number in range(REPLICATIONS)]
    return Serving(
        output_tokens_per_s=median(run.output_tokens_per_s for run in runs),
        tpot_p50_s=median(run.tpot_p50_s for run in runs),
        ttft_p50_s=median(run.ttft_p50_s for run in runs),
    )


def _run(one: Scenario, replication: int) -> Serving:
    with tempfile.TemporaryDirectory() as folder:
        usage = simulate(one, replication=replication, spool=Path(folder)).usage.overall
        last_s = max(float(chunk["finished_at_s"].max()) for chunk in read(Path(folder)))
    assert usage.requests.completed == usage.requests.arrived == REQUESTS
    tpot_s, ttft_s = usage.tpot_s.p50, usage.ttft_s.p50
    assert tpot_s is not None
    assert ttft_s is not None
    return Serving(usage.useful.output / last_s, tpot_s, ttft_s)


def comparisons(file: Path) -> list[Comparison]:
    """Simulate every run of *file*, in the order of `SETS`, then of rates."""
    found: list[Comparison] = []
    for config, runs in measured_runs(file).items():
        saturated_rps = runs[max(runs)].output_tokens_per_s / OUTPUT_TOKENS
        for rps, run in runs.items():
            ours = simulated(config, rps)
            found.append(Comparison(config, rps, rps / saturated_rps, run, ours))
    return found


def penalties(found: Iterable[Comparison], config: str) -> list[tuple[float, float, float]]:
    """Return (rate, measured, simulated) peak throughput over throughput, for `PENALTY_RATES`."""
    mine = [one for one in found if one.config == config]
    peak_measured = max(one.measured.output_tokens_per_s for one in mine)
    peak_simulated = max(one.simulated.output_tokens_per_s for one in mine)
    return [
        (
            one.rps,
            peak_measured / one.measured.output_tokens_per_s,
            peak_simulated / one.simulated.output_tokens_per_s,
        )
        for one in mine
        if one.rps in PENALTY_RATES
    ]


COLUMNS = (
    ("output_tokens_per_s", "tokens/s", 1.0, 0),
    ("tpot_p50_s", "TPOT p50, ms", 1000.0, 1),
    ("ttft_p50_s", "TTFT p50, ms", 1000.0, 0),
)


def errors_table(found: Iterable[Comparison]) -> str:
    """Return the table of all runs, in markdown: measured, simulated, error."""
    titles = " | ".join(f"{title} | sim | error" for _, title, _, _ in COLUMNS)
    lines = [
        f"| run | req/s | load | {titles} |",
        "|---|--:|--:|" + "--:|--:|--:|" * len(COLUMNS),
    ]
    for one in found:
        cells = [one.config, f"{one.rps:g}", f"{one.load:.2f}"]
        for figure, _, unit, digits in COLUMNS:
            cells.append(f"{getattr(one.measured, figure) * unit:,.{digits}f}")
            cells.append(f"{getattr(one.simulated, figure) * unit:,.{digits}f}")
            cells.append(f"{one.error_pct(figure):+.1f} %")
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


def penalty_table(found: Sequence[Comparison]) -> str:
    """Return peak throughput over throughput, in markdown: measured / simulated."""
    lines = [
        "| run | " + " | ".join(f"{rps:g} req/s" for rps in PENALTY_RATES) + " |",
        "|---|" + "--:|" * len(PENALTY_RATES),
    ]
    for config in SETS:
        cells = [f"{real:.2f} / {ours:.2f}" for _, real, ours in penalties(found, config)]
        lines.append(f"| {config} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> int:
    """Print both tables; return 2 if the measured file is not there."""
    file = data_root() / FILE
    if not file.exists():
        print(f"needs {FILE}; set {DATA_VARIABLE} to the folder that has it", file=sys.stderr)
        return 2
    found = comparisons(file)
    print(errors_table(found), penalty_table(found), sep="\n\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
