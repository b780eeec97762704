"""Durations that vary: every law in seconds, its mean, how it is written, and what is refused."""

import json
from typing import Any

import numpy as np
import pytest
from pydantic import BaseModel, TypeAdapter, ValidationError
from scipy import stats

from sim.scenario.durations import DurationLaw, FixedDuration, QuantileDuration

DURATION: TypeAdapter[Any] = TypeAdapter(DurationLaw)

LAWS: list[tuple[object, float, Any]] = [
    ({"exponential": "60s"}, 60.0, stats.expon(scale=60.0)),
    ({"uniform": ["1m", "3m"]}, 120.0, stats.uniform(60.0, 120.0)),
    ({"lognormal": {"median": "66s", "p95": "8m"}}, 136.6187, None),
    ({"lognormal": {"mean": 90, "cv": 0.5}}, 90.0, stats.lognorm(0.4723807, scale=80.49845)),
    ({"weibull": {"mean": "5m", "shape": 1}}, 300.0, stats.expon(scale=300.0)),
    ({"weibull": {"mean": "5m", "shape": 0.7}}, 300.0, None),
    ({"quantiles": {0: "100ms", 1: 10}}, 9.9 / np.log(100.0), stats.loguniform(0.1, 10.0)),
    ({"quantiles": {0: "1s", 0.5: "66s", 1: "20m"}}, 203.2460, None),
]


def read(value: object) -> Any:
    return DURATION.validate_python(value)


@pytest.mark.parametrize(("value", "mean_s", "known"), LAWS, ids=[str(law[0]) for law in LAWS])
def test_each_key_chooses_its_law(value: object, mean_s: float, known: Any) -> None:
    spec = read(value)
    assert spec.mean_s == pytest.approx(mean_s, rel=1e-6)
    x = spec.law().quantile((np.arange(500_000) + 0.5) / 500_000)
    assert x.mean() == pytest.approx(mean_s, rel=1e-3)
    if known is not None:
        u = np.linspace(0.01, 0.99, 50)
        assert spec.law().quantile(u) == pytest.approx(known.ppf(u), rel=1e-6)


@pytest.mark.parametrize(("value", "seconds"), [("90s", 90.0), (5, 5.0), (0.25, 0.25), ("0s", 0.0)])
def test_a_plain_duration_is_always_the_same(value: object, seconds: float) -> None:
    spec = read(value)
    assert spec == FixedDuration(seconds)
    assert spec.mean_s == seconds
    assert spec.law().quantile(np.array([0.0, 0.7])).tolist() == [seconds, seconds]


class Holder(BaseModel):
    time: DurationLaw = FixedDuration(0.0)


@pytest.mark.parametrize("value", ["1h30m", 0.1, *(value for value, _, _ in LAWS)], ids=str)
def test_laws_survive_being_written_and_read_again(value: object) -> None:
    first = Holder.model_validate({"time": value})
    written = first.model_dump(mode="json", exclude_none=True)
    assert Holder.model_validate(json.loads(json.dumps(written))) == first
    assert Holder(time=first.time) == first
    assert hash(first.time) == hash(read(value))


def test_plain_durations_are_written_plainly() -> None:
    assert Holder().model_dump(mode="json") == {"time": "0s"}
    assert Holder(time=read(90)).model_dump(mode="json") == {"time": "1m30s"}


def test_a_plain_duration_is_frozen() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        read("5s").root = 3.0


def test_a_table_can_be_made_of_numbers() -> None:
    assert QuantileDuration(quantiles={"0": 1.0, "1": 2.0}).mean_s == pytest.approx(1.4426950)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("soon", "must be a duration such as 250ms, 30s, 1h30m or 7d (got 'soon')"),
        (-1, "must not be negative (got -1)"),
        (True, "must be a duration such as 250ms, 30s, 1h30m or 7d (got true)"),
        (None, "must be a duration such as 250ms, 30s, 1h30m or 7d (got nothing)"),
        ([5, 6], "must be a duration such as 250ms, 30s, 1h30m or 7d (got a list)"),
        ({"uniform": ["1m"]}, "needs two durations, such as [1m, 3m] (got 1)"),
        ({"uniform": ["3m", "1m"]}, "the first must be below the second (got 3m and 1m)"),
        ({"uniform": [5, 5]}, "the first must be below the second (got 5s and 5s)"),
        ({"quantiles": {0: 5, 1: 3}}, "must not fall: a higher level needs at least as much"),
        (
            {"quantiles": {0: 5}},
            "needs at least the levels 0 and 1, such as {0: 1, 0.5: 128, 1: 1000}",
        ),
        ({"lognormal": {"median": 5}}, "needs median and p95, or mean and cv (got median)"),
        ({"lognormal": {"median": "8m", "p95": "66s"}}, "must be above the median, 8m (got 1m6s)"),
        (
            {"exponential": 5, "uniform": [1, 2]},
            "'exponential' and 'uniform' are different kinds of duration law; keep one "
            "(the kinds are exponential, lognormal, uniform, quantiles, weibull)",
        ),
    ],
    ids=str,
)
def test_what_is_refused(value: object, message: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(value)
    (error,) = caught.value.errors()
    assert str(error.get("ctx", {}).get("error", error["msg"])) == message


@pytest.mark.parametrize(
    ("value", "field"),
    [
        ({"exponential": 0}, "exponential"),
        ({"quantiles": {0: 0, 1: 3}}, "0"),
        ({"weibull": {"mean": 0, "shape": 1}}, "mean"),
        ({"weibull": {"mean": 5, "shape": 0}}, "shape"),
        ({"weibull": {"mean": 5}}, "shape"),
        ({"lognormal": {"mean": 5, "cv": 0}}, "cv"),
    ],
    ids=str,
)
def test_numbers_that_make_no_law_are_refused_where_they_stand(value: object, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(value)
    (error,) = caught.value.errors()
    assert error["loc"][-1] == field


def test_an_unknown_law_names_those_there_are() -> None:
    with pytest.raises(ValidationError, match=r"got 'exponentail'; did you mean 'exponential'"):
        read({"exponentail": 5})
