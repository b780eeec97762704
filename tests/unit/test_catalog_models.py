import json

import pytest

from sim.catalog.models import PRECISIONS, model, models
from sim.catalog.names import UnknownName
from tests.datadir import data_path


@pytest.mark.parametrize(
    ("name", "billions"),
    [  # as their publishers state them
        ("llama-3.1-8b", 8.03),
        ("llama-3.1-70b", 70.55),
        ("llama-3.3-70b", 70.55),
        ("llama-3.2-3b", 3.21),
        ("mistral-7b", 7.25),
        ("mistral-nemo-12b", 12.25),
        ("mistral-small-24b", 23.57),
        ("qwen2.5-7b", 7.62),
        ("qwen2.5-14b", 14.77),
        ("qwen2.5-32b", 32.76),
        ("qwen2.5-72b", 72.71),
        ("qwen3-4b", 4.02),
        ("qwen3-8b", 8.19),
        ("qwen3-14b", 14.77),
        ("qwen3-32b", 32.76),
        ("qwen3-30b-a3b", 30.53),
        ("gpt-oss-120b", 116.8),
    ],
)
def test_parameters_follow_from_the_shape(name: str, billions: float) -> None:
    assert model(name).params / 1e9 == pytest.approx(billions, rel=1e-3)


def test_every_model_is_counted_above_and_sourced() -> None:
    assert len(models()) == 17
    for shape in models():
        assert shape.source.startswith("config.json of ")
        assert shape.heads % shape.kv_heads == 0
        assert shape.full_attention_layers <= shape.layers
        assert (shape.experts > 0) == (shape.topk > 0)


def test_active_parameters_of_mixtures_are_those_of_one_token() -> None:
    assert model("qwen3-30b-a3b").active_params / 1e9 == pytest.approx(3.35, abs=0.01)
    assert model("gpt-oss-120b").active_params / 1e9 == pytest.approx(5.71, abs=0.01)
    dense = model("llama-3.1-8b")
    assert dense.active_params == dense.params


def test_kv_bytes_count_only_layers_that_keep_the_whole_context() -> None:
    assert model("llama-3.1-8b").kv_bytes_per_token == 128 * 1024
    assert model("gpt-oss-120b").kv_bytes_per_token == 36 * 1024


def test_tied_embeddings_are_stored_once_and_still_read_as_head() -> None:
    shape = model("llama-3.2-3b")
    assert shape.embedding_params == shape.head_params == 128256 * 3072
    assert shape.weight_bytes("bf16") == shape.streamed_bytes("bf16") == 2 * shape.params


def test_a_step_reads_all_weights_but_the_embedding() -> None:
    shape = model("llama-3.1-8b")
    assert shape.weight_bytes("fp8") - shape.streamed_bytes("fp8") == 2 * 128256 * 4096


def test_mxfp4_packs_experts_alone_in_4_25_bits() -> None:
    shape = model("gpt-oss-120b")
    rest = 2 * (shape.layer_params + shape.embedding_params)
    assert shape.weight_bytes("mxfp4") == rest + shape.expert_params * 4.25 / 8


def test_models_of_one_shape_share_tables() -> None:
    assert model("llama-3.3-70b").tables == "llama-3.1-70b"
    assert model("qwen3-8b").tables == "qwen3-8b"


def test_unknown_names_are_told_what_is_near() -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'llama-3\.1-8b'"):
        model("llama3.1-8b")
    with pytest.raises(UnknownName, match="unknown precision 'int4'") as caught:
        model("llama-3.1-8b").weight_bytes("int4")
    assert caught.value.choices == PRECISIONS


@pytest.mark.data
def test_shapes_are_those_of_the_tables() -> None:
    document = json.loads(data_path("step_times/timing_tables.json").read_text())
    for name, fact in document["models"].items():
        shape = model(name)
        assert shape.layer_params == fact["p_layer"]
        assert shape.expert_params == fact["p_exp"]
        assert shape.params == fact["params"]
        assert shape.kv_bytes_per_token == fact["kv_bytes_per_token"]
        assert (shape.experts, shape.topk) == (fact["experts"], fact["topk"])
    for combo in document["combos"]:
        assert model(combo["model"]).weight_bytes(combo["precision"]) == combo["weight_bytes_total"]
