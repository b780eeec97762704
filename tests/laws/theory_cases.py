"""Cases: all that theory is asked about, in the order of their seeds, and how each is judged."""

from __future__ import annotations

from functools import cache

from tests.laws.protocol import Verdict, settle
from tests.laws.theory_case import Case
from tests.laws.theory_client_cases import client_cases
from tests.laws.theory_engine_cases import engine_cases
from tests.laws.theory_figures import Figure
from tests.laws.theory_fleet_cases import fleet_cases


@cache
def cases() -> tuple[Case, ...]:
    """All cases; new ones are added at the end, so that the seeds of the others stay."""
    return (*engine_cases(), *fleet_cases(), *client_cases())


@cache
def family_size() -> int:
    """How many figures are judged in all."""
    return sum(len(case.every_figure) for case in cases())


def judged(
    case: Case, figure: Figure, replications: range, faults: tuple[str, ...] = ()
) -> Verdict:
    """The estimate of *figure* against its theory."""
    found = case.estimate(figure, replications, faults)
    return Verdict(found, figure.theory, figure.gate, family_size())


def settled(case: Case, figure: Figure) -> Verdict:
    """The verdict after the protocol, retest included."""
    return settle(lambda replications: judged(case, figure, replications))
