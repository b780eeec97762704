"""Kind: the key that is present chooses the spec, and what is wrong inside is reported alone."""

from typing import Annotated, Any

import pytest
from pydantic import BeforeValidator, Discriminator, Tag, TypeAdapter, ValidationError

from sim.scenario.kind import TAG_MARK, Kinds, NamedOr, spec_of_tag, tag
from sim.scenario.scalar import Number
from sim.scenario.spec import Fault, Spec


class Round(Spec):
    radius: Number


class Square(Spec):
    side: Number
    tilt: Number = 0.0


KINDS = Kinds("shapes", {"radius": (Round, "{radius: 1}"), "side": (Square, "{side: 2}")})
SHAPE: TypeAdapter[Any] = TypeAdapter(
    Annotated[
        Annotated[Round, Tag(tag(Round))] | Annotated[Square, Tag(tag(Square))],
        Discriminator(KINDS.tag_of),
        BeforeValidator(KINDS.check),
    ]
)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({}, "says no kind of shapes; give one of {radius: 1} {side: 2}"),
        (
            {"sid": 1},
            "says no kind of shapes (got 'sid'; did you mean 'side'?); "
            "give one of {radius: 1} {side: 2}",
        ),
        (
            {"x": 1, "y": 2},
            "says no kind of shapes (got 'x', 'y'); give one of {radius: 1} {side: 2}",
        ),
        (5, "must be a mapping: one of {radius: 1} {side: 2} (got 5)"),
        (
            {"side": 1, "radius": 2},
            "'side' and 'radius' are different kinds of shapes; keep one "
            "(the kinds are radius, side)",
        ),
    ],
)
def test_a_choice_that_is_none(value: object, message: str) -> None:
    with pytest.raises(Fault) as caught:
        KINDS.check(value)
    assert caught.value.message == message


def test_two_kinds_are_blamed_on_the_later_key() -> None:
    with pytest.raises(Fault) as caught:
        KINDS.check({"side": 1, "radius": 2})
    assert (caught.value.steps, caught.value.on_key, caught.value.whole) == (
        ("radius",),
        True,
        True,
    )


def test_an_error_inside_the_chosen_kind_comes_alone() -> None:
    with pytest.raises(ValidationError) as caught:
        SHAPE.validate_python({"side": "x", "tild": 3})
    assert [e["loc"] for e in caught.value.errors()] == [
        (TAG_MARK + "Square", "side"),
        (TAG_MARK + "Square", "tild"),
    ]


def test_specs_pass_as_they_are() -> None:
    assert SHAPE.validate_python(Square(side=2.0)) == Square(side=2.0)


def test_tags_lead_back_to_their_spec() -> None:
    assert spec_of_tag(tag(Square)) is Square
    assert spec_of_tag(TAG_MARK + "nobody") is None


def test_a_name_or_numbers() -> None:
    choice = NamedOr(("auto", "off"), Round, "a mapping of radii")
    assert choice.check("auto") == "auto"
    assert choice.check({"radius": 1}) == {"radius": 1}
    assert choice.tag_of({"radius": 1}) == choice.tag_of(Round(radius=1.0)) == tag(Round)
    assert choice.tag_of("auto") == choice.names_tag
    with pytest.raises(Fault) as caught:
        choice.check("autp")
    assert caught.value.message == (
        "must be auto, off or a mapping of radii (got 'autp'; did you mean 'auto'?)"
    )
