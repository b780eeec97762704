import json

import pytest

from sim.cli.catalog import SECTIONS
from sim.cli.main import invoke
from sim.report import catalog_tables


def test_sections_are_those_of_the_report() -> None:
    assert tuple(catalog_tables.SECTIONS) == SECTIONS


@pytest.mark.parametrize(
    ("section", "row"),
    [
        ("gpus", "h100-nvl"),
        ("models", "llama-3.1-8b"),
        ("timings", "decode"),
        ("prices", "lambda/h100-sxm/on-demand"),
        ("bill", "aws/egress"),
        ("hosts", "vllm-0.19"),
        ("workloads", "azure-conv-2024"),
        ("startup", "cluster-autoscaler"),
    ],
)
def test_a_section(section: str, row: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["catalog", section]) == 0
    text = capsys.readouterr().out
    assert row in text
    assert max(len(line) for line in text.splitlines()) <= 100


def test_json_is_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["catalog", "--json"]) == 0
    out, err = capsys.readouterr()
    assert err == ""
    assert set(json.loads(out)) == {*SECTIONS, "day_curves", "failure_rates", "repairs"}
