"""API rates: what one model asks for a token of each kind, by length of prompt; knows no clock."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date


@dataclass(frozen=True, kw_only=True)
class TokenRates:
    """USD per million tokens of a request whose prompt has more than `above_tokens` tokens.

    `cache_write`: input that is written into the API's cache; None where that costs as any input.
    """

    above_tokens: int = 0
    input: float
    cached_input: float
    cache_write: float | None = None
    output: float

    @property
    def writing(self) -> float:
        """USD per million tokens of input that is written into the cache."""
        return self.input if self.cache_write is None else self.cache_write

    def discounted(self, part: float) -> TokenRates:
        """The same less *part* (0 to 1) of every price."""
        left = 1.0 - part
        return TokenRates(
            above_tokens=self.above_tokens,
            input=self.input * left,
            cached_input=self.cached_input * left,
            cache_write=None if self.cache_write is None else self.cache_write * left,
            output=self.output * left,
        )


@dataclass(frozen=True, kw_only=True)
class ApiPrice:
    """A model's prices by length of prompt: `tiers` ascend, and the first is above 0 tokens.

    A tier is of the whole request, not of the tokens beyond its edge. `as_of` is the day on which
    the price was read, `source` whose page says so or which package.
    """

    provider: str
    model: str
    tiers: tuple[TokenRates, ...]
    source: str
    as_of: date | None = None
    note: str = ""

    @property
    def name(self) -> str:
        """Provider and model as people write them: ``openai gpt-5``."""
        return f"{self.provider} {self.model}"

    @property
    def edges_tokens(self) -> tuple[int, ...]:
        """Tokens of prompt above which another tier begins."""
        return tuple(tier.above_tokens for tier in self.tiers[1:])

    def rates(self, prompt_tokens: float) -> TokenRates:
        """The tier of a request with a prompt of *prompt_tokens*, cached ones included."""
        return [t for t in self.tiers if prompt_tokens > t.above_tokens or not t.above_tokens][-1]

    def discounted(self, part: float) -> ApiPrice:
        """The same less *part* (0 to 1) of every price."""
        return replace(self, tiers=tuple(tier.discounted(part) for tier in self.tiers))
