"""Lengths: every law, its caps, its rough mean, and what is refused."""

import math
from typing import Any

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError
from scipy import integrate, stats

from sim.catalog.workloads import workloads
from sim.scenario.length_laws import ParetoLengths
from sim.scenario.length_spec import LengthSpec
from sim.scenario.length_tables import MOST_BINS, EmpiricalLengths, GivenInputLengths
from sim.scenario.lengths import (
    FixedLengths,
    GeometricLengths,
    Lengths,
    LognormalLengths,
    QuantileLengths,
    WorkloadLengths,
    check_input_side,
)
from sim.scenario.spec import Fault

LENGTHS: TypeAdapter[Any] = TypeAdapter(Lengths)


TABLE = {"0": 1, "1": "1k"}
SHORT = {"mean": 40, "cv": 1}
BELL = {"mu": 6.12, "sigma": 0.51}
PARETO = {"median": 800, "p95": "4k", "tail_from": "5k", "tail_index": 1.5}


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


def test_each_new_key_chooses_its_law() -> None:
    assert read({"gamma": {"mean": 300, "cv": 1.5}}).gamma.cv == 1.5
    assert read({"weibull": {"mean": 300, "shape": 0.8}, "max": "4k"}).max == 4000
    mixture = read({"mixture": [{"weight": 3, "median": 40, "p95": 90}, {**BELL, "weight": 1}]})
    assert mixture.mixture[1].parameters() == (6.12, 0.51)
    assert read({"pareto": PARETO}).pareto.tail_from == 5000
    assert read({"given_input": [TABLE, TABLE]}).tables == (((0.0, 1.0), (1.0, 1000.0)),) * 2
    recorded = read({"empirical": "a.csv", "column": "tokens"})
    assert (recorded.empirical, recorded.column, recorded.weight) == ("a.csv", "tokens", None)


def test_quantile_tables_are_ordered_by_level() -> None:
    law = read({"quantiles": {"1": "1k", "0": 1, "0.5": 128}})
    assert (law.levels, law.tokens) == ((0.0, 0.5, 1.0), (1.0, 128.0, 1000.0))
    assert read({"quantiles": {1: 1000, 0: 1, 0.5: 128}}) == QuantileLengths(
        quantiles={"0": 1, "0.5": 128, "1": 1000}
    )
    assert hash(law) == hash(law.model_copy())


@pytest.mark.parametrize(
    ("law", "mean"),
    [
        ({"fixed": 500}, 500.0),
        ({"exponential": 300}, 300.0),
        ({"geometric": 9}, 9.0),
        ({"geometric": 900, "max": 100}, 100.0),
        ({"fixed": 5, "min": 10}, 10.0),
        ({"lognormal": {"mean": 500, "cv": 2}}, 500.0),
        ({"gamma": {"mean": 300, "cv": 3}}, 300.0),
        ({"weibull": {"mean": 300, "shape": 0.4}, "min": 400}, 400.0),
        (
            {"mixture": [{"weight": 3, "mean": 40, "cv": 1}, {"weight": 1, "mean": 500, "cv": 9}]},
            155,
        ),
        ({"mixture": [{"weight": 2, **BELL}]}, math.exp(6.12 + 0.51**2 / 2)),
        ({"pareto": PARETO | {"tail_index": 1}}, 1e9),
        ({"pareto": PARETO | {"tail_index": 1}, "max": "16k"}, 16_000.0),
        ({"given_input": [TABLE, {"0": 7, "1": 7}]}, (999 / math.log(1000) + 7) / 2),
    ],
)
def test_rough_means(law: object, mean: float) -> None:
    assert read(law).rough_mean == pytest.approx(mean)


def test_the_rough_mean_of_a_pareto_tail_is_the_integral_of_its_survival() -> None:
    for index in (1.1, 2.0, 30.0):
        law = read({"pareto": PARETO | {"tail_index": index}})
        assert isinstance(law, ParetoLengths)
        body = stats.lognorm(math.log(5.0) / stats.norm.ppf(0.95), scale=800.0)
        x = np.linspace(0.0, 5_000.0, 200_001)
        known = integrate.trapezoid(body.sf(x), x) + body.sf(5_000.0) * 5_000.0 / (index - 1.0)
        assert law.rough_mean == pytest.approx(known, rel=1e-6)


def test_what_only_a_file_knows_has_no_rough_mean() -> None:
    assert math.isnan(read({"empirical": "a.csv", "column": "n", "min": 5, "max": 9}).rough_mean)


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
            "must not fall: a higher level needs at least as much",
        ),
        ({"given_input": [TABLE]}, "needs 2 to 100 bins, a quantile table each (got 1)"),
        ({"given_input": []}, "needs 2 to 100 bins, a quantile table each (got 0)"),
        ({"given_input": [TABLE] * 101}, "needs 2 to 100 bins, a quantile table each (got 101)"),
        (
            {"given_input": [TABLE, {"0": 5, "1": 2}]},
            "must not fall: a higher level needs at least as much",
        ),
        ({"pareto": PARETO | {"p95": 800}}, "must be above the median, 800 (got 800)"),
        ({"pareto": PARETO | {"tail_from": 799}}, "must not be below the median, 800 (got 799)"),
        (
            {"mixture": [{"weight": 1, "mu": 2}]},
            "needs median and p95, mean and cv, or mu and sigma (got mu)",
        ),
        (
            {"mixture": [{"weight": 1, **BELL, "mean": 3, "cv": 1}]},
            "needs median and p95, mean and cv, or mu and sigma (got cv, mean, mu, sigma)",
        ),
        (
            {"mixture": [{"weight": 1, "median": 9, "p95": 8}]},
            "must be above the median, 9 (got 8)",
        ),
        ({"mixture": []}, "needs 1 to 20 lognormals (got 0)"),
        ({"mixture": [{"weight": 1, **BELL}] * 21}, "needs 1 to 20 lognormals (got 21)"),
        ({"empirical": "  ", "column": "n"}, "must be the path of a file (got '  ')"),
        ({"empirical": "a\0b", "column": "n"}, "must be the path of a file (got 'a\\x00b')"),
        ({"empirical": 3, "column": "n"}, "must be text (got 3; put it in quotes)"),
    ],
)
def test_laws_that_are_none(law: object, message: str) -> None:
    assert messages(law) == [message]


@pytest.mark.parametrize(
    ("law", "field"),
    [
        ({"gamma": {"mean": 300, "cv": 0}}, "cv"),
        ({"gamma": {"mean": 300, "cv": -1}}, "cv"),
        ({"gamma": {"mean": 300, "cv": 10.1}}, "cv"),
        ({"gamma": {"mean": 0.5, "cv": 1}}, "mean"),
        ({"gamma": {"mean": 300}}, "cv"),
        ({"weibull": {"mean": 300, "shape": 0}}, "shape"),
        ({"weibull": {"mean": 300, "shape": -2}}, "shape"),
        ({"weibull": {"mean": 300, "shape": float("nan")}}, "shape"),
        ({"lognormal": {"mean": 300, "cv": 0}}, "cv"),
        ({"mixture": [{"weight": 0, **BELL}]}, "weight"),
        ({"mixture": [{"weight": -1, **BELL}]}, "weight"),
        ({"mixture": [BELL]}, "weight"),
        ({"mixture": [{"weight": 1, "mu": 3, "sigma": 0}]}, "sigma"),
        ({"pareto": PARETO | {"tail_index": 0}}, "tail_index"),
        ({"pareto": PARETO | {"tail_index": -1}}, "tail_index"),
        ({"pareto": {"median": 5, "p95": 9, "tail_index": 1}}, "tail_from"),
        ({"given_input": [TABLE, {"0": 0, "1": 9}]}, "0"),
        ({"given_input": TABLE}, "given_input"),
        ({"empirical": "a.csv"}, "column"),
        ({"empirical": "a.csv", "column": "n", "weigth": "w"}, "weigth"),
    ],
    ids=str,
)
def test_numbers_that_make_no_law_are_refused_where_they_stand(law: object, field: str) -> None:
    with pytest.raises(ValidationError) as caught:
        read(law)
    (error,) = caught.value.errors()
    assert error["loc"][-1] == field


def test_prompts_cannot_depend_on_prompts() -> None:
    with pytest.raises(Fault, match="is for output_tokens alone") as caught:
        check_input_side(read({"given_input": [TABLE, TABLE]}))
    assert (caught.value.steps, caught.value.on_key) == (("given_input",), True)
    fixed = read({"fixed": 5})
    assert check_input_side(fixed) is fixed


@pytest.mark.parametrize(
    "law",
    [
        {"gamma": {"mean": 300, "cv": 1.5}, "min": 3},
        {"weibull": {"mean": 300, "shape": 0.8}},
        {"mixture": [{"weight": 3, "median": 40, "p95": 90}, {"weight": 1, **BELL}]},
        {"pareto": PARETO},
        {"given_input": [TABLE, {0: 1, 0.5: 2, 1: 3}]},
        {"empirical": "a.csv", "column": "n", "weight": "w"},
    ],
    ids=str,
)
def test_laws_survive_being_written_and_read_again(law: object) -> None:
    first = read(law)
    assert read(first.model_dump(mode="json", exclude_none=True)) == first
    assert hash(first) == hash(read(law))


def test_as_many_bins_as_the_limit_are_taken() -> None:
    law = read({"given_input": [TABLE] * MOST_BINS})
    assert isinstance(law, GivenInputLengths)
    assert len(law.tables) == MOST_BINS
    assert isinstance(read({"empirical": "a.csv", "column": "n"}), EmpiricalLengths)


def test_copies_keep_their_law() -> None:
    law = GeometricLengths(geometric=9.0, max=32)
    assert read(law) is law
    assert LognormalLengths.model_validate(
        read({"lognormal": {"median": 2, "p95": 3}}).model_dump()
    ) == read({"lognormal": {"median": 2, "p95": 3}})
