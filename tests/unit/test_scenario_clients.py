"""Clients: how long they wait, when they try again, what else may answer them."""

from typing import Annotated, Any

import jsonschema
import pytest
from pydantic import Field, TypeAdapter, ValidationError

from sim.scenario.deferrable import Deferrable
from sim.scenario.distinct import Distinct
from sim.scenario.durations import ExponentialDuration, FixedDuration
from sim.scenario.or_none import NoneInSchema, NoneWord
from sim.scenario.overflow import Overflow
from sim.scenario.patience import Patience, check_order
from sim.scenario.retries import SDK_RETRIES, Retries
from sim.scenario.route import Route
from sim.scenario.spec import Fault
from sim.scenario.word_or import known_word

ROUTE: dict[str, Any] = {
    "pool": "main",
    "arrivals": {"rps": 1},
    "input_tokens": {"fixed": 5},
    "output_tokens": {"fixed": 5},
}
API = {
    "usd_per_million_input": 0.5,
    "usd_per_million_output": 1.5,
    "ttft": "600ms",
    "tpot": "15ms",
}


def route(**changes: Any) -> Route:
    return Route.model_validate(ROUTE | changes)


def test_a_plain_client_waits_for_ever_and_tries_once() -> None:
    plain = route()
    assert (plain.patience, plain.ttft_patience, plain.retries) == (None, None, None)
    assert (plain.deferrable, plain.overflow) == (None, None)
    assert plain.cancel_on_disconnect
    assert plain.useful


def test_patience_is_a_time_or_a_law() -> None:
    assert route(patience="60s").patience == FixedDuration(60.0)
    law = route(patience={"exponential": "60s"}).patience
    assert law == ExponentialDuration(exponential=60.0)
    with pytest.raises(ValidationError, match="must be more than 0"):
        TypeAdapter(Patience).validate_python(0)


def test_the_first_token_is_awaited_less_long() -> None:
    assert route(patience="60s", ttft_patience="10s").ttft_patience == FixedDuration(10.0)
    check_order(FixedDuration(60.0), None)
    check_order(None, FixedDuration(60.0))
    check_order(FixedDuration(60.0), ExponentialDuration(exponential=30.0))
    with pytest.raises(Fault, match=r"less than patience, 1m \(got 1m\)"):
        check_order(FixedDuration(60.0), FixedDuration(60.0))
    with pytest.raises(ValidationError, match="less than patience"):
        route(patience="60s", ttft_patience="2m")


def test_retries_are_those_of_the_sdks() -> None:
    usual = Retries()
    assert (usual.max, usual.most, usual.backoff) == (SDK_RETRIES, 2, "sdk")
    assert usual.on == ("rejected", "timed_out", "failed")
    assert (usual.retry_after, usual.budget) == (None, None)


@pytest.mark.parametrize(("given", "most"), [(0, 0), (5, 5), ("unlimited", None)])
def test_most_retries(given: Any, most: int | None) -> None:
    assert Retries(max=given).most == most


def test_none_says_what_leaving_out_says() -> None:
    assert Retries.model_validate({"budget": "none", "retry_after": "none"}) == Retries()
    assert Retries.model_validate({"budget": None, "retry_after": None}) == Retries()
    assert Retries.model_validate({"budget": "10%", "retry_after": "5s"}).budget == 0.1
    some = Annotated[Annotated[int, Field(ge=1)] | None, NoneWord, NoneInSchema()]
    adapter = TypeAdapter(some)
    validator = jsonschema.Draft202012Validator(adapter.json_schema())
    for value in ("none", None, 3, 0, "nune"):
        try:
            adapter.validate_python(value)
        except ValidationError:
            assert not validator.is_valid(value)
        else:
            assert validator.is_valid(value)


@pytest.mark.parametrize(
    "retries",
    [
        {"max": -1},
        {"max": "lots"},
        {"max": "unlimited", "backoff": 0},
        {"backoff": "SDK"},
        {"on": []},
        {"on": ["failed", "failed"]},
        {"on": ["timeout"]},
        {"budget": 10},
        {"retry_after": 0},
        2,
    ],
)
def test_retries_that_are_none(retries: Any) -> None:
    with pytest.raises(ValidationError):
        route(retries=retries)


def test_a_backoff_of_no_time_ends_with_the_retries() -> None:
    assert Retries.model_validate({"max": 3, "backoff": 0}).backoff == FixedDuration(0.0)


def test_work_that_can_wait() -> None:
    assert Deferrable() == Deferrable(deadline=None, below=0.6)
    waits = route(deferrable={"deadline": "8h", "below": "60%"}).deferrable
    assert waits == Deferrable(deadline=28_800.0, below=0.6)
    for wrong in ({"below": 0}, {"below": "101%"}, {"deadline": 0}, True):
        with pytest.raises(ValidationError):
            route(deferrable=wrong)


def test_cached_input_costs_as_other_input_unless_said() -> None:
    hosted = Overflow.model_validate(API)
    assert hosted.price.tiers[0].cached_input == 0.5
    assert hosted.on == ("rejected", "no_replica")
    cached = Overflow.model_validate(API | {"usd_per_million_cached_input": 0})
    assert cached.price.tiers[0].cached_input == 0.0


@pytest.mark.parametrize("missing", list(API))
def test_an_api_has_prices_and_a_speed(missing: str) -> None:
    with pytest.raises(ValidationError, match=missing):
        Overflow.model_validate({key: value for key, value in API.items() if key != missing})


def test_nothing_twice() -> None:
    adapter = TypeAdapter(Annotated[tuple[str, ...], Distinct])
    assert adapter.validate_python(("a", "b")) == ("a", "b")
    with pytest.raises(ValidationError, match="'a' is there twice"):
        adapter.validate_python(("a", "b", "a"))


def test_words_that_are_no_names() -> None:
    assert known_word("sdk", ["sdk"], "a duration") == "sdk"
    assert known_word(5, ["sdk"], "a duration") == 5
    with pytest.raises(Fault, match=r"must be sdk or a duration \(got 'SDK'; did you mean 'sdk'"):
        known_word("SDK", ["sdk"], "a duration")
