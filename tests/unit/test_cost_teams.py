from usages import route, scenario

from sim.cost.teams import NO_TEAM, by_team, teams_of


def test_without_a_team_there_are_none() -> None:
    assert teams_of(scenario().routes) == {}


def test_routes_by_team_and_what_they_pay() -> None:
    routes = scenario(
        routes={"a": route(team="x"), "b": route(), "c": route(team="y"), "d": route(team="x")}
    ).routes
    teams = teams_of(routes)
    assert teams == {"x": ("a", "d"), NO_TEAM: ("b",), "y": ("c",)}
    assert by_team(teams, {"a": 1.0, "b": 2.0, "c": 4.0, "d": 8.0}) == {
        "x": 9.0,
        NO_TEAM: 2.0,
        "y": 4.0,
    }
