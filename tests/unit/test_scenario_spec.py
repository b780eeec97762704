"""Spec: unknown keys are refused, nothing changes after it was made, faults keep their place."""

import copy
import pickle

import pytest
from pydantic import ValidationError

from sim.scenario.spec import Fault, Faults, FrozenDict, Spec, raise_all, with_default


class Pair(Spec):
    left: int
    right: float = 0.0


def test_unknown_keys_are_refused() -> None:
    with pytest.raises(ValidationError, match="extra_forbidden"):
        Pair.model_validate({"left": 1, "middle": 2})


def test_a_spec_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Pair(left=1).left = 2  # type: ignore[misc]


@pytest.mark.parametrize(
    "change",
    [
        lambda d: d.__setitem__("b", 1),
        lambda d: d.__delitem__("a"),
        lambda d: d.pop("a"),
        lambda d: d.popitem(),
        lambda d: d.clear(),
        lambda d: d.update(b=1),
        lambda d: d.setdefault("b", 1),
        lambda d: d.__ior__({"b": 1}),
    ],
)
def test_a_frozen_dict_refuses_every_change(change: object) -> None:
    frozen = FrozenDict(a=1)
    with pytest.raises(TypeError, match="frozen"):
        change(frozen)  # type: ignore[operator]
    assert frozen == {"a": 1}


def test_a_frozen_dict_copies_pickles_and_hashes() -> None:
    frozen = FrozenDict(a=1, b=2)
    for twin in (pickle.loads(pickle.dumps(frozen)), copy.deepcopy(frozen), FrozenDict(b=2, a=1)):
        assert twin == frozen
        assert isinstance(twin, FrozenDict)
        assert hash(twin) == hash(frozen)


def test_faults_travel_together() -> None:
    raise_all([])
    with pytest.raises(Faults) as caught:
        raise_all([Fault("one", "a"), Fault("two", "..", "b", on_key=True)])
    assert [(f.message, f.steps, f.on_key) for f in caught.value.faults] == [
        ("one", ("a",), False),
        ("two", ("..", "b"), True),
    ]
    assert str(caught.value) == "one; two"


def test_with_default_fills_in_only_what_is_absent() -> None:
    assert with_default({"a": 1}, "b", 2) == {"a": 1, "b": 2}
    assert with_default({"b": 1}, "b", 2) == {"b": 1}
    assert with_default({"b": None}, "b", 2) == {"b": 2}
    assert with_default("text", "b", 2) == "text"
