"""Bursts: terms by name or by number, batches and clients, and what is refused."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from sim.catalog.workloads import workload, workloads
from sim.scenario.bursts import Batches, Bursts, BurstTerm, OnOffClients, preset

BURSTS: TypeAdapter[Any] = TypeAdapter(Bursts)
SILENT = next(w.name for w in workloads() if w.arrivals is None)


def messages(adapter: TypeAdapter[Any], value: object) -> list[str]:
    with pytest.raises(ValidationError) as caught:
        adapter.validate_python(value)
    return [str(e.get("ctx", {}).get("error", e["msg"])) for e in caught.value.errors()]


def test_terms_are_named_or_numbers() -> None:
    assert BURSTS.validate_python("azure-conv-2023") == "azure-conv-2023"
    assert BURSTS.validate_python([]) == ()
    own = [{"variance": 0.031, "time": "700ms"}, {"variance": 0, "time": "1h"}]
    terms = BURSTS.validate_python(own)
    assert terms == (BurstTerm(variance=0.031, time=0.7), BurstTerm(variance=0.0, time=3600.0))
    assert BURSTS.validate_python(terms) == terms


def test_a_preset_is_that_of_the_workload() -> None:
    assert preset("azure-conv-2023") is workload("azure-conv-2023").arrivals
    with pytest.raises(ValueError, match=f"{SILENT} says nothing about arrivals; workloads that"):
        preset(SILENT)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.05, "must be the name of a workload or a list such as [{variance: 0.05, time: 5m}]"),
        ("azure-conv", "unknown workload 'azure-conv'; did you mean 'azure-conv-202"),
        (SILENT, f"{SILENT} says nothing about arrivals; workloads that do: azure-conv-2023, "),
        ([{"variance": -0.1, "time": 1}], "greater than or equal to 0"),
        ([{"variance": 0.1, "time": 0}], "greater than or equal to 0.01"),
        ([{"variance": 5, "time": 1}], "less than or equal to 4"),
        ([{"variance": 0.1}], "Field required"),
        ([{"variance": 0.1, "time": 1}] * 17, "at most 16"),
    ],
)
def test_bursts_that_are_none(value: object, message: str) -> None:
    (found,) = messages(BURSTS, value)
    assert message in found


def test_a_workload_without_terms_has_no_bursts(monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    import sim.scenario.bursts as module

    calm = replace(preset("azure-conv-2023"), bursts=())
    fake = replace(workload("azure-conv-2023"), arrivals=calm)
    monkeypatch.setattr(module, "workload", lambda name: fake)
    (found,) = messages(BURSTS, "azure-conv-2023")
    assert found.startswith("azure-conv-2023 has no bursts; workloads that do: ")


@pytest.mark.parametrize(
    ("spec", "given", "refused"),
    [
        (Batches, {"mean_size": 4}, {"mean_size": 0.9}),
        (Batches, {"mean_size": 1, "gap": "50ms"}, {"mean_size": 100, "gap": "37s"}),
        (OnOffClients, {"clients": 12, "on": "10m", "off": "30m"}, {"clients": 0}),
        (OnOffClients, {"clients": 1, "on": 1, "off": 1}, {"on": "0s"}),
        (OnOffClients, {"clients": 1, "on": 1, "off": 1}, {"off": 0.5}),
        (OnOffClients, {"clients": 1, "on": 1, "off": 1}, {"clients": 1.5}),
    ],
)
def test_batches_and_clients(spec: Any, given: dict[str, Any], refused: dict[str, Any]) -> None:
    assert spec.model_validate(given)
    assert len(messages(TypeAdapter(spec), given | refused)) == 1


def test_members_of_a_batch_come_at_once_by_default() -> None:
    assert Batches(mean_size=2).gap == 0.0
