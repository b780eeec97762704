import json

import pytest

from sim.catalog.gpus import GIB, card_of_table
from sim.catalog.kvcapacity import kv_capacity_tokens, reserve_bytes
from sim.catalog.names import UnknownName
from tests.datadir import data_path


def test_reserve_grows_with_the_token_budget() -> None:
    assert reserve_bytes(8192) == pytest.approx(3.65 * GIB)
    assert reserve_bytes(2048) == pytest.approx(1.775 * GIB)


def test_by_hand() -> None:
    """70B in fp8 on 2 x H100: (0.9 x 79.2 - 3.65) GiB less half the weights, 160 KiB a token."""
    weights = 68_451_041_280 + 4 * 1_050_673_152
    room = (0.9 * 79.2 - 3.65) * GIB - weights / 2
    expected = room / (327_680 / 2)
    got = kv_capacity_tokens("llama-3.1-70b", "h100-sxm", 2, "fp8", 8192)
    assert got == pytest.approx(expected, abs=1)


def test_the_measured_card_holds_what_it_held() -> None:
    """Qwen3-30B-A3B in bf16 on one 94 GB card: 250k tokens in the published run."""
    got = kv_capacity_tokens("qwen3-30b-a3b", "h100-nvl", 1, "bf16", 8192)
    assert got == pytest.approx(250_000, rel=0.02)


def test_kv_heads_are_copied_beyond_their_number() -> None:
    """Four KV heads: eight GPUs hold no more per token than four, but less of the weights each."""
    four = kv_capacity_tokens("qwen3-30b-a3b", "h100-sxm", 4, "bf16", 8192)
    eight = kv_capacity_tokens("qwen3-30b-a3b", "h100-sxm", 8, "bf16", 8192)
    per_token = 98_304 / 4
    assert eight - four == pytest.approx(61_063_823_360 / 8 / per_token, abs=1)


def test_utilization_scales_the_card_not_the_rest() -> None:
    low = kv_capacity_tokens("llama-3.1-8b", "h100-sxm", 1, "bf16", 8192, 0.90)
    high = kv_capacity_tokens("llama-3.1-8b", "h100-sxm", 1, "bf16", 8192, 0.92)
    assert high - low == pytest.approx(0.02 * 79.2 * GIB / 131_072, abs=1)


def test_what_does_not_fit_names_the_numbers() -> None:
    message = (
        "llama-3.1-70b in bf16 does not fit on 1 x h100-sxm: each GPU gives 71.3 GiB, weights "
        "take 131.4 GiB, activations and graphs 3.6 GiB, and 0.0 GiB are left for the KV cache"
    )
    with pytest.raises(ValueError, match=message):
        kv_capacity_tokens("llama-3.1-70b", "h100-sxm", 1, "bf16", 8192)


@pytest.mark.parametrize(
    ("degree", "utilization", "message"),
    [
        (0, 0.9, "tensor_parallel must be at least 1, got 0"),
        (1, 0.0, r"gpu_memory_utilization must be in \(0, 1\], got 0.0"),
        (1, 1.5, r"gpu_memory_utilization must be in \(0, 1\], got 1.5"),
        (1, float("nan"), "got nan"),
    ],
)
def test_impossible_arguments(degree: int, utilization: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        kv_capacity_tokens("llama-3.1-8b", "h100-sxm", degree, "bf16", 8192, utilization)


@pytest.mark.parametrize(
    ("model", "gpu", "precision"),
    [("llama", "h100-sxm", "bf16"), ("llama-3.1-8b", "h100", "bf16"), ("qwen3-8b", "l40s", "fp16")],
)
def test_unknown_names(model: str, gpu: str, precision: str) -> None:
    with pytest.raises(UnknownName):
        kv_capacity_tokens(model, gpu, 1, precision, 2048)


@pytest.mark.data
def test_capacities_agree_with_those_of_the_tables() -> None:
    """They reserve 3.65 GiB on one GPU, as we do at 8,192 tokens, and 3.9 GiB on several."""
    document = json.loads(data_path("step_times/timing_tables.json").read_text())
    for combo in document["combos"]:
        gpu = card_of_table(combo["gpu"]).name
        got = kv_capacity_tokens(combo["model"], gpu, combo["tp"], combo["precision"], 8192)
        split = combo["kv_bytes_per_token"] / min(combo["tp"], 4 if "a3b" in combo["model"] else 8)
        more = 0 if combo["tp"] == 1 else 0.25 * GIB / split
        assert got == pytest.approx(combo["kv_capacity_tokens"] + more, abs=2)
