"""Mooncake: its conversation trace through the simulator, and through two plain loops. No clock.

    python -m tests.laws.mooncake

prints the table of prefix sharing in `docs/validation.md` (some minutes). It needs
`traces/mooncake_conversation_trace.jsonl.gz` in the folder that TOKENFLEET_DATA names.

The published shares of input tokens found in a cache count prompts alone, in blocks of 512 tokens
that enter the cache the moment a request arrives. `lru_share` does just that. An engine differs:
answers take blocks too, only whole blocks are found, and what is in use cannot be evicted.
`queue_share` has those rules without steps, time or any code of the simulator.
"""

from __future__ import annotations

import gc
import gzip
import json
import sys
import tempfile
from collections import OrderedDict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sim.scenario.load import load
from sim.simulation import Run, simulate
from tests.datadir import DATA_VARIABLE, REPOSITORY, data_root

FILE = "traces/mooncake_conversation_trace.jsonl.gz"
BLOCK_TOKENS = 512
ALL_BLOCKS = 400_000
"""More blocks than the trace ever asks for: nothing is evicted."""

PUBLISHED_PCT = {1_000: 4.5, 10_000: 21.5, 30_000: 33.2, 50_000: 36.2, ALL_BLOCKS: 37.4}
"""Cached share of input tokens by cache size, from an analysis of the same file."""

SCENARIO = REPOSITORY / "scenarios" / "azure-conv-replay.yaml"
STEP_S = 1e-4


@dataclass(frozen=True)
class Prompt:
    """One row: tokens, and the ids of the prompt's 512-token blocks, the last perhaps in part."""

    input_tokens: int
    output_tokens: int
    blocks: tuple[int, ...]


def prompts(file: Path) -> list[Prompt]:
    """Read all rows of *file*, without the simulator's own reader."""
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        rows = [json.loads(line) for line in lines]
    return [Prompt(r["input_length"], r["output_length"], tuple(r["hash_ids"])) for r in rows]


def prompts_only(file: Path, folder: Path) -> Path:
    """Write *file* into *folder* with answers of one token, which take no block of their own."""
    target = folder / "prompts-only.jsonl"
    with gzip.open(file, "rt", encoding="utf-8") as lines, target.open("w") as written:
        for line in lines:
            written.write(json.dumps({**json.loads(line), "output_length": 1}) + "\n")
    return target


# -- two plain loops -------------------------------------------------------------------------------


def lru_share(rows: Sequence[Prompt], capacity: int) -> float:
    """Cached share of input tokens: a least-recently-used cache that holds prompts only."""
    cache: OrderedDict[int, None] = OrderedDict()
    found_tokens = 0
    for row in rows:
        found = 0
        while found < len(row.blocks) and row.blocks[found] in cache:
            found += 1
        found_tokens += min(found * BLOCK_TOKENS, row.input_tokens)
        for block in row.blocks:
            cache[block] = None
            cache.move_to_end(block)
        while len(cache) > capacity:
            cache.popitem(last=False)
    return found_tokens / sum(row.input_tokens for row in rows)


def queue_share(rows: Sequence[Prompt], capacity: int) -> float:
    """Cached share of input tokens: one request at a time, blocks of 512, by the engine's rules.

    Free blocks wait in one queue and remember what they hold; who leaves puts its own at the end,
    tail first; new ones come from the front. A run of whole blocks that is found, never the last
    token, is taken out of the queue. Several blocks may hold the same content.
    """
    queue: OrderedDict[int, int | None] = OrderedDict.fromkeys(range(capacity))  # block: content
    holding: dict[int, list[int]] = {}  # content: blocks, oldest first
    found_tokens = 0
    for row in rows:
        whole = row.blocks[: row.input_tokens // BLOCK_TOKENS]
        held: list[int] = []
        for content in whole[: (row.input_tokens - 1) // BLOCK_TOKENS]:
            if content not in holding:
                break
            held.append(holding[content][0])
        for block in held:
            del queue[block]
        found_tokens += len(held) * BLOCK_TOKENS
        contents: list[int | None] = list(whole[: len(held)])
        needed = -(-(row.input_tokens + row.output_tokens - 1) // BLOCK_TOKENS)
        while len(held) < needed:
            block, forgotten = queue.popitem(last=False)
            if forgotten is not None:
                holding[forgotten].remove(block)
                if not holding[forgotten]:
                    del holding[forgotten]
            content_ = whole[len(held)] if len(held) < len(whole) else None
            if content_ is not None:
                holding.setdefault(content_, []).append(block)
            held.append(block)
            contents.append(content_)
        for block, kept in zip(reversed(held), reversed(contents), strict=True):
            queue[block] = kept
    return found_tokens / sum(row.input_tokens for row in rows)


# -- the simulator ---------------------------------------------------------------------------------


def replay(trace: Path, sets: Iterable[str]) -> Run:
    """Play *trace* through the shipped replay scenario, changed by *sets* (`a.b=c` each)."""
    arrivals = f"routes.chat.arrivals={{trace: {json.dumps(str(trace))}, format: mooncake}}"
    return simulate(load(SCENARIO, [arrivals, "horizon=1h", *sets]))


def one_at_a_time(kv_tokens: int, block_tokens: int = BLOCK_TOKENS) -> list[str]:
    """Return overrides for an engine so fast that requests never overlap, one slot, any prompt."""
    engine = f"{{block_tokens: {block_tokens}, max_num_seqs: 1, max_num_batched_tokens: 1048576}}"
    timing = f"{{knots_tokens: [1], knots_s: [{STEP_S}]}}"
    return [
        f"pools.main={{timing: {timing}, kv_tokens: {kv_tokens}, engine: {engine}, "
        "node: {usd_per_hour: 1}}"
    ]


def share(run: Run) -> float:
    """Cached share of input tokens, over all requests that arrived."""
    offered = run.usage.overall.offered
    return offered.cached_input / offered.input


def main() -> int:
    """Print shares by cache size, then those of real engines; return 2 without the trace."""
    file = data_root() / FILE
    if not file.exists():
        print(f"needs {FILE}; set {DATA_VARIABLE} to the folder that has it", file=sys.stderr)
        return 2
    gc.disable()  # millions of blocks, hardly any garbage: collecting takes most of the time
    rows = prompts(file)
    print("| blocks of 512 | published | LRU | prompts only | 512 | 256 | 16 |")
    print("|--:|--:|--:|--:|--:|--:|--:|")
    with tempfile.TemporaryDirectory() as folder:
        alone = prompts_only(file, Path(folder))
        for blocks, published in PUBLISHED_PCT.items():
            kv_tokens = blocks * BLOCK_TOKENS
            shares = [lru_share(rows, blocks), share(replay(alone, one_at_a_time(kv_tokens)))]
            shares += [share(replay(file, one_at_a_time(kv_tokens, n))) for n in (512, 256, 16)]
            cells = [f"{blocks:,}", f"{published}", *(f"{100 * one:.2f}" for one in shares)]
            print(f"| {' | '.join(cells)} |", flush=True)
    print(
        "\n| replicas | router | cached share | TTFT p50 | blocks in use |\n|--:|---|--:|--:|--:|"
    )
    for replicas in (4, 6):
        for router in ("least-loaded", "prefix-affinity"):
            run = replay(file, [f"pools.main.replicas={replicas}", f"pools.main.router={router}"])
            pool, ttft = run.usage.pools["main"], run.usage.overall.ttft_s.p50
            kv = pool.kv_used_block_s / pool.kv_block_s
            cells = [str(replicas), router, f"{100 * share(run):.2f} %", f"{ttft:.2f} s"]
            print(f"| {' | '.join([*cells, f'{100 * kv:.0f} %'])} |", flush=True)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
