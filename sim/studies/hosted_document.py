"""Hosted document: the answers about APIs as plain nested dictionaries, for JSON; no clock."""

from __future__ import annotations

from typing import Any

from sim.studies.break_even import BreakEven, Level
from sim.studies.intervals import Interval
from sim.studies.keep_or_send import Choices, RouteChoice
from sim.studies.result import Result

Tree = dict[str, Any]


def hosted_document(base: Result, break_even: BreakEven | None, choices: Choices | None) -> Tree:
    """The comparison of *base*, its break-even and its routes; dollars of the last two a month.

    Of `summary` it has what tells how much was simulated, and the sections that a reader needs to
    see where a figure comes from.
    """
    summary = base.summary()
    kept = ("scenario", "seed", "replications", "window_s", "intervals", "tokens", "requests")
    return {
        **{key: summary[key] for key in kept},
        **{key: summary[key] for key in ("bill", "cost", "hosted", "routes")},
        "break_even": None if break_even is None else _break_even(break_even),
        "keep_or_send": None if choices is None else _choices(choices),
        "warnings": summary["warnings"],
        "versions": summary["versions"],
    }


def _break_even(found: BreakEven) -> Tree:
    return {
        "verdict": found.verdict,
        "multiple": found.multiple,
        "bracket": list(found.bracket),
        "requests_per_s": found.requests_per_s,
        "tokens_per_day": found.tokens_per_day,
        "today": _level(found.today),
        "levels": [_level(level) for level in found.levels],
        "notes": list(found.notes),
    }


def _level(level: Level) -> Tree:
    return {
        "multiple": level.multiple,
        "replicas": dict(level.replicas),
        "self_usd_per_month": {"value": level.self_usd, "ci95": _pair(level.self_interval)},
        "api_usd_per_month": level.api_usd,
        "difference_usd_per_month": {"value": level.difference, "ci95": _pair(level.interval)},
        "simulated": level.simulated,
        "met": level.met,
    }


def _choices(choices: Choices) -> Tree:
    return {
        "choices": [_choice(choice) for choice in choices.choices],
        "met": choices.whole.met,
        "notes": list(choices.notes),
    }


def _choice(choice: RouteChoice) -> Tree:
    return {
        "routes": list(choice.routes),
        "advice": choice.advice,
        "avoided_usd_per_month": {
            "value": choice.avoided_usd,
            "ci95": _pair(choice.avoided_interval),
        },
        "api_usd_per_month": choice.api_usd,
        "saved_usd_per_month": {"value": choice.saved_usd, "ci95": _pair(choice.interval)},
        "replicas": {
            pool: {"with": before, "without": after}
            for pool, (before, after) in choice.replicas.items()
        },
    }


def _pair(interval: Interval | None) -> list[float] | None:
    return None if interval is None else [interval.low, interval.high]
