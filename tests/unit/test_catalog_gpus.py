import json

import pytest

from sim.catalog.gpus import GIB, Gpu, card_of_table, gpu, gpus
from sim.catalog.names import UnknownName
from tests.datadir import data_path


def test_the_cards() -> None:
    assert [card.name for card in gpus()] == [
        "h100-sxm",
        "h100-nvl",
        "a100-sxm",
        "a100-pcie",
        "h200-sxm",
        "b200-sxm",
        "l40s",
    ]


@pytest.mark.parametrize(
    ("name", "factor", "low", "high", "measured"),
    [
        ("h100-nvl", 1.6, 1.5, 2.0, True),
        ("a100-pcie", 1.4, 1.3, 1.45, True),
        ("h100-sxm", 1.15, 1.0, 1.3, False),
        ("l40s", 1.15, 1.0, 1.3, False),
    ],
)
def test_compute_factors_say_whether_they_were_measured(
    name: str, factor: float, low: float, high: float, measured: bool
) -> None:
    card = gpu(name)
    assert (card.compute_factor, card.compute_factor_range) == (factor, (low, high))
    assert card.compute_factor_measured is measured
    assert ("guess" in card.compute_factor_note) is not measured


@pytest.mark.parametrize("card", gpus(), ids=lambda card: card.name)
def test_vllm_defaults_follow_its_rule(card: Gpu) -> None:
    """70 GiB or more and not an A100: 8,192 tokens and 1,024 sequences; else 2,048 and 256."""
    large = card.memory_gib >= 70 and not card.name.startswith("a100")
    expected = (8192, 1024) if large else (2048, 256)
    assert (card.max_num_batched_tokens, card.max_num_seqs) == expected


@pytest.mark.parametrize("card", gpus(), ids=lambda card: card.name)
def test_numbers_are_plausible_and_sourced(card: Gpu) -> None:
    low, high = card.compute_factor_range
    assert low <= card.compute_factor <= high
    assert 40 < card.memory_gib < 200
    assert 10 < card.bf16_flops_per_s / card.memory_bytes_per_s < 1000
    assert card.fp8_flops_per_s is None or 1.9 < card.fp8_flops_per_s / card.bf16_flops_per_s < 2.1
    assert card.source
    assert card.as_of.year == 2026


def test_a_table_belongs_to_the_card_that_it_was_taken_on() -> None:
    assert card_of_table("h100_sxm").name == "h100-sxm"
    assert card_of_table("a100_sxm").name == "a100-sxm"
    assert {card.table for card in gpus()} == {
        "h100_sxm",
        "a100_sxm",
        "h200_sxm",
        "b200_sxm",
        "l40s",
    }


def test_unknown_names_are_told_what_is_near() -> None:
    with pytest.raises(UnknownName, match="did you mean 'h100-sxm'"):
        gpu("h100")
    with pytest.raises(UnknownName, match="did you mean 'h100_sxm'"):
        card_of_table("h100-sxm")


@pytest.mark.data
def test_specifications_are_those_of_the_tables() -> None:
    facts = json.loads(data_path("step_times/timing_tables.json").read_text())["gpus"]
    for table, fact in facts.items():
        card = card_of_table(table)
        assert card.memory_gib * GIB == pytest.approx(fact["hbm"], abs=1)
        assert card.memory_bytes_per_s == fact["bw"]
        assert card.bf16_flops_per_s == fact["bf16"]
        assert card.fp8_flops_per_s == fact["fp8"]
        assert card.link_bytes_per_s == fact["link"]
