"""Engine: vLLM's names, and bounds."""

import pytest
from pydantic import ValidationError

from sim.scenario.engine import Engine


def test_defaults_are_left_to_the_gpu() -> None:
    engine = Engine()
    assert (engine.max_num_seqs, engine.max_num_batched_tokens, engine.async_scheduling) == (
        None,
        None,
        None,
    )
    assert (engine.block_tokens, engine.prefix_caching, engine.reserve_full_input) == (
        16,
        True,
        True,
    )


@pytest.mark.parametrize(
    "settings",
    [
        {"max_num_seqs": 0},
        {"max_num_seqs": 10**9},
        {"max_num_batched_tokens": -1},
        {"block_tokens": 0},
        {"prefix_caching": "yes"},
        {"async_scheduling": 1},
        {"enable_prefix_caching": True},
    ],
)
def test_what_is_refused(settings: dict[str, object]) -> None:
    with pytest.raises(ValidationError):
        Engine.model_validate(settings)
