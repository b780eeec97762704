from typing import Any

import pytest
from usages import API, pool, route, scenario

from sim.report.levers_tables import question, ranking, slo_table
from sim.scenario.document import Scenario
from sim.studies.lever import Lever, setting
from sim.studies.lever_fleet import merge_levers, pool_levers
from sim.studies.lever_routes import RouteAmounts, route_levers, template_lever
from sim.studies.levers import all_levers, document, pull, rows
from sim.studies.paired_runs import PairedRuns
from sim.studies.slo_price import document as slo_document
from sim.studies.slo_price import scaled_slos, slo_prices

PER_TOKEN_S = 0.001
ENGINE = {
    "timing": {"knots_tokens": [1, 1024], "knots_s": [0.010, 0.010 + 1023 * PER_TOKEN_S]},
    "engine": {"max_num_seqs": 4, "max_num_batched_tokens": 1024, "prefix_caching": False},
    "kv_tokens": 20_000,
    "naive": {"input_tokens": 200, "output_tokens": 5},
}
"""A step of T tokens lasts 9 ms and 1 ms for each of them."""


def example(template: int = 200, replicas: int = 1, **changes: Any) -> Scenario:
    """One user who asks, waits, and asks again: 100 tokens of his own, 5 of answer."""
    fixed = {"input_tokens": {"fixed": 100}, "output_tokens": {"fixed": 5}}
    alone = {"concurrency": 1, "think_time": "1s"}
    of = route(arrivals=alone, template_tokens=template, slo={"ttft_p95": "2s"})
    return scenario(
        routes={"chat": {**of, **fixed, **changes}},
        pools={"main": {**pool(3.6), **ENGINE, "replicas": replicas}},
        horizon=300,
        warmup=0,
    )


def named(levers: list[Lever], name: str, where: str = "chat") -> Lever:
    return next(lever for lever in levers if (lever.name, lever.where) == (name, where))


def test_trimming_a_template_shortens_prefill_by_what_it_takes() -> None:
    """200 tokens fewer at 1 ms each are 200 ms; the bill of a fixed fleet stays what it was."""
    of = example()
    found = pull(of, [template_lever(of, "chat", -200)], replications=2)
    (effect,) = found.effects
    ttft = effect.same_fleet.of("routes.chat.ttft_s.p95")
    assert ttft is not None
    assert ttft.before == pytest.approx(0.309, abs=1e-6)
    assert ttft.difference == pytest.approx(-200 * PER_TOKEN_S, abs=1e-6)
    assert effect.saved == 0.0
    month = effect.same_fleet.of("usd_per_month")
    assert month is not None
    assert (month.difference, month.shown) == (0.0, False)
    slowest = effect.slowest()
    assert slowest is not None
    assert slowest[0].path == "routes.chat.ttft_s.p95"


def test_fewer_useful_tokens_are_dearer_each_while_requests_are_not() -> None:
    """At equal demand: of an open route of 305 tokens each, 105 are left; $ per 1M x 305/105."""
    of = example(arrivals={"rps": 0.5})
    (effect,) = pull(of, [template_lever(of, "chat", -200)], replications=2).effects
    million = effect.same_fleet.of("usd_per_million_useful_tokens")
    thousand = effect.same_fleet.of("usd_per_thousand_requests")
    assert million is not None
    assert thousand is not None
    assert million.after == pytest.approx(million.before * 305 / 105, rel=1e-9)
    assert thousand.difference == 0.0


def test_on_a_resized_fleet_the_saving_shows() -> None:
    """5 requests a second of 315 ms each need more replicas than of 115 ms."""
    of = example(replicas=3, arrivals={"rps": 5})
    found = pull(of, [template_lever(of, "chat", -200)], replications=1)
    (effect,) = found.effects
    before, after = (side["main"] for side in effect.fleets)
    assert before > after
    assert effect.saved == pytest.approx((before - after) * 3.6 * 730)
    tables = question(effect)
    assert f"main {before:g} to {after:g}" in tables[1].note
    assert next(iter(rows(found)))["same_fleet.usd_per_month.difference"] == 0.0
    tree = document(found)
    assert tree["levers"][0]["replicas"]["after"] == {"main": after}
    assert tree["usd_per_month"]["resized"] == pytest.approx(before * 3.6 * 730)


def test_a_lever_that_does_not_apply_says_why() -> None:
    of = example(template=0)
    found = pull(of, all_levers(of, RouteAmounts(cap=5)), replications=1)
    why = {(lever.where, lever.name): lever.obstacle for lever in found.left_out}
    assert why["chat", "template"] == "it has none"
    assert why["chat", "cap-output"] == "they end at 5 tokens already"
    assert why["chat", "smaller-model"] == "no other pool serves a smaller model"
    assert why["chat", "hosted"].startswith("the scenario names no API")
    assert why["main", "quantise"].startswith("with explicit timing")
    assert why["main", "autoscale"].startswith("no route of it has a tpot_p95")
    assert why["fleet", "merge-pools"] == "no two pools serve the same model"
    assert {effect.name for effect in found.effects} == {
        "prefix-cache", "halve-batch", "double-batch"
    }  # fmt: skip
    assert found.effects == tuple(sorted(found.effects, key=lambda e: -e.saved))
    texts = [" ".join(row) for table in ranking(found) for row in table.rows]
    assert any("prefix caching" in text for text in texts)


CATALOG = scenario(
    routes={
        "chat": route(
            template_tokens=100, slo={"tpot_p95": "50ms"}, hosted={**API}
        ),
        "batch": route("other", slo={"e2e_p95": "30s"}),
    },
    pools={
        "main": {"model": "llama-3.1-70b", "gpu": "h100-sxm", "tensor_parallel": 4,
                 "node": {"gpus": 4, "usd_per_hour": 12.0}, "replicas": 2},
        "other": {"model": "llama-3.1-8b", "gpu": "h100-sxm",
                  "node": {"usd_per_hour": 3.0, "spot": {"usd_per_hour": 1.0, "share": 0.5,
                                                         "mean_life": "12h"}}},
        "twin": {"model": "llama-3.1-8b", "gpu": "l40s", "node": {"usd_per_hour": 1.0}},
    },
)  # fmt: skip


def test_levers_of_the_catalog_change_what_they_say() -> None:
    def after(name: str, where: str) -> Scenario:
        levers = all_levers(CATALOG, RouteAmounts())
        found = named(levers, name, where).applied(CATALOG)
        assert isinstance(found, Scenario), found
        return found

    assert after("template", "chat").routes["chat"].head_tokens == 50
    assert after("smaller-model", "chat").routes["chat"].pools == ("other",)
    assert after("split", "chat").routes["chat"].pools == ("other", "main")
    assert after("hosted", "chat").routes["chat"].pools == ()
    assert after("quantise", "main").pools["main"].precision == "fp8"
    assert after("affinity", "main").pools["main"].router == "prefix-affinity"
    assert after("autoscale", "main").pools["main"].scales
    assert after("prepull", "other").pools["other"].prepulled_image
    assert after("warm", "other").pools["other"].warm_nodes == 1
    spot = after("spot", "other").pools["other"].node.spot
    assert spot is not None
    assert spot.share == 0.75
    assert after("halve-batch", "main").pools["main"].resolved_engine().max_num_seqs == 512
    deferred = after("defer", "batch").routes["batch"]
    assert deferred.deferrable is not None
    assert deferred.slo is None
    merged = [lever.applied(CATALOG) for lever in merge_levers(CATALOG)]
    (only,) = merged
    assert isinstance(only, Scenario)
    assert only.routes["batch"].pools == ("twin",)
    assert "other" not in only.pools


def test_every_lever_names_its_route_or_pool() -> None:
    found = [*route_levers(CATALOG, "chat", RouteAmounts()), *pool_levers(CATALOG, "main")]
    assert {lever.where for lever in found} == {"chat", "main"}
    assert len({(lever.where, lever.name) for lever in found}) == len(found)


def test_what_a_setting_breaks_is_its_obstacle() -> None:
    broken = Lever("x", "main", "x", setting((("pools", "main", "replicas"), 0)))
    assert "must be at least 1" in str(broken.applied(CATALOG))
    nothing = Lever("x", "main", "x", setting((("pools", "main", "replicas"), 2)))
    assert nothing.applied(CATALOG) == "it is so already"


def test_stricter_slos_cost_more_replicas() -> None:
    of = example(replicas=2, arrivals={"rps": 5})
    found = slo_prices(of, [0.25, 4.0], replications=1)
    assert [price.times for price in found] == [0.25, 1.0, 4.0]
    assert scaled_slos(of, 0.25).routes["chat"].slo.ttft_p95 == 0.5  # type: ignore[union-attr]
    months = [p.resized.result.statement.bill.usd_per_month for p in found]
    assert months == sorted(months, reverse=True)
    assert months[0] > months[-1]
    again = PairedRuns(1).result(found[0].resized.scenario).usage.routes["chat"]
    assert again.slo[0].target_s == 0.5
    table = slo_table(found)
    assert [row[0] for row in table.rows] == ["0.25x", "1x", "4x"]
    assert slo_document(found)["targets"][0]["targets"] == {"chat.ttft_p95": 0.5}
