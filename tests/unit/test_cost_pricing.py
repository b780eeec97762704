import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.cost.pricing import (
    Components,
    KindMoney,
    KindTokens,
    Served,
    components,
    hosted_money,
    kind_money,
    kind_tokens,
    per,
    prices,
    total,
)
from sim.cost.reference import ReferenceSeconds
from sim.ledger.usage import TokenCounts

SECONDS = ReferenceSeconds(
    prefill_s=20.0, cached_attention_s=0.0, rent_uncached_s=10.0, rent_cached_s=20.0, decode_s=50.0
)
TOKENS = KindTokens(input=1e6, cached_input=2e6, output=5e5)

amounts = st.one_of(st.just(0.0), st.floats(1.0, 1e6))
parts = st.builds(ReferenceSeconds, amounts, st.just(0.0), amounts, amounts, amounts)
kinds = st.builds(KindTokens, amounts, amounts, amounts)


def test_kinds_of_useful_tokens() -> None:
    assert kind_tokens(TokenCounts(input=100, cached_input=30, template=10, output=7)) == (
        KindTokens(input=70, cached_input=30, output=7)
    )


def test_money_by_kind_by_hand() -> None:
    assert kind_money(200.0, SECONDS, TOKENS) == KindMoney(60.0, 40.0, 100.0, 0.0)


def test_prices_by_hand() -> None:
    served = Served(TOKENS, completed_requests=2_000.0, goodput_tokens=1_750_000.0)
    p = prices(250.0, [(kind_money(200.0, SECONDS, TOKENS), served)], unallocated_usd=50.0)
    assert p.usd_per_million_useful_tokens == pytest.approx(250 / 3.5)
    assert p.usd_per_thousand_requests == pytest.approx(125.0)
    assert p.usd_per_million_goodput_tokens == pytest.approx(250 / 1.75)
    assert p.usd_per_million_input_tokens == pytest.approx(60.0)
    assert p.usd_per_million_cached_input_tokens == pytest.approx(20.0)
    assert p.usd_per_million_output_tokens == pytest.approx(200.0)
    assert (p.unpriced_usd, p.unallocated_usd) == (0.0, 50.0)


def test_money_of_kinds_that_were_only_wasted_is_unpriced() -> None:
    money = kind_money(200.0, SECONDS, KindTokens(input=1e6, cached_input=0.0, output=0.0))
    assert money == KindMoney(60.0, 0.0, 0.0, 140.0)
    p = prices(200.0, [(money, Served(KindTokens(input=1e6), 0.0, 0.0))], 0.0)
    assert p.usd_per_million_output_tokens is None
    assert p.usd_per_million_cached_input_tokens is None
    assert p.usd_per_thousand_requests is None
    assert p.unpriced_usd == 140.0


def test_hosted_money_is_split_as_the_api_bills_it() -> None:
    usd = {"input": 3.0, "output": 7.0}
    assert hosted_money(usd, TOKENS) == KindMoney(3.0, 0.0, 7.0, 0.0)
    assert hosted_money({}, TOKENS) == KindMoney()
    nobody = KindTokens(cached_input=1.0)  # a route that is of use to nobody
    assert hosted_money({**usd, "cached_input": 0.5}, nobody) == KindMoney(0.0, 0.5, 0.0, 10.0)


def test_visible_output_is_dearer_by_what_is_not_seen() -> None:
    """500,000 tokens of output for $100, of which 300,000 are reasoning; and none of a second."""
    thinks = Served(TOKENS, 1.0, 1.0, reasoning_tokens=300_000.0)
    money = kind_money(200.0, SECONDS, TOKENS)
    p = prices(200.0, [(money, thinks)], 0.0)
    assert p.usd_per_million_output_tokens == pytest.approx(200.0)
    assert p.usd_per_million_visible_output_tokens == pytest.approx(500.0)
    both = prices(400.0, [(money, thinks), (money, Served(TOKENS, 1.0, 1.0))], 0.0)
    assert both.usd_per_million_visible_output_tokens == pytest.approx(200 / 0.7)
    plain = prices(200.0, [(money, Served(TOKENS, 1.0, 1.0))], 0.0)
    assert plain.usd_per_million_visible_output_tokens is None


def test_money_without_reference_seconds_is_unpriced() -> None:
    assert kind_money(9.0, ReferenceSeconds(), TOKENS) == KindMoney(unpriced_usd=9.0)
    assert components(9.0, ReferenceSeconds()) == Components()


def test_components_by_hand() -> None:
    assert components(200.0, SECONDS) == Components(40.0, 60.0, 0.0, 100.0)


def test_nothing_has_no_price() -> None:
    assert per(1.0, 0.0, 1e6) is None
    p = prices(0.0, [], 0.0)
    assert p.usd_per_million_useful_tokens is None
    assert p.unpriced_usd == 0.0


def test_totals_of_none_are_defaults() -> None:
    assert total([], Components) == Components()


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0.0, 1e6), parts, kinds), max_size=4), st.floats(0.0, 1e4))
def test_prices_times_tokens_make_up_the_money(
    routes: list[tuple[float, ReferenceSeconds, KindTokens]], unallocated_usd: float
) -> None:
    usd = math.fsum([*(u for u, _, _ in routes), unallocated_usd])
    priced = [(kind_money(u, s, t), Served(t, 1.0, 1.0)) for u, s, t in routes]
    p = prices(usd, priced, unallocated_usd)
    tokens = total([t for _, _, t in routes], KindTokens)
    made_up = math.fsum(
        [
            (p.usd_per_million_input_tokens or 0.0) * tokens.input / 1e6,
            (p.usd_per_million_cached_input_tokens or 0.0) * tokens.cached_input / 1e6,
            (p.usd_per_million_output_tokens or 0.0) * tokens.output / 1e6,
            p.unpriced_usd,
            p.unallocated_usd,
        ]
    )
    assert made_up == pytest.approx(usd, rel=1e-9, abs=1e-9)


@settings(deadline=None)
@given(st.floats(0.0, 1e6), parts)
def test_components_sum_to_the_money(usd: float, seconds: ReferenceSeconds) -> None:
    c = components(usd, seconds)
    whole = c.prefill + c.context_rent + c.cached_attention + c.decode
    assert whole == pytest.approx(usd if seconds.total_s else 0.0, rel=1e-9)


@settings(deadline=None)
@given(st.floats(1.0, 1e6), parts, kinds)
def test_waste_makes_its_own_kind_dearer(
    usd: float, seconds: ReferenceSeconds, tokens: KindTokens
) -> None:
    """Of more decode in vain, output pays more and input not more, at equal money."""
    more = seconds + ReferenceSeconds(decode_s=100.0)
    before, after = kind_money(usd, seconds, tokens), kind_money(usd, more, tokens)
    if tokens.output and seconds.total_s:
        assert after.output_usd >= before.output_usd * (1 - 1e-12)
    if seconds.total_s:
        assert after.input_usd <= before.input_usd * (1 + 1e-12)
