import json
import pickle

import pytest

from sim.catalog.gpus import gpus
from sim.catalog.names import UnknownName
from sim.catalog.timings import KernelTable, NoTable, kernel_seconds, kernel_table, tables
from tests.datadir import data_path


def test_the_tables_are_there_and_labelled() -> None:
    found = tables()
    assert len(found) == 71
    assert {t.model for t in found} == {
        "llama-3.1-8b",
        "llama-3.1-70b",
        "qwen3-32b",
        "qwen3-30b-a3b",
    }
    assert {t.gpu for t in found} == {card.table for card in gpus()}
    assert all(t.basis == "table" and t.errors and t.source and t.as_of for t in found)


@pytest.mark.parametrize("table", tables(), ids=lambda t: f"{t.model}-{t.gpu}-{t.tensor_parallel}")
def test_each_table_is_well_formed(table: KernelTable) -> None:
    assert len(table.knots_tokens) == len(table.knots_s) == 13
    assert all(a < b for a, b in zip(table.knots_tokens, table.knots_tokens[1:], strict=False))
    assert all(seconds > 1e-4 for seconds in table.knots_s)
    assert table.knots_s[-1] > table.knots_s[-2]
    assert table.per_context_token_s > 0 < table.per_attention_pair_s
    assert min(table.per_sequence_s, table.per_prefill_context_token_s, table.prefill_fixed_s) >= 0
    assert (table.experts, table.topk) == ((128, 8) if "a3b" in table.model else (0, 0))


def test_a_lone_decode_of_an_8b_model_reads_its_weights_once() -> None:
    """16 GB at 3.35 TB/s is 4.8 ms; kernels and launches put some 20-60 % on top."""
    table = kernel_table("llama-3.1-8b", "h100_sxm", 1, "bf16")
    assert 0.0055 < kernel_seconds(table, decode=[500]) < 0.0078


def test_doubtful_tables_say_so() -> None:
    doubtful = {(t.model, t.precision) for t in tables() if "doubtful" in t.errors_note}
    assert doubtful == {("qwen3-30b-a3b", "bf16"), ("qwen3-30b-a3b", "fp8_block")}
    assert "as slow as in bf16" in kernel_table("qwen3-30b-a3b", "l40s", 1, "fp8_block").errors_note


def test_models_of_one_shape_use_the_same_table() -> None:
    table = kernel_table("llama-3.3-70b", "h100_sxm", 4, "bf16")
    assert table is kernel_table("llama-3.1-70b", "h100_sxm", 4, "bf16")


def test_a_missing_table_names_those_that_exist() -> None:
    with pytest.raises(NoTable) as caught:
        kernel_table("llama-3.1-8b", "h100_sxm", 8, "bf16")
    error = caught.value
    assert error.available == ((1, "bf16"), (2, "bf16"), (4, "bf16"), (1, "fp8"), (2, "fp8"))
    assert error.extrapolates
    assert "tensor_parallel 1 | 2 | 4 in bf16, 1 | 2 in fp8" in str(error)
    assert "`timing: extrapolated` estimates one" in str(error)
    again = pickle.loads(pickle.dumps(error))
    assert (str(again), again.available, again.extrapolates) == (
        str(error),
        error.available,
        True,
    )


def test_it_is_estimated_only_when_asked_for() -> None:
    table = kernel_table("llama-3.1-8b", "h100_sxm", 8, "bf16", allow_extrapolated=True)
    assert table.basis == "extrapolated"


def test_tables_left_out_give_the_reason() -> None:
    with pytest.raises(NoTable, match="left out: its all-reduce times over PCIe") as caught:
        kernel_table("llama-3.1-8b", "l40s", 4, "bf16", allow_extrapolated=True)
    assert not caught.value.extrapolates
    with pytest.raises(NoTable, match="left out: half of its layers keep 128 tokens only"):
        kernel_table("gpt-oss-120b", "h100_sxm", 1, "mxfp4")


def test_a_model_without_tables_on_a_gpu_says_where_it_has_some() -> None:
    with pytest.raises(NoTable, match="has tables on a100_sxm, h100_sxm, h200_sxm, b200_sxm;"):
        kernel_table("llama-3.1-70b", "l40s", 8, "bf16")
    with pytest.raises(NoTable, match="has tables on no GPU; `timing: extrapolated` estimates"):
        kernel_table("qwen3-8b", "h100_sxm", 1, "bf16")


@pytest.mark.parametrize(
    ("model", "gpu", "precision", "kind"),
    [
        ("llama-8b", "h100_sxm", "bf16", "model"),
        ("llama-3.1-8b", "h100", "bf16", "GPU of step-time tables"),
        ("llama-3.1-8b", "h100_sxm", "fp16", "precision"),
    ],
)
def test_unknown_names_are_not_missing_tables(
    model: str, gpu: str, precision: str, kind: str
) -> None:
    with pytest.raises(UnknownName) as caught:
        kernel_table(model, gpu, 1, precision)
    assert caught.value.kind == kind
    assert caught.value.suggestion is not None


@pytest.mark.data
def test_numbers_are_carried_exactly() -> None:
    document = json.loads(data_path("step_times/timing_tables.json").read_text())
    trusted = [combo for combo in document["combos"] if not combo["low_trust"]]
    assert len(trusted) == len(tables())
    for combo in trusted:
        table = kernel_table(combo["model"], combo["gpu"], combo["tp"], combo["precision"])
        assert list(table.knots_tokens) == combo["knots_T"]
        assert list(table.knots_s) == combo["knots_s"]
        assert table.per_sequence_s == combo["t_seq"]
        assert table.per_context_token_s == combo["k_ctx"]
        assert table.per_attention_pair_s == combo["k_attn"]
        assert table.per_prefill_context_token_s == combo["k_pctx"]
        assert table.prefill_fixed_s == combo["t_pre"]
        for kind, figures in combo["heldout_error"].items():
            assert vars(getattr(table.errors, kind)) == figures
