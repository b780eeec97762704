from dataclasses import replace

import pytest

from sim.catalog import models
from sim.catalog.extrapolation import KNOTS_TOKENS, extrapolate, obstacle
from sim.catalog.kernel import KernelTable, kernel_seconds
from sim.catalog.timings import NoTable, kernel_table, tables


def test_knots_are_those_of_the_fitted_tables() -> None:
    assert {table.knots_tokens for table in tables()} == {KNOTS_TOKENS}


def test_an_estimate_says_that_it_is_one_and_how_wrong_it_may_be() -> None:
    table = extrapolate("qwen3-8b", "h100_sxm", 1, "bf16")
    assert (table.basis, table.errors, table.experts) == ("extrapolated", None, 0)
    assert "decode 2-6 %, prefill 5-11 %, mixed 5-8 %" in table.errors_note
    assert table.as_of is not None


def test_fp8_estimates_carry_their_larger_error() -> None:
    note = extrapolate("qwen3-8b", "h200_sxm", 1, "fp8").errors_note
    assert "decode 5-9 %, prefill 10-32 %, mixed 20-27 %" in note
    assert "do not lean on it" in note


def test_a_card_fitted_on_one_model_claims_no_error() -> None:
    assert "not known" in extrapolate("qwen3-8b", "l40s", 1, "bf16").errors_note


def test_times_by_hand_for_one_token_on_an_a100() -> None:
    """Qwen3-8B: 36 layers of 4,096, head of 151,936, A100: 2.039 TB/s and 312 TFLOPS."""
    table = extrapolate("qwen3-8b", "a100_sxm", 1, "bf16")
    layer_params, head_params = 6_945_767_424, 151_936 * 4096
    read_s = 2 * (layer_params + head_params) / (0.76267 * 2.039e12)
    compute_s = 2 * layer_params / (0.90787 * 312e12)
    p = 1.33483
    elementwise = 5.0 * 20 * 36 * 4096 / 2.039e12
    expected = 1e-07 + 36 * 6.0383e-05 + elementwise + (read_s**p + compute_s**p) ** (1 / p)
    assert table.shared_s(1) == pytest.approx(expected, rel=1e-9)
    assert table.per_sequence_s == pytest.approx(36e-11, rel=1e-9)
    assert table.per_context_token_s == pytest.approx(147456 / (0.76947 * 2.039e12), rel=1e-9)
    assert table.per_attention_pair_s == pytest.approx(
        4 * 36 * 32 * 128 / (0.56814 * 312e12), rel=1e-9
    )


@pytest.mark.parametrize("degree", [2, 4, 8])
def test_more_gpus_read_weights_and_kv_faster_but_pay_for_all_reduce(degree: int) -> None:
    one = extrapolate("llama-3.1-70b", "h100_sxm", 1, "bf16")
    many = extrapolate("llama-3.1-70b", "h100_sxm", degree, "bf16")
    assert one.shared_s(1) / degree < many.shared_s(1) < one.shared_s(1)
    assert one.shared_s(8192) / degree < many.shared_s(8192) < one.shared_s(8192)
    assert many.per_context_token_s == pytest.approx(one.per_context_token_s / degree)


def test_kv_heads_are_copied_beyond_their_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """With two KV heads, four GPUs read as many bytes each as two do."""
    shape = replace(models.model("qwen3-8b"), kv_heads=2)
    monkeypatch.setattr(models, "model", lambda name: shape)
    one, two, four = (extrapolate("few", "h100_sxm", tp, "bf16") for tp in (1, 2, 4))
    assert two.per_context_token_s == pytest.approx(one.per_context_token_s / 2)
    assert four.per_context_token_s == two.per_context_token_s


def test_heads_are_not_split() -> None:
    assert obstacle("qwen2.5-7b", "h100_sxm", 4, "bf16") is None
    reason = obstacle("qwen2.5-7b", "h100_sxm", 8, "bf16")
    assert reason == "its 28 heads cannot be split over 8 GPUs"


@pytest.mark.parametrize(
    ("model", "gpu", "degree", "precision", "reason"),
    [
        ("qwen3-30b-a3b", "h100_sxm", 8, "bf16", "mixture of experts"),
        ("qwen3-8b", "a100_sxm", 1, "fp8", "a100_sxm has coefficients for bf16 only"),
        ("qwen3-8b", "h100_sxm", 1, "fp8_block", "coefficients for bf16, fp8 only"),
        ("qwen3-8b", "h100_sxm", 3, "bf16", "1, 2, 4 and 8"),
        ("qwen3-8b", "l40s", 4, "bf16", "PCIe"),
    ],
)
def test_what_cannot_be_estimated_is_refused_with_the_reason(
    model: str, gpu: str, degree: int, precision: str, reason: str
) -> None:
    with pytest.raises(ValueError, match=reason):
        extrapolate(model, gpu, degree, precision)


@pytest.mark.parametrize("table", [t for t in tables() if not t.experts and t.precision == "bf16"])
def test_estimates_of_tabulated_models_come_near_their_tables(table: KernelTable) -> None:
    guess = extrapolate(table.model, table.gpu, table.tensor_parallel, table.precision)
    for prefill, decode in (
        ([], [1000] * 16),
        ([(2048, 0)], []),
        ([(512, 1024)], [1000] * 32),
    ):
        known = kernel_seconds(table, prefill, decode)
        assert kernel_seconds(guess, prefill, decode) == pytest.approx(known, rel=0.25)


def test_tables_win_over_estimates() -> None:
    table = kernel_table("llama-3.1-8b", "h100_sxm", 1, "bf16", allow_extrapolated=True)
    assert table.basis == "table"


def test_fp8_experts_are_read_in_half_the_time() -> None:
    """Only the growth up to 256 tokens is halved: neither the first token nor the arithmetic."""
    whole = kernel_table("qwen3-30b-a3b", "h100_sxm", 1, "bf16")
    half = kernel_table("qwen3-30b-a3b", "h100_sxm", 1, "fp8", allow_extrapolated=True)
    assert half.shared_s(1) == whole.shared_s(1)
    for tokens in (8, 64, 256):
        grown = whole.shared_s(tokens) - whole.shared_s(1)
        assert half.shared_s(tokens) - half.shared_s(1) == pytest.approx(grown / 2)
    beyond = whole.shared_s(4096) - whole.shared_s(256)
    assert half.shared_s(4096) - half.shared_s(256) == pytest.approx(beyond)
    assert (half.basis, half.precision, half.errors) == ("extrapolated", "fp8", None)
    assert "not measured" in half.errors_note


def test_fp8_experts_must_be_asked_for() -> None:
    with pytest.raises(NoTable, match="`timing: extrapolated` estimates one"):
        kernel_table("qwen3-30b-a3b", "h100_sxm", 1, "fp8")
    with pytest.raises(NoTable, match="mixture of experts"):
        kernel_table("qwen3-30b-a3b", "h100_sxm", 8, "fp8", allow_extrapolated=True)
