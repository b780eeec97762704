"""Lengths: every law, its caps, its rough mean, and what is refused."""

import math
from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sim.catalog.workloads import workloads
from sim.scenario.lengths import (
    FixedLengths,
    GeometricLengths,
    Lengths,
    LengthSpec,
    LognormalLengths,
    QuantileLengths,
    WorkloadLengths,
    quantile_mean,
)

LENGTHS: TypeAdapter[Any] = TypeAdapter(Lengths)


def read(value: object) -> Any:
    return LENGTHS.validate_python(value)


def messages(value: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        read(value)
    return [str(e.get("ctx", {}).get("error", e["msg"])) for e in caught.value.errors()]


def test_each_key_chooses_its_law() -> None:
    assert read({"fixed": "8k"}) == FixedLengths(fixed=8000)
    assert isinstance(read({"lognormal": {"median": 800, "p95": "4k"}, "max": "16k"}), LengthSpec)
    assert read({"exponential": 300}).exponential == 300.0
    assert read({"geometric": 300, "min": 2}).min == 2
    assert read({"workload": "azure-conv-2023"}).workload == "azure-conv-2023"


def test_a_lognormal_by_quantiles() -> None:
    law = read({"lognormal": {"median": 800, "p95": 4000}}).lognormal
    assert math.exp(law.mu) == pytest.approx(800)
    assert math.exp(law.mu + 1.6448536269514722 * law.sigma) == pytest.approx(4000)


def test_a_lognormal_by_moments() -> None:
    law = read({"lognormal": {"mean": 500, "cv": 1.5}}).lognormal
    variance = (math.exp(law.sigma**2) - 1) * math.exp(2 * law.mu + law.sigma**2)
    assert math.exp(law.mu + law.sigma**2 / 2) == pytest.approx(500)
    assert math.sqrt(variance) / 500 == pytest.approx(1.5)


def test_quantile_tables_are_ordered_by_level() -> None:
    law = read({"quantiles": {"1": "1k", "0": 1, "0.5": 128}})
    assert (law.levels, law.tokens) == ((0.0, 0.5, 1.0), (1.0, 128.0, 1000.0))
    assert read({"quantiles": {1: 1000, 0: 1, 0.5: 128}}) == QuantileLengths(
        quantiles={"0": 1, "0.5": 128, "1": 1000}
    )
    assert hash(law) == hash(law.model_copy())


def test_the_mean_of_a_quantile_table() -> None:
    # One piece from 1 to e: the mean of e^u over u in [0, 1] is e - 1.
    assert quantile_mean((0.0, 1.0), (1.0, math.e)) == pytest.approx(math.e - 1)
    assert quantile_mean((0.0, 0.5, 1.0), (10.0, 10.0, 10.0)) == 10.0


@pytest.mark.parametrize(
    ("law", "mean"),
    [
        ({"fixed": 500}, 500.0),
        ({"exponential": 300}, 300.0),
        ({"geometric": 9}, 9.0),
        ({"geometric": 900, "max": 100}, 100.0),
        ({"fixed": 5, "min": 10}, 10.0),
        ({"lognormal": {"mean": 500, "cv": 2}}, 500.0),
    ],
)
def test_rough_means(law: object, mean: float) -> None:
    assert read(law).rough_mean == pytest.approx(mean)


@pytest.mark.parametrize("name", [w.name for w in workloads()])
def test_every_workload_of_the_catalog_can_be_used(name: str) -> None:
    assert 1.0 < WorkloadLengths(workload=name).rough_mean < 1e6


@pytest.mark.parametrize(
    ("law", "message"),
    [
        ({"fixed": 5, "min": 9, "max": 3}, "must not be above max (got min 9, max 3)"),
        ({"lognormal": {}}, "needs median and p95, or mean and cv (got neither)"),
        ({"lognormal": {"median": 5, "p95": 5}}, "must be above the median, 5 (got 5)"),
        (
            {"quantiles": {"0": 1, "0.5": 2}},
            "needs at least the levels 0 and 1, such as {0: 1, 0.5: 128, 1: 1000}",
        ),
        ({"quantiles": {"0": 1, "x": 2}}, "a level must be a number from 0 to 1 (got 'x')"),
        ({"quantiles": {"0": 1, "nan": 2}}, "a level must be a number from 0 to 1 (got 'nan')"),
        ({"quantiles": {"0": 1, "1": 2, "1.0": 2}}, "gives a level twice"),
        (
            {"quantiles": {"0": 1, "0.5": 9, "1": 8}},
            "must not fall: a higher level needs at least as many tokens",
        ),
    ],
)
def test_laws_that_are_none(law: object, message: str) -> None:
    assert messages(law) == [message]


def test_copies_keep_their_law() -> None:
    law = GeometricLengths(geometric=9.0, max=32)
    assert read(law) is law
    assert LognormalLengths.model_validate(
        read({"lognormal": {"median": 2, "p95": 3}}).model_dump()
    ) == read({"lognormal": {"median": 2, "p95": 3}})
