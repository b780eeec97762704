from datetime import date
from typing import Any

import pytest
from pydantic import ValidationError

from sim.catalog import genai
from sim.catalog.api_prices import api_price
from sim.scenario import notices
from sim.scenario.api_price import CONTRACT, ApiPriced
from sim.scenario.hosted import Hosted
from sim.scenario.overflow import Overflow
from tests.unit.usages import route, scenario

OWN = {"usd_per_million_input": 2.0, "usd_per_million_output": 8.0}
TIER = {"above_tokens": "200k", "usd_per_million_input": 4, "usd_per_million_output": 12}
TIMES = {"ttft": "600ms", "tpot": "15ms"}


def test_a_contract_has_its_own_prices_tiers_and_discount() -> None:
    price = Hosted(**OWN, tiers=[TIER], batch_discount=0.5).price
    assert (price.provider, price.source) == (CONTRACT, CONTRACT)
    assert [(t.above_tokens, t.input, t.output) for t in price.tiers] == [
        (0, 1.0, 4.0),
        (200_000, 2.0, 6.0),
    ]
    assert price.tiers[0].cached_input == 1.0  # as any input


def test_a_model_has_its_list_price() -> None:
    price = Hosted(provider="openai", model="gpt-4o-mini").price
    assert (price.tiers[0].input, price.tiers[0].output) == (0.15, 0.6)


@pytest.mark.parametrize(
    ("said", "rule"),
    [
        ({}, "has no price: give provider and model, or"),
        ({"usd_per_million_input": 2}, "or usd_per_million_output"),
        ({"provider": "openai"}, "needs a model too"),
        ({"model": "gpt-5"}, "needs a provider too"),
        ({"provider": "openai", "model": "gpt-5-mnii"}, "did you mean 'gpt-5-mini'"),
        ({"provider": "openal", "model": "gpt-5"}, "did you mean 'openai'"),
        ({"provider": "openai", "model": "gpt-5", "usd_per_million_input": 2}, "must not be given"),
        ({**OWN, "tiers": [TIER, TIER]}, "must be above that of the tier before it"),
        ({**OWN, "usd_per_million_cached_input": 1, "tiers": [TIER]}, "in every tier"),
        ({**OWN, "cache_hit": "all"}, "must be same, none or a number"),
        ({**OWN, "cache_hit": 1.5}, "less than or equal to 1"),
        ({**OWN, "batch_discount": 1}, "less than 1"),
    ],
)
def test_what_is_wrong_with_a_price_is_said(said: dict[str, Any], rule: str) -> None:
    with pytest.raises(ValidationError, match=rule):
        Hosted(**said)


def test_overflow_takes_the_same_prices() -> None:
    assert isinstance(Overflow(**TIMES, provider="openai", model="gpt-5"), ApiPriced)
    assert Overflow(**TIMES, **OWN).price == Hosted(**OWN).price


def test_a_route_has_its_own_api_or_that_of_all() -> None:
    own = {"provider": "openai", "model": "gpt-5-nano"}
    both = scenario({"chat": route(), "titles": route(hosted=own)}, hosted=OWN)
    assert both.hosted_of("chat") == Hosted(**OWN)
    assert both.hosted_of("titles") == Hosted(**own)
    assert scenario().hosted_of("chat") is None


def test_edges_are_those_of_all_prices_that_a_route_has_to_do_with() -> None:
    far = {**TIER, "above_tokens": 300_000}
    chat = route(overflow={**TIMES, **OWN, "tiers": [far]})
    both = scenario({"chat": chat, "code": route()}, hosted={**OWN, "tiers": [TIER]})
    assert both.api_edges_tokens("chat") == (200_000, 300_000)
    assert both.api_edges_tokens("code") == (200_000,)
    assert scenario().api_edges_tokens("chat") == ()


@pytest.mark.parametrize(
    ("hosted", "rule"),
    [
        (None, "routes.titles.pool.*needs the API|needs the API that answers it"),
        ({**OWN, "tpot": "15ms"}, "needs ttft too, since the API answers titles"),
        ({**OWN, "ttft": "1s"}, "needs tpot too, since the API answers titles"),
    ],
)
def test_an_api_that_answers_a_route_needs_times(hosted: Any, rule: str) -> None:
    routes = {"chat": route(), "titles": route("hosted", hosted=hosted)}
    with pytest.raises(ValidationError, match=rule):
        scenario(routes)
    assert scenario({"chat": route(), "titles": route("hosted", hosted={**OWN, **TIMES})})


def test_a_line_may_remain_in_part() -> None:
    line = {"line": "people", "driver": "months", "usd": 100}
    shares = [0.0, 1.0, 0.3]
    for said, share in zip((False, True, "30%"), shares, strict=True):
        assert scenario(bill=[{**line, "remains": said}]).bill[0].remains == share
    with pytest.raises(ValidationError, match="share from 0 to 1"):
        scenario(bill=[{**line, "remains": 2}])


def test_an_old_price_of_the_catalog_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genai, "package_version", lambda: None)
    monkeypatch.setattr(notices, "package_version", lambda: None)
    api_price.cache_clear()
    list_price = {"provider": "openai", "model": "gpt-5"}
    said = scenario({"chat": route(hosted=OWN), "code": route()}, hosted=list_price)
    stale = [n for n in notices.warnings_of(said, date(2027, 6, 1)) if n.code == "stale-price"]
    api_price.cache_clear()
    assert [n.path for n in stale] == ["hosted"]
    assert "openai gpt-5 was read" in stale[0].text
    assert not [n for n in notices.warnings_of(said, date(2026, 12, 1)) if n.path == "hosted"]
