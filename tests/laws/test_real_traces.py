"""Law: public traces play through the simulator whole, and share prefixes as they really do.

Every run ends with its conservation checks (requests, tokens, paid seconds, KV blocks), or raises.
"""

from __future__ import annotations

import csv
import gzip
import random
from collections.abc import Sequence
from itertools import islice
from pathlib import Path

import pytest

from sim.scenario.load import load
from sim.simulation import Run, simulate
from tests.datadir import data_path
from tests.laws.mooncake import (
    ALL_BLOCKS,
    BLOCK_TOKENS,
    FILE,
    PUBLISHED_PCT,
    SCENARIO,
    Prompt,
    lru_share,
    one_at_a_time,
    prompts,
    prompts_only,
    queue_share,
    replay,
    share,
)

pytestmark = pytest.mark.data

AZURE = "traces/AzureLLMInferenceTrace_conv.csv"
HALF_A_POINT = 0.005


def offered_tokens(run: Run) -> tuple[float, float]:
    offered = run.usage.overall.offered
    return offered.input, offered.output


def assert_all_were_served(run: Run, rows: int) -> None:
    report = run.trace_reports["chat"]
    assert (report.rows_read, report.rows_used, report.dropped) == (rows, rows, {})
    requests = run.usage.overall.requests
    assert requests.arrived == requests.completed == requests.attempts == rows
    assert run.refused == {"main": {}}
    pool = run.usage.pools["main"]
    assert 0 < pool.busy_s < pool.paid_s
    assert 0 < pool.kv_used_block_s < pool.kv_block_s


# -- Azure, conversations of 2023 ------------------------------------------------------------------


@pytest.fixture(scope="module")
def azure() -> Path:
    return data_path(AZURE)


def azure_run(trace: Path, *sets: str, replication: int = 0) -> Run:
    """The shipped replay, a little longer than the trace."""
    overrides = [f"routes.chat.arrivals.trace={trace}", "horizon=1h", *sets]
    return simulate(load(SCENARIO, overrides), replication=replication)


def test_the_azure_trace_is_served_whole(azure: Path) -> None:
    with azure.open(encoding="utf-8", newline="") as lines:
        rows = [(int(r["ContextTokens"]), int(r["GeneratedTokens"])) for r in csv.DictReader(lines)]
    run = azure_run(azure)
    assert_all_were_served(run, len(rows))
    assert len(rows) == 19_366
    assert offered_tokens(run) == (sum(n for n, _ in rows), sum(n for _, n in rows))
    assert run.usage.overall.offered.cached_input == 0  # the trace does not say what is shared
    assert run.usage.overall.wasted_input["preempted"] == 0
    assert azure_run(azure, replication=1).usage.overall.e2e_s == run.usage.overall.e2e_s


def test_the_azure_trace_overruns_a_fleet_that_is_too_small(azure: Path) -> None:
    """A tiny KV cache preempts, and a short line rejects; every row still ends exactly once."""
    small = ("pools.main.replicas=1", "pools.main.kv_tokens=20k", "pools.main.queue_limit=64")
    run = azure_run(azure, *small, "routes.chat.arrivals.speedup=3")
    requests, overall = run.usage.overall.requests, run.usage.overall
    assert requests.arrived == 19_366
    assert requests.rejected > 1000
    assert requests.completed + requests.rejected == requests.arrived
    assert run.refused["main"]["queue limit"] == requests.rejected
    assert overall.wasted_input["preempted"] > 0
    assert overall.useful.output < overall.offered.output


# -- Mooncake, conversations with 512-token prefix blocks ------------------------------------------


@pytest.fixture(scope="module")
def mooncake() -> Path:
    return data_path(FILE)


@pytest.fixture(scope="module")
def rows(mooncake: Path) -> Sequence[Prompt]:
    return prompts(mooncake)


@pytest.fixture(scope="module")
def short_answers(mooncake: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return prompts_only(mooncake, tmp_path_factory.mktemp("mooncake"))


@pytest.mark.parametrize(("capacity", "published_pct"), PUBLISHED_PCT.items())
def test_the_reference_method_gives_the_published_shares(
    rows: Sequence[Prompt], capacity: int, published_pct: float
) -> None:
    assert 100 * lru_share(rows, capacity) == pytest.approx(published_pct, abs=0.05)


@pytest.mark.parametrize("capacity", [ALL_BLOCKS, 10_000])
def test_prompts_alone_share_as_published(
    rows: Sequence[Prompt], short_answers: Path, capacity: int
) -> None:
    """Answers of one token take no blocks, as in the published count."""
    run = replay(short_answers, one_at_a_time(capacity * BLOCK_TOKENS))
    assert_all_were_served(run, len(rows))
    assert share(run) == pytest.approx(PUBLISHED_PCT[capacity] / 100, abs=HALF_A_POINT)


@pytest.mark.parametrize("capacity", [ALL_BLOCKS, 10_000])
def test_with_answers_the_share_is_exactly_that_of_a_plain_queue(
    rows: Sequence[Prompt], mooncake: Path, capacity: int
) -> None:
    run = replay(mooncake, one_at_a_time(capacity * BLOCK_TOKENS))
    assert_all_were_served(run, len(rows))
    assert offered_tokens(run) == (
        sum(row.input_tokens for row in rows),
        sum(row.output_tokens for row in rows),
    )
    assert share(run) == queue_share(rows, capacity)


def test_with_answers_smaller_blocks_come_within_half_a_point(
    rows: Sequence[Prompt], mooncake: Path
) -> None:
    """In blocks of 512, half of each answer's last one is empty; in blocks of 256 a quarter."""
    run = replay(mooncake, one_at_a_time(10_000 * BLOCK_TOKENS, 256))
    assert_all_were_served(run, len(rows))
    assert share(run) == pytest.approx(PUBLISHED_PCT[10_000] / 100, abs=HALF_A_POINT)


def test_contents_must_be_in_order_to_be_shared(rows: Sequence[Prompt]) -> None:
    """The loops can fail: with each prompt's blocks in another order, the share collapses."""
    shuffle = random.Random(1).sample
    mixed = [
        Prompt(row.input_tokens, row.output_tokens, tuple(shuffle(row.blocks, len(row.blocks))))
        for row in rows[:3000]
    ]
    assert queue_share(mixed, ALL_BLOCKS) < queue_share(rows[:3000], ALL_BLOCKS) / 2


def test_real_engines_find_more_than_the_system_prompt_and_less_than_all(
    rows: Sequence[Prompt], mooncake: Path, tmp_path: Path
) -> None:
    """Blocks of 16 on four H100s, the first 700 requests: caches are small, and four."""
    part = tmp_path / "part.jsonl"
    with gzip.open(mooncake, "rt", encoding="utf-8") as lines:
        part.write_text("".join(islice(lines, 700)))
    shares = {}
    for router in ("least-loaded", "prefix-affinity"):
        run = replay(part, ["pools.main.replicas=4", f"pools.main.router={router}"])
        assert_all_were_served(run, 700)
        shares[router] = share(run)
    # Every prompt begins with one and the same block of 512; each replica computes it once.
    system = (700 - 4) * BLOCK_TOKENS / sum(row.input_tokens for row in rows[:700])
    assert system < shares["least-loaded"] < shares["prefix-affinity"]
    assert shares["prefix-affinity"] < lru_share(rows[:700], ALL_BLOCKS)
