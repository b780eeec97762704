"""Explain: pydantic's errors become this project's sentences, with plain paths."""

from typing import Annotated, Any, Literal

import pytest
from pydantic import Field, Strict, ValidationError

from sim.scenario.document import Scenario
from sim.scenario.explain import Finding, dotted, fields_of, findings, plain_path
from sim.scenario.kind import TAG_MARK
from sim.scenario.scalar import Name, Number
from sim.scenario.spec import Fault, Spec


class Leaf(Spec):
    colour: Literal["red", "green"] = Field(description="Colour of the leaf.")
    size: Annotated[Number, Field(gt=0, le=1e6)] = 1.0
    weight: Annotated[Number, Field(description="USD per leaf.")]


class Tree(Spec):
    leaves: Annotated[dict[Name, Leaf], Field(min_length=1)] = Field(description="The leaves.")
    rings: Annotated[tuple[Number, ...], Strict(False)] = ()


def explained(data: Any) -> list[tuple[str, str]]:
    with pytest.raises(ValidationError) as caught:
        Tree.model_validate(data)
    return [(dotted(f.path), f.message) for f in findings(caught.value, Tree)]


@pytest.mark.parametrize(
    ("data", "path", "message"),
    [
        ([], "", "must be a mapping of keys and values (got a list)"),
        ({}, "leaves", "is missing: the leaves"),
        ({"leaves": 3}, "leaves", "must be a mapping of keys and values (got 3)"),
        ({"leaves": {}}, "leaves", "must not be empty"),
        ({"leaves": {"a": 3}}, "leaves.a", "must be a mapping of keys and values (got 3)"),
        (
            {"leaves": {"a": {"colour": "redd", "weight": 1}}},
            "leaves.a.colour",
            "must be one of red, green (got 'redd'; did you mean 'red'?)",
        ),
        (
            {"leaves": {"a": {"colour": "red"}}},
            "leaves.a.weight",
            "is missing: USD per leaf",
        ),
        (
            {"leaves": {"a": {"colour": "red", "weight": 1, "size": 0}}},
            "leaves.a.size",
            "must be more than 0 (got 0)",
        ),
        (
            {"leaves": {"a": {"colour": "red", "weight": 1, "size": 2e6}}},
            "leaves.a.size",
            "must be at most 1000000 (got 2000000.0)",
        ),
        (
            {"leaves": {"a": {"colour": "red", "weight": 1, "sizes": 2}}},
            "leaves.a.sizes",
            "unknown key 'sizes'; did you mean 'size'?",
        ),
        (
            {"leaves": {"a": {"colour": "red", "weight": 1, "zebra": 2}}},
            "leaves.a.zebra",
            "unknown key 'zebra'; allowed here: colour, size, weight",
        ),
        (
            {"leaves": {"a": {"colour": "red", "weight": 1}}, "rings": 3},
            "rings",
            "must be a list (got 3)",
        ),
    ],
)
def test_sentences(data: Any, path: str, message: str) -> None:
    assert explained(data) == [(path, message)]


def test_a_wrong_name_is_a_wrong_key() -> None:
    with pytest.raises(ValidationError) as caught:
        Tree.model_validate({"leaves": {"a b": {"colour": "red", "weight": 1}}})
    (finding,) = findings(caught.value, Tree)
    assert finding.path == ("leaves", "a b")
    assert finding.on_key
    assert finding.message.startswith("a name must be 1 to 64 letters")


def test_paths_lose_their_tags() -> None:
    loc = ("routes", "chat", "arrivals", TAG_MARK + "PoissonArrivals", "rps")
    assert plain_path(loc) == ("routes", "chat", "arrivals", "rps")
    assert plain_path(("pools", "a b", "[key]")) == ("pools", "a b")


def test_tags_lead_to_the_fields_of_the_chosen_kind() -> None:
    loc = ("routes", "chat", "arrivals", TAG_MARK + "ClosedArrivals")
    assert set(fields_of(loc, Scenario)) == {"concurrency", "think_time"}
    assert "max_num_seqs" in fields_of(("pools", "main", "engine"), Scenario)
    assert "bytes_per_token" in fields_of(("bill", 0), Scenario)


def test_a_fault_may_point_elsewhere() -> None:
    fault = Fault("is wrong", "..", "gpu", on_key=True, whole=True)
    assert Finding.of(fault, ("pools", "main", "timing")) == Finding(
        ("pools", "main", "gpu"), "is wrong", on_key=True, whole=True
    )


def test_dotted_paths() -> None:
    assert dotted(("bill", 0, "usd")) == "bill[0].usd"
    assert dotted(()) == ""
