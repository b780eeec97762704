"""API price: what a hosted API asks for tokens, by its model or by a contract; knows no clock."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise
from typing import Annotated, Self

from pydantic import Field, Strict, model_validator

from sim.catalog.api_prices import api_price, is_listed
from sim.catalog.api_rates import ApiPrice, TokenRates
from sim.catalog.names import UnknownName
from sim.scenario.scalar import Label, Number
from sim.scenario.spec import Fault, Spec, raise_all
from sim.units import Tokens

_Usd = Annotated[Number, Field(ge=0, le=1e6)]

CONTRACT = "your contract"
"""The source of prices that a scenario brings itself."""


class ApiTier(Spec):
    """Prices of requests with long prompts; the whole request costs so much, not only the rest."""

    above_tokens: Annotated[Tokens, Field(ge=1)] = Field(
        description="Requests with more tokens of prompt than this, cached ones included."
    )
    usd_per_million_input: _Usd = Field(description="USD per million input tokens.")
    usd_per_million_cached_input: _Usd | None = Field(
        default=None, description="USD per million input tokens that its cache holds."
    )
    usd_per_million_cache_write: _Usd | None = Field(
        default=None, description="USD per million input tokens that are written into its cache."
    )
    usd_per_million_output: _Usd = Field(description="USD per million output tokens.")


class ApiPriced(Spec):
    """Something that a hosted API does at its price: a model's list price, or a contract's."""

    provider: Label | None = Field(
        default=None,
        description="Who sells it, such as openai; its prices are those of the catalog, or of the "
        "package genai-prices where that is installed.",
    )
    model: Label | None = Field(
        default=None, description="Name of the provider's model, such as gpt-5-mini."
    )
    usd_per_million_input: _Usd | None = Field(
        default=None,
        description="In place of a model, your contract: USD per million input tokens.",
    )
    usd_per_million_cached_input: _Usd | None = Field(
        default=None,
        description="USD per million input tokens that its cache holds. Default: as other input.",
    )
    usd_per_million_cache_write: _Usd | None = Field(
        default=None,
        description="USD per million input tokens that are written into its cache. Default: as "
        "other input.",
    )
    usd_per_million_output: _Usd | None = Field(
        default=None, description="USD per million output tokens, reasoning among them."
    )
    tiers: Annotated[tuple[ApiTier, ...], Strict(False)] = Field(
        default=(), description="Prices of requests with longer prompts, by rising above_tokens."
    )
    batch_discount: Annotated[Number, Field(ge=0, lt=1)] = Field(
        default=0.0,
        description="Part of every price that is taken off, such as 0.5 for a batch API.",
    )

    @model_validator(mode="after")
    def _priced_in_one_way(self) -> Self:
        if self.provider is None and self.model is None:
            raise_all(list(self._contract_faults()))
        else:
            raise_all(list(self._model_faults()))
        return self

    def _contract_faults(self) -> Iterator[Fault]:
        missing = [
            key
            for key in ("usd_per_million_input", "usd_per_million_output")
            if getattr(self, key) is None
        ]
        if missing:
            yield Fault(
                f"has no price: give provider and model, or {' and '.join(missing)}", whole=True
            )
        edges = [tier.above_tokens for tier in self.tiers]
        for number, (before, after) in enumerate(pairwise(edges), 1):
            if after <= before:
                rule = f"must be above that of the tier before it ({before})"
                yield Fault(f"{rule} (got {after})", "tiers", number, "above_tokens")
        for key in ("usd_per_million_cached_input", "usd_per_million_cache_write"):
            for number, tier in enumerate(self.tiers):
                if (getattr(tier, key) is None) != (getattr(self, key) is None):
                    rule = "must be given in every tier and beside them, or nowhere"
                    yield Fault(f"{key} {rule}", "tiers", number)

    def _model_faults(self) -> Iterator[Fault]:
        if self.provider is None or self.model is None:
            missing = "provider" if self.provider is None else "model"
            yield Fault(f"needs a {missing} too, such as {{provider: openai, model: gpt-5-mini}}")
            return
        own = [key for key in CONTRACT_KEYS if getattr(self, key) not in (None, ())]
        if own:
            yield Fault("must not be given with a model, whose prices are known", own[0])
        if not is_listed(self.provider, self.model):
            try:
                api_price(self.provider, self.model)
            except UnknownName as error:
                meant = f"; did you mean {error.suggestion!r}?" if error.suggestion else ";"
                text = f"unknown {error.kind} {error.name!r}{meant}"
                field = "model" if error.name == self.model else "provider"
                yield Fault(f"{text} tokenfleet catalog apis lists them", field)

    @property
    def price(self) -> ApiPrice:
        """The price of a token of each kind, in USD per million, discount taken off."""
        if self.provider is not None and self.model is not None:
            return api_price(self.provider, self.model).discounted(self.batch_discount)
        tiers = (_rates(self, 0), *(_rates(tier, tier.above_tokens) for tier in self.tiers))
        found = ApiPrice(provider=CONTRACT, model="", tiers=tiers, source=CONTRACT)
        return found.discounted(self.batch_discount)


CONTRACT_KEYS = (
    "usd_per_million_input",
    "usd_per_million_cached_input",
    "usd_per_million_cache_write",
    "usd_per_million_output",
    "tiers",
)
"""Keys that bring prices of one's own."""


def _rates(said: ApiPriced | ApiTier, above_tokens: int) -> TokenRates:
    usd, output = said.usd_per_million_input, said.usd_per_million_output
    assert usd is not None  # or the spec would not have been valid
    assert output is not None
    cached = said.usd_per_million_cached_input
    return TokenRates(
        above_tokens=above_tokens,
        input=usd,
        cached_input=usd if cached is None else cached,
        cache_write=said.usd_per_million_cache_write,
        output=output,
    )
