"""Arrivals: the four kinds, day curves whose week averages one, and what is refused."""

import math
from dataclasses import replace
from pathlib import Path
from typing import Any

import jsonschema
import pytest
from pydantic import TypeAdapter, ValidationError

import sim.scenario.arrivals as module
from sim.catalog.workloads import Burst, day_curve, day_curves, workload
from sim.scenario.arrivals import (
    Arrivals,
    ClosedArrivals,
    PoissonArrivals,
    TraceArrivals,
    VaryingArrivals,
)
from sim.scenario.bursts import Batches, OnOffClients
from sim.scenario.curve import WeekCurve
from sim.scenario.load import loads
from sim.scenario.schema import json_schema

ARRIVALS: TypeAdapter[Any] = TypeAdapter(Arrivals)


def read(value: object) -> Any:
    return ARRIVALS.validate_python(value)


def messages(value: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        read(value)
    return [str(e.get("ctx", {}).get("error", e["msg"])) for e in caught.value.errors()]


def test_each_key_chooses_its_kind() -> None:
    assert read({"rps": 4}) == PoissonArrivals(rps=4.0)
    assert read({"rps": 4, "count": 5e2}).count == 500
    assert read({"mean_rps": 4}) == VaryingArrivals(mean_rps=4.0)
    assert read({"concurrency": 64, "think_time": "10s"}) == ClosedArrivals(
        concurrency=64, think_time=10.0
    )
    assert read({"trace": "a.csv", "speedup": 2}) == TraceArrivals(trace="a.csv", speedup=2.0)


def week_mean(arrivals: VaryingArrivals) -> float:
    weekday, weekend = arrivals.weights()
    assert len(weekday) == len(weekend) == 24
    return (5 * math.fsum(weekday) + 2 * math.fsum(weekend)) / 168


@pytest.mark.parametrize("name", [curve.name for curve in day_curves()])
def test_named_curves_average_one_over_a_week(name: str) -> None:
    arrivals = read({"mean_rps": 1, "day_curve": name})
    assert week_mean(arrivals) == pytest.approx(1.0, abs=1e-12)
    assert arrivals.has_weekends == day_curve(name).has_weekend


def test_own_curves_average_one_over_a_week() -> None:
    one_day = read({"mean_rps": 1, "day_curve": [0] * 12 + [3] * 12})
    assert one_day.weights() == ((0.0,) * 12 + (2.0,) * 12,) * 2
    assert not one_day.has_weekends
    days = {"weekday": [2] * 24, "weekend": [1] * 24}
    week = read({"mean_rps": 1, "day_curve": days})
    assert week.day_curve == WeekCurve(**days)
    assert week_mean(week) == pytest.approx(1.0, abs=1e-12)
    assert week.weights()[0][0] == pytest.approx(2 * week.weights()[1][0])
    assert week.has_weekends


def test_without_a_curve_the_rate_is_constant() -> None:
    assert read({"mean_rps": 1}).weights() == ((1.0,) * 24,) * 2


EVERYTHING: dict[str, Any] = {
    "mean_rps": 3,
    "day_curve": "azure-code-2024",
    "utc_offset_hours": -5.5,
    "gap_shape": 0.5,
    "bursts": [{"variance": 0.031, "time": "700ms"}, {"variance": 0, "time": "1s"}],
    "load_grows_by": "clients",
    "bursts_at_rps": 6,
    "batches": {"mean_size": 4, "gap": "50ms"},
    "on_off": {"clients": 12, "on": "10m", "off": "30m"},
    "growth_percent_per_week": 3,
    "events": [{"at": "2d10h", "for": "3h", "times": 4, "name": "launch"}],
}


def test_settings_have_nothing_left_to_look_up() -> None:
    settings = read(EVERYTHING).settings()
    curve = day_curve("azure-code-2024")
    assert settings.mean_rps == 3.0
    assert settings.weekend == pytest.approx(curve.weekend)
    assert settings.ahead_s == -19_800.0
    assert settings.gap_shape == 0.5
    assert settings.terms == (Burst(variance=0.031, time_s=0.7),)
    assert settings.bursts_at_rps == 6.0
    assert (settings.batch_mean_size, settings.batch_gap_s) == (4.0, 0.05)
    assert settings.on_off.clients == 12
    assert settings.growth == pytest.approx(1.03)
    assert [event.ends_at_s for event in settings.events] == [61 * 3600.0]


def test_the_example_of_the_documentation_is_one() -> None:
    page = (Path(__file__).parents[2] / "docs" / "scenario-file.md").read_text(encoding="utf-8")
    _, _, rest = page.partition("#### What makes a rate vary\n")
    example = rest.partition("\nThe rate")[0]
    chat = f"""
routes:
  chat:
    pool: main
    input_tokens: {{fixed: 500}}
    output_tokens: {{fixed: 100}}
{example}
pools:
  main: {{model: llama-3.1-8b, gpu: h100-sxm, node: {{usd_per_hour: 3}}}}
"""
    arrivals = loads(chat).routes["chat"].arrivals
    assert isinstance(arrivals, VaryingArrivals)
    assert arrivals.settings().on_off == OnOffClients(clients=12, on=600.0, off=1800.0)


def test_by_default_nothing_varies() -> None:
    settings = read({"mean_rps": 3}).settings()
    assert settings.is_weekly
    assert (settings.terms, settings.bursts_at_rps, settings.ahead_s) == ((), None, 0.0)
    assert (settings.batch_mean_size, settings.batch_gap_s, settings.growth) == (1.0, 0.0, 1.0)


@pytest.mark.parametrize("value", [EVERYTHING, {"workload": "azure-conv-2023"}])
def test_the_way_out_leads_back_in(value: dict[str, Any]) -> None:
    spec = read(value)
    written = spec.model_dump(mode="json", exclude_none=True)
    assert read(written) == spec
    assert read(written).settings() == spec.settings()


def test_a_workload_brings_what_is_not_given() -> None:
    spec = read({"workload": "azure-conv-2023"})
    assert (spec.mean_rps, spec.gap_shape, spec.bursts) == (5.53, 0.95, "azure-conv-2023")
    assert spec.settings().terms == workload("azure-conv-2023").arrivals.bursts
    assert spec.settings().bursts_at_rps is None
    assert VaryingArrivals.model_validate({"workload": "azure-conv-2023"}) == spec
    own = read({"workload": "azure-conv-2024", "mean_rps": 2, "bursts": [], "gap_shape": None})
    assert (own.mean_rps, own.gap_shape, own.settings().terms) == (2.0, 1.0, ())
    assert own.day_curve == "azure-conv-2024"
    flat = read({"workload": "azure-conv-2024", "day_curve": [1] * 24})
    assert not flat.has_weekends


def test_a_workload_may_bring_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    preset = replace(
        workload("azure-conv-2023").arrivals, batch_mean_size=2.5, batch_gap_s=0.1, bursts=()
    )
    monkeypatch.setattr(module, "preset", lambda name: preset)
    spec = read({"workload": "anything", "mean_rps": 1})
    assert spec.batches == Batches(mean_size=2.5, gap=0.1)
    assert spec.bursts is None


def test_bursts_by_clients_hold_at_their_own_rate() -> None:
    named = {"mean_rps": 50, "bursts": "azure-conv-2023", "load_grows_by": "clients"}
    assert read(named).settings().bursts_at_rps == 5.53
    assert read(named | {"bursts_at_rps": 7}).settings().bursts_at_rps == 7.0
    assert read(named | {"load_grows_by": "use"}).settings().bursts_at_rps is None
    whole = read({"workload": "azure-conv-2024", "mean_rps": 5, "load_grows_by": "clients"})
    assert whole.settings().bursts_at_rps == 45.1
    assert read({"mean_rps": 1, "load_grows_by": "clients"}).settings().terms == ()


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (
            {"workload": "azure-conv-203"},
            "unknown workload 'azure-conv-203'; did you mean 'azure-conv-2023'?",
        ),
        ({"workload": "arxiv-summaries", "mean_rps": 1}, "says nothing about arrivals"),
        ({"mean_rps": 1, "bursts": "azure-con-2023"}, "did you mean 'azure-conv-2023'?"),
        (
            {"mean_rps": 1, "bursts": [{"variance": 1, "time": 1}], "load_grows_by": "clients"},
            "is missing: with load_grows_by: clients, own burst terms need the rate",
        ),
        ({"workload": "azure-conv-2023", "rps": 1}, "'workload' and 'rps' are different kinds"),
        (
            {"workload": "azure-conv-2023", "mean_rps": 1, "trace": "a"},
            "'workload' and 'trace' are different kinds of arrivals; keep one (the kinds are rps, "
            "mean_rps, workload, concurrency, trace)",
        ),
    ],
)
def test_names_and_kinds_that_do_not_fit(value: dict[str, Any], message: str) -> None:
    (found,) = messages(value)
    assert message in found


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ({"mean_rps": 1, "day_curve": [1, 2]}, "needs 24 numbers, one for each hour (got 2)"),
        ({"mean_rps": 1, "day_curve": [0] * 24}, "needs an hour above 0"),
        (
            {"mean_rps": 1, "day_curve": 3},
            "must be the name of a day curve, 24 numbers or "
            "{weekday: [...], weekend: [...]} (got 3)",
        ),
        ({"trace": ""}, "must be the path of a file (got '')"),
        ({"trace": "a\0b"}, "must be the path of a file (got 'a\\x00b')"),
        (
            {"trace": "a", "format": "azure", "columns": {"time": "t"}},
            "is for format csv or jsonl; the columns of azure are known",
        ),
    ],
)
def test_arrivals_that_are_none(value: object, message: str) -> None:
    assert messages(value) == [message]


@pytest.mark.parametrize(
    "value",
    [
        {"rps": 0},
        {"rps": -1},
        {"rps": 1e7},
        {"rps": True},
        {"rps": 1, "count": 0},
        {"mean_rps": 1, "gap_shape": 0},
        {"mean_rps": 1, "day_curve": [-1] * 24},
        {"mean_rps": 0},
        {"mean_rps": -1},
        {"mean_rps": 1, "utc_offset_hours": 15},
        {"mean_rps": 1, "bursts": [{"variance": -1, "time": 1}]},
        {"mean_rps": 1, "bursts": [{"variance": 1, "time": 0}]},
        {"mean_rps": 1, "bursts_at_rps": 0},
        {"mean_rps": 1, "load_grows_by": "users"},
        {"mean_rps": 1, "batches": {"mean_size": 0.5}},
        {"mean_rps": 1, "on_off": {"clients": 0, "on": 1, "off": 1}},
        {"mean_rps": 1, "growth_percent_per_week": -100},
        {"mean_rps": 1, "growth_percent_per_week": 1001},
        {"mean_rps": 1, "events": [{"at": 0, "for": 0, "times": 2}]},
        {"concurrency": 0},
        {"concurrency": 1.5},
        {"trace": "a", "speedup": 0},
        {"trace": "a", "repeat": 1},
        {"trace": "a", "format": "xml"},
    ],
)
def test_numbers_out_of_range_are_refused_once(value: object) -> None:
    assert len(messages(value)) == 1 or value == {"mean_rps": 1, "day_curve": [-1] * 24}


@pytest.mark.parametrize(
    "value",
    [
        EVERYTHING,
        {"workload": "azure-conv-2023"},
        {"workload": "azure-conv-2023", "mean_rps": 5},
        {"workload": "azure-conv-2023", "mean_rps": 5, "rps": 3},
        {"day_curve": "burstgpt-1"},
        {"mean_rps": 1, "bursts": "azure-conv-2023"},
        {"mean_rps": 1, "bursts": []},
        {"mean_rps": 1, "bursts": [{"variance": 0.1}]},
        {"mean_rps": 1, "bursts": {"variance": 0.1, "time": 1}},
        {"mean_rps": 1, "events": [{"at": "1h", "for": "1h", "times": 0}]},
        {"mean_rps": 1, "events": [{"at": "1h", "for": "1h"}]},
        {"mean_rps": 1, "batches": {"gap": "1s"}},
        {"mean_rps": 1, "utc_offset_hours": 14.5},
    ],
)
def test_editors_and_loading_agree(value: dict[str, Any]) -> None:
    specs = json_schema()["$defs"]
    schema = specs["Route"]["properties"]["arrivals"] | {"$defs": specs}
    try:
        read(value)
        loaded = True
    except ValidationError:
        loaded = False
    assert jsonschema.Draft202012Validator(schema).is_valid(value) == loaded
