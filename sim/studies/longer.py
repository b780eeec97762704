"""Longer: a scenario's prompts or answers so many times as long, each one of them; no clock.

Draws stay what they are: the request that had the longest prompt has it still.
"""

from __future__ import annotations

import math
from typing import Any, Literal

from sim.catalog.workloads import length_table, workload
from sim.scenario.document import Scenario
from sim.scenario.length_laws import FixedLengths
from sim.scenario.lengths import (
    EmpiricalLengths,
    GivenInputLengths,
    Lengths,
    QuantileLengths,
    WorkloadLengths,
)
from sim.scenario.route import Route
from sim.scenario.spec import FrozenDict

Side = Literal["input", "output"]

_COUNTS = {"fixed", "exponential", "geometric", "mean", "median", "p95", "tail_from"}
"""Keys of the laws that are counts of tokens; the others are shapes."""


def longer(scenario: Scenario, side: Side, times: float) -> Scenario:
    """*scenario* with the prompts (input) or answers (output) of all routes *times* as long.

    Caps stay where they are, as do hidden templates. Lengths that a trace, a file or a
    conversation brings are left as they are, and so are routes that `brings_own` names.
    """
    routes = {name: _longer(route, side, times) for name, route in scenario.routes.items()}
    return scenario.model_copy(update={"routes": FrozenDict(routes)})


def brings_own(route: Route, side: Side) -> bool:
    """Whether the route's lengths on that side come from a trace, a file or conversations."""
    lengths = route.input_tokens if side == "input" else route.output_tokens
    if lengths is None or isinstance(lengths, EmpiricalLengths):
        return True
    return side == "input" and route.sessions is not None


def _longer(route: Route, side: Side, times: float) -> Route:
    prompts, answers = route.input_tokens, route.output_tokens
    if brings_own(route, side) or (side == "output" and answers is None):
        return route
    head = route.counted_head_tokens
    update: dict[str, Any] = {"template_tokens": route.head_tokens}
    if prompts is not None:  # both sides are told by tables of their own, so that they still agree
        own = _tabled(prompts, "input", head)
        update["input_tokens"] = _times(own, times) if side == "input" else own
    if answers is not None:
        own = _answers(prompts, answers)
        update["output_tokens"] = _times(own, times) if side == "output" else own
    return route.model_copy(update=update)


def _tabled(lengths: Lengths, side: Side, head: int = 0) -> Lengths:
    """A workload's lengths as the quantiles that they are, without the *head* that they count."""
    if not isinstance(lengths, WorkloadLengths):
        return lengths
    table = length_table(lengths.workload, side)
    tokens = [max(1, round(t) - head) for t in table.tokens]
    quantiles = dict(zip(map(str, table.levels), tokens, strict=True))
    return QuantileLengths(quantiles=quantiles, min=lengths.min, max=lengths.max)


def _answers(prompts: Lengths | None, answers: Lengths) -> Lengths:
    """Answers by tables, by the rank of the prompt where the workload of both tells it."""
    if not (isinstance(prompts, WorkloadLengths) and isinstance(answers, WorkloadLengths)):
        return _tabled(answers, "output")
    entry = workload(answers.workload)
    if prompts.workload != answers.workload or entry.output_given_input is None:
        return _tabled(answers, "output")
    bins = tuple(
        dict(zip(map(str, entry.dependence_levels), map(round, tokens), strict=True))
        for tokens in entry.output_given_input
    )
    return GivenInputLengths(given_input=bins, min=answers.min, max=answers.max)


def _times(lengths: Lengths, times: float) -> Lengths:
    """*lengths* with every draw, before caps, *times* as long (to a whole token)."""
    written = lengths.model_dump(mode="json", exclude_none=True)
    caps = {key: written.pop(key) for key in ("min", "max") if key in written}
    scaled = {key: _scaled(key, value, times) for key, value in written.items()}
    if isinstance(lengths, FixedLengths):
        scaled["fixed"] = max(1, round(lengths.fixed * times))
    return type(lengths).model_validate({**scaled, **caps})


def _scaled(key: str, value: Any, times: float) -> Any:
    if key == "quantiles":
        return {level: max(1, round(tokens * times)) for level, tokens in value.items()}
    if key == "given_input":
        return [_scaled("quantiles", table, times) for table in value]
    if isinstance(value, dict):
        return {k: _scaled(k, v, times) for k, v in value.items()}
    if isinstance(value, list):
        return [_scaled(key, item, times) for item in value]
    if key == "mu":
        return value + math.log(times)
    if key not in _COUNTS:
        return value
    return max(1, round(value * times)) if isinstance(value, int) else max(1.0, value * times)
