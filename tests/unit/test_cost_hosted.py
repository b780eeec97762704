from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.catalog.api_rates import ApiPrice, TokenRates
from sim.cost.bill import bill
from sim.cost.hosted import AS_COUNTED, KINDS, CacheUse, answered_by_api, at_api, cache_use, charges
from sim.ledger.usage import (
    HostedCounts,
    PoolUsage,
    RequestCounts,
    RouteUsage,
    TierCounts,
    TokenCounts,
    Usage,
)
from tests.unit.usages import route, scenario

PRICE = ApiPrice(
    provider="p",
    model="m",
    source="by hand",
    tiers=(
        TokenRates(input=2.0, cached_input=0.5, cache_write=3.0, output=10.0),
        TokenRates(above_tokens=200, input=4.0, cached_input=1.0, cache_write=6.0, output=15.0),
    ),
)
OWN = {
    "usd_per_million_input": 2.0,
    "usd_per_million_cached_input": 0.5,
    "usd_per_million_cache_write": 3.0,
    "usd_per_million_output": 10.0,
}
TIMES = {"ttft": "600ms", "tpot": "15ms"}
M = 1e6


def total(counts: list[HostedCounts], edges: tuple[int, ...], use: CacheUse = AS_COUNTED) -> float:
    return sum(charge.usd for charge in charges(counts, edges, PRICE, use))


def test_a_request_costs_what_its_own_tier_asks() -> None:
    """One of 100 in (40 cached) and 10 out: (60x2 + 40x.5 + 10x10) / 1M = $0.00024; one of 300 in
    and 10 out, all at the second tier: (300x4 + 10x15) / 1M = $0.00135."""
    short, long = HostedCounts(1, 100, 40, 10), HostedCounts(1, 300, 0, 10)
    assert total([short, long], (200,)) == pytest.approx(0.00024 + 0.00135, rel=1e-12)
    # Priced in one, as if it were a single request, the same tokens would cost another sum.
    assert total([HostedCounts(2, 400, 40, 20)], ()) != pytest.approx(0.00159, rel=0.05)


def test_edges_of_other_prices_change_nothing() -> None:
    parts = [HostedCounts(1, 50, 0, 1), HostedCounts(1, 150, 0, 1), HostedCounts(1, 250, 0, 1)]
    merged = [HostedCounts(2, 200, 0, 2), HostedCounts(1, 250, 0, 1)]
    assert total(parts, (100, 200)) == pytest.approx(total(merged, (200,)), rel=1e-12)


def test_the_cache_is_as_counted_or_as_assumed_and_writes_are_billed() -> None:
    """1M in, of which 400k were cached here: kinds of token by assumption, each at its price."""
    counts = [HostedCounts(1, M, 0.4 * M, 0)]
    for use, tokens in (
        (AS_COUNTED, (0.6, 0.4, 0.0)),
        (CacheUse(hit=0.0), (1.0, 0.0, 0.0)),
        (CacheUse(hit=0.5), (0.5, 0.5, 0.0)),
        (CacheUse(hit=None, written=1.0), (0.0, 0.4, 0.6)),
        (CacheUse(hit=0.5, written=0.5), (0.25, 0.5, 0.25)),
    ):
        found = {c.kind: c.tokens / M for c in charges(counts, (), PRICE, use)}
        assert [found[kind] for kind in KINDS[:3]] == pytest.approx(tokens)
        want = tokens[0] * 2.0 + tokens[1] * 0.5 + tokens[2] * 3.0
        assert total(counts, (), use) == pytest.approx(want, rel=1e-12)


@pytest.mark.parametrize(
    ("hosted", "changes", "use"),
    [
        ({}, {}, CacheUse(None, 0.0)),
        ({"cache_hit": "none"}, {}, CacheUse(0.0, 0.0)),
        ({"cache_hit": 0.25, "cache_written": 0.5}, {}, CacheUse(0.25, 0.5)),
        ({}, {"sessions": {"turns": {"fixed": 4}, "think_time": "30s"}}, CacheUse(None, 1.0)),
        (
            {"cache_hit": "none"},
            {"sessions": {"turns": {"fixed": 4}, "think_time": "30s"}},
            CacheUse(0.0),
        ),
    ],
)
def test_what_the_cache_is_taken_to_do(hosted: dict, changes: dict, use: CacheUse) -> None:
    said = scenario({"chat": route(hosted={**OWN, **hosted}, **changes)})
    assert cache_use(said, "chat") == use


def usage(**routes: RouteUsage) -> Usage:
    return Usage(3600.0, routes, {"main": PoolUsage(paid_s=3600.0, node_s=3600.0)}, RouteUsage())


def traffic(arrived: float, completed: float) -> RouteUsage:
    """Requests of 1,000 tokens in, a quarter cached, and 100 out."""

    def tokens(n: float) -> TokenCounts:
        return TokenCounts(input=1000 * n, cached_input=250 * n, output=100 * n)

    return RouteUsage(
        requests=RequestCounts(arrived=arrived, completed=completed),
        offered=tokens(arrived),
        useful=tokens(completed),
    )


def test_the_same_traffic_at_the_api_with_what_remains() -> None:
    """80 of 100 answered, 750x2 + 250x.5 + 100x10 = $2,625 per 1M requests; $10/h of people, of
    whom 30 % stay."""
    line = {"line": "people", "driver": "hours", "usd": 10, "remains": "30%"}
    own = scenario({"chat": route(), "health": route(useful=False)}, bill=[line], hosted=OWN)
    used = usage(chat=traffic(100, 80), health=traffic(50, 50))
    billed = bill(used, own)
    assert billed.remaining_usd == pytest.approx(3.0)
    found = at_api(used, own, billed.remaining_usd)
    assert found is not None
    assert list(found.routes) == ["chat"]
    each = 0.002625
    assert found.tokens_usd == pytest.approx(80 * each, rel=1e-12)
    assert found.usd == pytest.approx(80 * each + 3.0, rel=1e-12)
    assert found.arrived_usd == pytest.approx(100 * each + 3.0, rel=1e-12)
    chat = found.routes["chat"]
    assert (chat.requests, chat.tokens, chat.cached_share) == (80, 80 * 1100, 0.25)
    kinds = (chat.input_usd, chat.cached_input_usd, chat.cache_write_usd, chat.output_usd)
    assert kinds == pytest.approx((80 * 0.0015, 80 * 0.000125, 0.0, 80 * 0.001))


def test_routes_without_an_api_are_missing_and_without_any_there_is_no_answer() -> None:
    some = scenario({"chat": route(hosted=OWN), "code": route()})
    used = usage(chat=traffic(10, 10), code=traffic(10, 10))
    found = at_api(used, some, 0.0)
    assert found is not None
    assert (list(found.routes), found.missing) == (["chat"], ("code",))
    assert at_api(used, scenario({"chat": route(), "code": route()}), 0.0) is None


@settings(max_examples=25)
@given(st.floats(0.01, 100.0), st.floats(0.0, 0.99))
def test_price_times_k_is_money_times_k(k: float, off: float) -> None:
    """Also a discount d is the money times 1 - d, whatever the traffic."""
    dearer = {key: usd * k for key, usd in OWN.items()}
    used = usage(chat=traffic(100, 80))

    def usd(hosted: dict) -> float:
        found = at_api(used, scenario({"chat": route(hosted=hosted)}), 0.0)
        assert found is not None
        return found.usd

    assert usd(dearer) == pytest.approx(k * usd(OWN), rel=1e-9)
    assert usd({**OWN, "batch_discount": off}) == pytest.approx((1 - off) * usd(OWN), rel=1e-9)


def test_what_an_api_did_answer_is_billed_by_tier() -> None:
    """Overflow, 2 short requests and a long one: a line for each kind in each tier."""
    tier = {"above_tokens": 5000, **{key: 2 * usd for key, usd in OWN.items()}}
    said = scenario({"chat": route(overflow={**OWN, **TIMES, "tiers": [tier]})})
    short, long = HostedCounts(2, 2000, 0, 200), HostedCounts(1, 9000, 0, 100)
    tiers = tuple(TierCounts(hosted=counts) for counts in (short, long))
    used = usage(chat=replace(traffic(3, 3), tiers=tiers))
    assert [c.kind for c in answered_by_api(tiers, said, "chat")] == ["input", "output"] * 2
    lines = {line.line: line.usd for line in bill(used, said).lines if line.kind == "hosted"}
    assert lines == pytest.approx({
        "hosted input (chat)": 0.004,
        "hosted output (chat)": 0.002,
        "hosted input above 5,000 tokens (chat)": 0.036,
        "hosted output above 5,000 tokens (chat)": 0.002,
    })  # fmt: skip
    by_kind = bill(used, said).hosted_usd("chat")
    assert by_kind == pytest.approx({"input": 0.04, "output": 0.004})


def test_a_route_that_the_api_serves_pays_by_hosted() -> None:
    """Cached tokens are the API's own; here they count as input, and so does their money."""
    said = scenario(
        {"chat": route(), "titles": route("hosted", hosted={**OWN, **TIMES, "cache_hit": 0.5})}
    )
    counts = HostedCounts(10, 10_000, 0, 1000)
    titles = replace(traffic(10, 10), hosted=counts)
    billed = bill(usage(chat=RouteUsage(), titles=titles), said)
    assert billed.hosted_usd("titles") == pytest.approx({"input": 0.0125, "output": 0.01})
