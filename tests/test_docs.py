"""Documentation: its examples load, its keys are the schema's, its arithmetic is the run's."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import sim
from sim.scenario.load import loads
from sim.scenario.problem import ScenarioError
from sim.scenario.schema import json_schema

REPOSITORY = Path(__file__).resolve().parent.parent
DOCS = REPOSITORY / "docs"
ACCOUNTING = (DOCS / "accounting.md").read_text(encoding="utf-8")
REFERENCE = (DOCS / "scenario-file.md").read_text(encoding="utf-8")


def blocks(language: str, page: str = REFERENCE) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", page, re.MULTILINE | re.DOTALL)


SMALLEST, _, BILL, BROKEN = blocks("yaml")


def test_the_smallest_file_loads_and_takes_the_bill() -> None:
    assert loads(SMALLEST).horizon == 86_400.0
    assert len(loads(SMALLEST + BILL).bill) == 2


@pytest.mark.parametrize(
    "arguments", re.findall(r"^\| `(--set [^|]*)` \|", REFERENCE, re.MULTILINE)
)
def test_every_override_of_the_table_applies(arguments: str) -> None:
    values = [
        quoted or bare for quoted, bare in re.findall(r"--set (?:'([^']*)'|(\S+))", arguments)
    ]
    assert values
    assert loads(SMALLEST + BILL, overrides=values)


def test_the_errors_are_those_that_are_shown() -> None:
    (shown,) = blocks("text")
    with pytest.raises(ScenarioError) as caught:
        loads(BROKEN, "chat.yaml", ["pools.main.tensor_parallel=none"])
    assert f"{caught.value}\n" == shown


def test_every_key_of_the_schema_is_in_the_reference() -> None:
    schema = json_schema()
    keys = {
        key for spec in (schema, *schema["$defs"].values()) for key in spec.get("properties", {})
    }
    pages = REFERENCE + (DOCS / "autoscaling.md").read_text(encoding="utf-8")
    told = set(re.findall(r"\w+", " ".join(re.findall(r"`([^`\n]+)`", pages))))
    told |= set(re.findall(r"\w+", " ".join(blocks("yaml", pages))))
    assert keys <= told, sorted(keys - told)


def test_every_name_of_the_catalog_is_in_the_reference() -> None:
    from sim.catalog.failures import failure_rates
    from sim.catalog.gpus import gpus
    from sim.catalog.startup import startups
    from sim.catalog.workloads import day_curves, workloads

    for item in (*gpus(), *day_curves(), *workloads(), *startups(), *failure_rates()):
        assert item.name in REFERENCE


def anchors(text: str) -> set[str]:
    heads = re.findall(r"^#+ (.*)$", text, re.MULTILINE)
    return {re.sub(r"[^a-z0-9 _-]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("path", sorted(DOCS.glob("*.md")), ids=lambda path: path.name)
def test_links_lead_somewhere(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    for target in re.findall(r"\]\((?!https?:)([^)\s]+)\)", text):
        name, _, anchor = target.partition("#")
        file = (path.parent / name).resolve() if name else path
        assert file.is_file(), target
        if anchor:
            assert anchor in anchors(file.read_text(encoding="utf-8")), target


@pytest.fixture(scope="module")
def summary() -> dict[str, Any]:
    scenario = sim.load(REPOSITORY / "scenarios" / "contract-engine.yaml")
    return sim.run(scenario, jobs=1).summary()


def test_the_arithmetic_is_that_of_the_run(summary: dict[str, Any]) -> None:
    """A snapshot: whoever changes the engine's semantics works the page through again."""
    s, cost, naive, hours = summary, summary["cost"], summary["naive"], summary["gpu_hours"]
    low, high = cost["usd_per_million_useful_tokens"]["ci95"]
    money, latency = cost["components_usd"], s["latency"]
    told = [
        *(f"{r['requests']['arrived']:,}" for r in s["per_replication"]),
        f"{s['requests']['arrived']:,.1f}",
        f"{s['tokens']['useful']['input']:,.1f}",
        f"{s['tokens']['useful']['output']:,.1f}",
        f"{s['tokens']['useful_per_hour']:,.1f}",
        f"= **${cost['usd_per_million_useful_tokens']['value']:.3f}** per 1M",
        f"${cost['usd_per_thousand_requests']['value']:.3f} per 1,000",
        f"{naive['tokens_per_s']:,.2f}",
        f"**${naive['usd_per_million_tokens']:.4f}** per 1M",
        f"{naive['usd_per_million_input_tokens']:.7f}",
        f"{naive['usd_per_million_output_tokens']:.7f}",
        f"= {s['gap']['factor']:.1f}",
        f"= {100 * s['utilization']['benchmark']:.2f} %",
        f"printed as {100 * s['utilization']['busy']:.1f} %",
        f"= {100 * s['utilization']['kv']:.2f} %",
        f"{latency['e2e_s']['mean']:.3f} s (mean E2E)",
        f"printed p50: {1e3 * latency['ttft_s']['p50']:.1f} ms",
        *(
            f"{hours[k] * 3600:,.1f} | {hours[k]:.4f}"
            for k in ("reference_useful", "slack", "idle")
        ),
        f"prefill ${money['prefill']:.4f}, context rent ${money['context_rent']:.4f}, "
        f"decode ${money['decode']:.4f}",
        f"= **${cost['usd_per_million_input_tokens']:.3f}** per 1M",
        f"= **${cost['usd_per_million_output_tokens']:.3f}**",
        f"**${low:.3f} to ${high:.3f}**",
    ]
    page = ACCOUNTING.replace("\n> ", " ")
    assert [figure for figure in told if figure not in page] == []
