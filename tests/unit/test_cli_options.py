"""Options that verbs share: one text, one bound, one meaning wherever they stand."""

from __future__ import annotations

import click
import pytest

from sim.cli.main import tokenfleet
from sim.cli.options import jobs_of
from sim.studies.executors import cpu_count

VERBS = ("run", "gap", "compare", "levers", "plan", "hosted", "sweep", "commitments", "backtest")


def options_of(verb: str) -> dict[str, click.Option]:
    command = tokenfleet.get_command(click.Context(tokenfleet), verb)
    assert command is not None
    return {p.opts[0]: p for p in command.params if isinstance(p, click.Option)}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("name", ["--seed", "--jobs", "--json"])
def test_every_verb_asks_alike(verb: str, name: str) -> None:
    ours, first = options_of(verb)[name], options_of("run")[name]
    assert ours.help == first.help
    assert ours.type.to_info_dict() == first.type.to_info_dict()
    assert ours.name == first.name


def test_jobs_are_as_asked_for_or_one_for_each_cpu() -> None:
    assert jobs_of(3) == 3
    assert jobs_of(None) == cpu_count()
