"""Law: what `docs/accounting.md` works out by hand beside its main example is what the runs say."""

from __future__ import annotations

from typing import Any

import pytest

import sim
from tests.datadir import REPOSITORY

PAGE = (REPOSITORY / "docs" / "accounting.md").read_text(encoding="utf-8").replace("\n> ", " ")
OVERFLOW = (
    "pools.bench.engine.max_num_seqs=4",
    "pools.bench.queue_limit=0",
    "routes.steady.overflow={usd_per_million_input: 0.5, usd_per_million_output: 1.5, "
    "ttft: 400ms, tpot: 10ms}",
)


def summary(*overrides: str) -> dict[str, Any]:
    scenario = sim.load(REPOSITORY / "scenarios" / "contract-engine.yaml", overrides)
    return sim.run(scenario, replications=1, jobs=1).summary()


def missing(*told: str) -> list[str]:
    return [figure for figure in told if figure not in PAGE]


def test_the_overflow() -> None:
    for override in OVERFLOW:
        assert f"--set {override}" in PAGE or f"--set '{override}'" in PAGE
    s = summary(*OVERFLOW)
    cost, usd = s["cost"], {line["line"]: line["usd"] for line in s["bill"]["lines"]}
    requests, naive = s["requests"], s["naive"]
    fleet, money = requests["completed"] - requests["hosted"], cost["components_usd"]
    assert not missing(
        f"{requests['hosted']:,} of {requests['arrived']:,}",
        f"= ${usd['hosted input (steady)']:.4f}",
        f"= ${usd['hosted output (steady)']:.4f}",
        f"= **${s['bill']['total_usd']:.4f}**",
        f"= ${cost['usd_per_million_useful_tokens']['value']:.3f},",
        f"= ${cost['usd_per_thousand_requests']['value']:.3f}.",
        f"The fleet's {fleet:,} requests",
        f"${naive['usd_per_million_input_tokens']:.5f} and "
        f"${naive['usd_per_million_output_tokens']:.4f} (",
        f"${money['prefill'] + money['context_rent']:.3f} of input",
        f"${money['decode']:.3f} of output",
        f"= ${cost['usd_per_million_input_tokens']:.3f}. Output",
        f"= ${cost['usd_per_million_output_tokens']:.2f}",
    )


def test_reasoning() -> None:
    assert "--set routes.steady.reasoning_share=0.5" in PAGE
    scenario = sim.load(
        REPOSITORY / "scenarios" / "contract-engine.yaml", ["routes.steady.reasoning_share=0.5"]
    )
    cost = sim.run(scenario, jobs=1).summary()["cost"]
    seen = cost["usd_per_million_visible_output_tokens"]
    assert seen == pytest.approx(2 * cost["usd_per_million_output_tokens"])
    assert not missing(f"**${seen:.2f}**")
