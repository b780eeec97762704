"""Speed: requests simulated per CPU-second, beside bare SimPy in the same run.

`python -m sim.studies.speed` prints the table.

The yardstick is SimPy itself: one process that yields a million timeouts. What is measured is a
whole simulation: traffic, router, engines with their charges, ledger, metering and checks.
"""

from __future__ import annotations

import argparse
import resource
import subprocess
import sys
import time
from dataclasses import dataclass

import simpy

from sim.scenario.load import loads
from sim.simulation import simulate

SCENARIO = """
version: 1
name: speed
horizon: {horizon_s}s
warmup: 0s
routes:
  plain:
    pool: main
    arrivals: {{rps: {rps}}}
    input_tokens: {{fixed: 500}}
    output_tokens: {{fixed: {output}}}
pools:
  main:
    model: llama-3.1-8b
    gpu: h100-sxm
    node: {{usd_per_hour: 4.0}}
    replicas: {replicas}
"""


LIVING = [
    "routes.plain.arrivals={mean_rps: {rps}, bursts: azure-conv-2023, gap_shape: 0.95}",
    "routes.plain.patience=60s",
    "routes.plain.retries={max: 2, budget: 10%}",
    "routes.plain.slo={ttft_p95: 2s, tpot_p95: 50ms}",
    "pools.main.replicas={min: {replicas}, max: {most}}",
    "pools.main.autoscaler={kind: p95}",
    "pools.main.startup=warm",
    "pools.main.failures={mtbf: 5d, replica_mtbf: 12h}",
    "pools.main.rollouts={every: 15m, first: 2m}",
]
"""What makes the same fleet a living one: bursts, clients, failures, rollouts, an autoscaler."""


@dataclass(frozen=True)
class Case:
    """One fleet: *replicas*, each at *rps* requests a second of *output* tokens.

    *living*: with everything on that happens in production.
    """

    replicas: int
    output: int = 250
    rps: float = 20.0
    living: bool = False

    def cpu_s(self, requests: int) -> tuple[float, float]:
        """(requests simulated, CPU seconds) of about so many requests."""
        rps = self.rps * self.replicas
        text = SCENARIO.format(
            horizon_s=requests / rps, rps=rps, output=self.output, replicas=self.replicas
        )
        scenario = loads(text, overrides=self._overrides(rps))
        begin_s = time.process_time()
        usage = simulate(scenario).usage
        return usage.overall.requests.arrived, time.process_time() - begin_s

    def _overrides(self, rps: float) -> list[str]:
        known = {"{rps}": rps, "{replicas}": self.replicas, "{most}": 2 * self.replicas}
        overrides = list(LIVING) if self.living else []
        for mark, value in known.items():
            overrides = [text.replace(mark, str(value)) for text in overrides]
        return overrides


PER_REPLICA = 2_000
"""Requests that each replica gets at least, so that filling up and draining weigh alike."""

GROWTH = (Case(1), Case(8), Case(32), Case(128))
LENGTHS = (Case(8, output=100, rps=5.0), Case(8, output=1000, rps=5.0))
ALIVE = (Case(8, living=True), Case(32, living=True))


def bare_simpy_per_s(events: int = 1_000_000) -> float:
    """Timeouts per CPU-second of one process that does nothing else."""
    env = simpy.Environment()

    def ticker() -> simpy.events.ProcessGenerator:
        for _ in range(events):
            yield env.timeout(1.0)

    env.process(ticker())
    begin_s = time.process_time()
    env.run()
    return events / (time.process_time() - begin_s)


def peak_mb() -> float:
    """The most memory that this process has held, in MB (10^6 bytes)."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak * (1.0 if sys.platform == "darwin" else 1024.0) / 1e6


def memory_of(requests: int) -> float:
    """Peak memory of a fresh process that simulates so many requests on 8 replicas, in MB."""
    command = [sys.executable, "-m", "sim.studies.speed", "--memory", str(requests)]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def measure(case: Case, requests: int, rounds: int) -> tuple[float, float]:
    """(requests per CPU-second, share of bare SimPy), the median of *rounds* taken side by side."""
    pairs = []
    for _ in range(rounds):
        bare = bare_simpy_per_s(300_000)
        done, cpu_s = case.cpu_s(requests)
        pairs.append((done / cpu_s / bare, done / cpu_s))
    share, rate = sorted(pairs)[len(pairs) // 2]
    return rate, share


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--requests", type=int, default=200_000, help="at least (default: 200,000)")
    parser.add_argument("--rounds", type=int, default=3, help="median of so many (default: 3)")
    parser.add_argument("--memory", type=int, help="only print the peak MB of so many requests")
    arguments = parser.parse_args()
    if arguments.memory is not None:
        Case(8).cpu_s(arguments.memory)
        print(peak_mb())
        return
    print(f"bare SimPy: {bare_simpy_per_s():,.0f} timeouts per CPU-second")
    print("replicas  answer  req/s each   requests per CPU-second   share of bare SimPy")
    for case in (*GROWTH, *LENGTHS, *ALIVE):
        if case is ALIVE[0]:
            print("with bursts, impatient clients, retries, failures, rollouts and an autoscaler:")
        requests = max(arguments.requests, PER_REPLICA * case.replicas)
        rate, share = measure(case, requests, arguments.rounds)
        print(f"{case.replicas:8}  {case.output:6}  {case.rps:10g}   {rate:23,.0f}   {share:19.4f}")
    small, large = 20_000, 220_000
    low, high = memory_of(small), memory_of(large)
    per_request = (high - low) * 1e6 / (large - small)
    print(f"peak memory: {low:.0f} MB for {small:,} requests, {high:.0f} MB for {large:,}")
    print(f"  that is {per_request:.0f} bytes for each further request")


if __name__ == "__main__":
    main()
