"""Teams: who answers for which routes, and so for which part of the bill; knows no clock."""

from __future__ import annotations

import math
from collections.abc import Mapping

from sim.scenario.route import Route

NO_TEAM = "(no team)"
"""Under which the routes are found that have none, where others have one."""


def teams_of(routes: Mapping[str, Route]) -> dict[str, tuple[str, ...]]:
    """Return the routes of each team, in the scenario's order; none if no route has a team."""
    found: dict[str, tuple[str, ...]] = {}
    if any(route.team is not None for route in routes.values()):
        for name, route in routes.items():
            team = NO_TEAM if route.team is None else route.team
            found[team] = (*found.get(team, ()), name)
    return found


def by_team(
    teams: Mapping[str, tuple[str, ...]], by_route: Mapping[str, float]
) -> dict[str, float]:
    """Sum what each route has over the routes of each team.

    >>> by_team({"search": ("chat", "rank")}, {"chat": 1.0, "rank": 2.5, "other": 9.0})
    {'search': 3.5}
    """
    return {team: math.fsum(by_route[r] for r in routes) for team, routes in teams.items()}
