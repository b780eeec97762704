from datetime import date

import pytest

from sim.catalog import genai
from sim.catalog.api_prices import api_price, api_prices, is_listed
from sim.catalog.api_rates import ApiPrice, TokenRates
from sim.catalog.names import UnknownName

TIERED = ApiPrice(
    provider="p",
    model="m",
    tiers=(
        TokenRates(input=1.0, cached_input=0.1, output=5.0),
        TokenRates(above_tokens=200, input=2.0, cached_input=0.2, cache_write=2.5, output=7.0),
    ),
    source="by hand",
)


@pytest.fixture
def bare(monkeypatch: pytest.MonkeyPatch) -> None:
    """As if genai-prices were not installed."""
    monkeypatch.setattr(genai, "package_version", lambda: None)
    api_price.cache_clear()
    yield
    api_price.cache_clear()


def test_every_row_has_a_date_a_source_and_prices_in_the_order_of_sense() -> None:
    rows = api_prices()
    assert len({(row.provider, row.model) for row in rows}) == len(rows) >= 20
    for row in rows:
        assert isinstance(row.as_of, date)
        assert "via" in row.source
        assert row.tiers[0].above_tokens == 0
        assert list(row.edges_tokens) == sorted(set(row.edges_tokens))
        for tier in row.tiers:
            assert 0 < tier.cached_input <= tier.input <= tier.output
            assert tier.writing >= tier.input


def test_a_tier_is_of_the_whole_request_and_begins_above_its_edge() -> None:
    """200 tokens are not above 200, 201 are; without a price of its own a write is as any input."""
    assert TIERED.rates(0).input == TIERED.rates(200).input == 1.0
    assert TIERED.rates(201).input == 2.0
    assert TIERED.edges_tokens == (200,)
    assert (TIERED.tiers[0].writing, TIERED.tiers[1].writing) == (1.0, 2.5)


def test_a_discount_is_off_every_price() -> None:
    half = TIERED.discounted(0.5)
    for before, after in zip(TIERED.tiers, half.tiers, strict=True):
        assert after.above_tokens == before.above_tokens
        assert (after.input, after.cached_input) == (before.input / 2, before.cached_input / 2)
        assert (after.writing, after.output) == (before.writing / 2, before.output / 2)


def test_without_the_package_the_catalog_answers_and_says_so(bare: None) -> None:
    found = api_price("openai", "gpt-5.5")
    assert found.as_of is not None
    assert "openai.com" in found.source
    assert (found.rates(272_000).output, found.rates(272_001).output) == (30.0, 45.0)
    with pytest.raises(UnknownName, match="did you mean 'gpt-5-mini'"):
        api_price("openai", "gpt-5-min")
    with pytest.raises(UnknownName, match="did you mean 'openai'"):
        api_price("opnai", "gpt-5-mini")
    assert is_listed("openai", "gpt-5-mini")
    assert not is_listed("openai", "gpt-5-min")
    assert (genai.providers(), genai.models("openai"), genai.price("openai", "gpt-5")) == (
        [], [], None,
    )  # fmt: skip


def test_with_the_package_its_prices_come_first_with_its_version() -> None:
    package = pytest.importorskip("genai_prices")
    found = api_price("anthropic", "claude-haiku-4-5")
    assert found.source == f"genai-prices {package.__version__}"
    assert found.as_of is None
    assert "openai" in genai.providers()
    assert "gpt-4o-mini" in genai.models("openai")
    assert genai.price("openai", "no such model") is None
    assert genai.price("nobody", "gpt-5") is None


def test_requests_cost_what_the_package_itself_works_out() -> None:
    """1,000 tokens in, 400 of them cached, and 200 out, each below, at and above a tier."""
    package = pytest.importorskip("genai_prices")
    for provider, model in (
        ("openai", "gpt-5.5"),
        ("anthropic", "claude-sonnet-4-5"),
        ("google", "gemini-2.5-pro"),
        ("groq", "llama-3.1-8b-instant"),
    ):
        price = api_price(provider, model)
        for prompt in (1_000, 200_000, 200_001, 272_000, 272_001):
            usage = package.Usage(input_tokens=prompt, cache_read_tokens=400, output_tokens=200)
            theirs = package.calc_price(usage, model, provider_id=provider).total_price
            rates = price.rates(prompt)
            ours = (prompt - 400) * rates.input + 400 * rates.cached_input + 200 * rates.output
            assert ours / 1e6 == pytest.approx(float(theirs), rel=1e-12)
