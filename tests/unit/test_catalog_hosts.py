import pytest

from sim.catalog.hosts import host, hosts
from sim.catalog.names import UnknownName


def test_vllm_numbers_and_their_ranges() -> None:
    vllm = host("vllm-0.19")
    numbers = {
        "per_step_s": 0.3e-3,
        "per_sequence_s": 26e-6,
        "per_prefill_step_s": 3e-3,
        "first_token_s": 12e-3,
        "moe_base_factor": 1.2,
        "moe_sparse_factor": 0.65,
    }
    assert {name: getattr(vllm, name) for name in numbers} == pytest.approx(numbers)
    assert set(vllm.ranges) == set(numbers)
    for name, (low, high) in vllm.ranges.items():
        assert low < getattr(vllm, name) < high


def test_none_adds_nothing_and_corrects_nothing() -> None:
    none = host("none")
    assert (none.per_step_s, none.per_sequence_s) == (0, 0)
    assert (none.per_prefill_step_s, none.first_token_s) == (0, 0)
    assert (none.moe_base_factor, none.moe_sparse_factor) == (1, 1)


def test_ranges_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        host("vllm-0.19").ranges["per_step_s"] = (0, 0)  # type: ignore[index]


def test_every_host_is_sourced() -> None:
    assert [h.name for h in hosts()] == ["vllm-0.19", "none"]
    assert all(h.source and h.as_of.year == 2026 for h in hosts())


def test_unknown_host() -> None:
    with pytest.raises(UnknownName, match=r"did you mean 'vllm-0\.19'"):
        host("vllm-0.20")
