"""Where a route may go, as a file says it."""

from __future__ import annotations

from typing import Any

import pytest
from usages import API, pool, route, scenario

from sim.scenario.destination import Cascade, Split, pools_of
from sim.scenario.document import Scenario
from sim.scenario.load import loads
from sim.scenario.problem import ScenarioError

TEXT = """
routes:
  chat:
    pool: {to}
    arrivals: {{rps: 2}}
    input_tokens: {{fixed: 500}}
    output_tokens: {{fixed: 50}}
pools:
  small: {{timing: {{knots_tokens: [1], knots_s: [0.01]}}, kv_tokens: 99999, node: {node}}}
  large: {{timing: {{knots_tokens: [1], knots_s: [0.02]}}, kv_tokens: 99999, node: {node}}}
"""


def loaded(to: str) -> Scenario:
    return loads(TEXT.format(to=to, node="{usd_per_hour: 2}"), "x.yaml")


@pytest.mark.parametrize(
    ("to", "pools"),
    [
        ("small", ("small",)),
        ("{split: {large: 0.7, small: 30%}}", ("large", "small")),
        ("{cascade: [small, large], escalates: 0.25}", ("small", "large")),
        ("{cascade: [small, large], escalates: [25%]}", ("small", "large")),
    ],
)
def test_pools_in_visiting_order(to: str, pools: tuple[str, ...]) -> None:
    assert loaded(to).routes["chat"].pools == pools


def test_one_share_is_for_every_step() -> None:
    cascade = Cascade(cascade=["a", "b", "c"], escalates=0.2)
    assert cascade.escalates == (0.2, 0.2)
    assert cascade == Cascade(cascade=("a", "b", "c"), escalates=["20%", 0.2])
    assert pools_of(cascade) == ("a", "b", "c")
    assert pools_of(Split(split={"b": 1, "a": 0})) == ("b", "a")


def test_a_resolved_document_says_the_same() -> None:
    for to in ("{split: {large: 0.7, small: 30%}}", "{cascade: [small, large], escalates: 0.25}"):
        made = loaded(to)
        assert Scenario.model_validate(made.resolved()) == made


@pytest.mark.parametrize(
    ("to", "where", "says"),
    [
        ("{split: {small: 70%, large: 0.2}}", "split", "shares must sum to 1 (they sum to 0.9)"),
        ("{split: {small: 1}}", "split", "at least two pools"),
        ("{split: {smal: 0.7, large: 0.3}}", "split.smal", "did you mean 'small'?"),
        ("{split: {small: 0.7, hosted: 0.3}}", "split.hosted", "an API answers a whole route"),
        ("{split: {small: 0.5, large: 0.5}, escalates: 1}", "escalates", "unknown key"),
        ("{cascade: [small, lrge], escalates: 1}", "cascade[1]", "did you mean 'large'?"),
        ("{cascade: [small, small], escalates: 1}", "cascade[1]", "there twice"),
        ("{cascade: [small], escalates: 1}", "cascade", "at least two pools"),
        ("{cascade: [small, large]}", "escalates", "is missing: share of the answers"),
        ("{cascade: [small, large], escalates: [0.1, 0.2]}", "escalates", "one for each pool"),
        ("{cascade: [small, large], escalates: 25}", "escalates[0]", "did you mean 25%?"),
        ("{splt: {small: 1}}", "pool", "did you mean 'split'?"),
        ("[small, large]", "pool", "must be text"),
    ],
)
def test_what_is_refused_and_where(to: str, where: str, says: str) -> None:
    with pytest.raises(ScenarioError) as caught:
        loaded(to)
    text = str(caught.value)
    assert text.startswith("x.yaml:4:"), text
    assert f"routes.chat.pool{'' if where == 'pool' else '.' + where}: " in text
    assert says in text


def hosted(**changes: Any) -> Scenario:
    return scenario({"chat": route("hosted", hosted=API, **changes)})


def test_a_hosted_route_has_no_pool() -> None:
    assert hosted().routes["chat"].pools == ()


@pytest.mark.parametrize("more", [{"overflow": API}, {"deferrable": {}}])
def test_an_api_has_always_room(more: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="an API always has room"):
        hosted(**more)


def test_no_pool_is_called_hosted() -> None:
    with pytest.raises(ValueError, match="no pool may be called hosted"):
        scenario({"chat": route()}, {"main": pool(), "hosted": pool()})
