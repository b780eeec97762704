import numpy as np
import pytest

from sim.ledger.tokens import (
    COMPLETED,
    IN_FLIGHT,
    NO_WASTE,
    OUTCOMES,
    REJECTED,
    cause_of_waste,
    computed_input,
    paying_prompt,
)
from sim.ledger.usage import WASTE_CAUSES
from sim.serving.sequence import Outcome


def test_outcomes_are_named_as_the_engine_numbers_them() -> None:
    assert tuple(outcome.name.lower() for outcome in Outcome) == OUTCOMES
    assert (COMPLETED, REJECTED, IN_FLIGHT) == (
        Outcome.COMPLETED, Outcome.REJECTED, Outcome.IN_FLIGHT,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("computed", "high_water", "cached", "expected"),
    [
        (30, 0, 0, 30),  # in its prefill
        (104, 0, 0, 100),  # of which 4 are output
        (104, 0, 64, 36),
        (0, 102, 0, 100),  # preempted: what it had reached
        (50, 102, 20, 80),
        (0, 0, 64, 0),  # admitted, gone before its first step ended
    ],
)
def test_computed_prompt_tokens(computed: int, high_water: int, cached: int, expected: int) -> None:
    columns = {
        "computed": np.array([computed]),
        "high_water": np.array([high_water]),
        "cached_input": np.array([cached]),
        "input_tokens": np.array([100]),
    }
    assert computed_input(columns).tolist() == [expected]


def test_a_prompt_pays_rent_from_its_first_token_on() -> None:
    columns = {"generated": np.array([0, 1, 9]), "input_tokens": np.array([100, 100, 50])}
    assert paying_prompt(columns).tolist() == [0, 100, 50]


@pytest.mark.parametrize("superseded", [0, 1])
@pytest.mark.parametrize("useful", [True, False])
def test_every_attempt_has_one_cause_or_none(superseded: int, useful: bool) -> None:
    columns = {"outcome": np.array(list(Outcome)), "superseded": np.full(6, superseded)}
    found = [
        None if cause == NO_WASTE else WASTE_CAUSES[cause]
        for cause in cause_of_waste(columns, np.full(6, useful)).tolist()
    ]
    if not useful:
        assert found == ["not_useful"] * 6
    elif superseded:
        assert found == ["escalated", *["retried"] * 5]
    else:
        assert found == [None, None, "timed_out", "failed", "cancelled", None]
