import math

import pytest

from sim.scenario.load import loads
from sim.studies.grid import (
    MOST_POINTS,
    DesignError,
    Range,
    crossed,
    grid,
    label,
    override,
    short_names,
    spread,
    values_of,
    zipped,
)

SCENARIO = """
routes:
  chat: {pool: main, arrivals: {rps: 1}, input_tokens: {fixed: 9}, output_tokens: {fixed: 9}}
pools:
  main: {model: llama-3.1-8b, gpu: h100-sxm, node: {usd_per_hour: 4}}
"""


def test_a_grid_has_every_combination_once() -> None:
    points = grid({"a": [1, 2, 3], "b": ["x", "y"]})
    assert len(points) == 6
    assert len({tuple(point.items()) for point in points}) == 6
    assert [point["a"] for point in points] == [1, 1, 2, 2, 3, 3]


def test_zip_takes_equal_lengths_only() -> None:
    assert zipped({"a": [1, 2], "b": [3, 4]}) == [{"a": 1, "b": 3}, {"a": 2, "b": 4}]
    with pytest.raises(DesignError, match="a has 2, b has 1"):
        zipped({"a": [1, 2], "b": [3]})


@pytest.mark.parametrize("values", [{}, {"a": []}])
def test_nothing_to_vary_is_told(values: dict[str, list[int]]) -> None:
    with pytest.raises(DesignError):
        grid(values)


def test_too_many_points_are_a_mistake() -> None:
    with pytest.raises(DesignError, match="not between"):
        grid({"a": range(200), "b": range(1 + MOST_POINTS // 200)})


def test_one_path_is_varied_once() -> None:
    for other in ("pools.main", "pools.main.replicas", "pools.main.replicas.min"):
        with pytest.raises(DesignError, match="holds the other"):
            crossed([[{"pools.main.replicas": 1}], [{other: 2}]])
    assert len(crossed([[{"pools.main": 1}], [{"pools.mainly": 2}]])) == 1


@pytest.mark.parametrize("kind", ["sobol", "lhs"])
def test_a_spread_is_even_in_each_dimension(kind: str) -> None:
    """16 points: one in each sixteenth of either range, which random points hardly ever do."""
    ranges = {"a": Range(0.0, 16.0), "b": Range(1.0, 2.0**16, "log")}
    points = spread(kind, 16, ranges, seed=3)  # type: ignore[arg-type]
    assert sorted(math.floor(point["a"]) for point in points) == list(range(16))
    assert sorted(math.floor(math.log2(point["b"])) for point in points) == list(range(16))
    assert spread(kind, 16, ranges, seed=3) == points  # type: ignore[arg-type]
    assert spread(kind, 16, ranges, seed=4) != points  # type: ignore[arg-type]


def test_a_longer_sobol_design_begins_as_a_shorter_one() -> None:
    ranges = {"a": Range(0.0, 1.0), "b": Range(0.0, 1.0)}
    assert spread("sobol", 32, ranges)[:16] == spread("sobol", 16, ranges)
    assert len(spread("sobol", 5, ranges)) == 5


def test_whole_numbers_are_equally_likely() -> None:
    r = Range(1, 4, whole=True)
    shares = [(i + 0.5) / 100 for i in range(100)]
    assert [sum(r.at(s) == n for s in shares) for n in (1, 2, 3, 4)] == [25] * 4
    assert r.at(1.0) == 4
    assert {Range(1, 8, "log", whole=True).at(s) for s in shares} == set(range(1, 9))


@pytest.mark.parametrize(
    "bad",
    [Range(2, 1), Range(0, 1, "log"), Range(0.2, 0.8, whole=True), Range(1, math.inf),
     Range(0.5, 2, "log", whole=True)],
)  # fmt: skip
def test_a_range_without_values_is_told(bad: Range) -> None:
    with pytest.raises(DesignError, match=r"replicas: the range"):
        spread("lhs", 4, {"replicas": bad})


def test_values_are_read_as_in_a_file() -> None:
    assert values_of("1, 2.5,8k,no,{kind: p95, target: 45ms}") == [
        1, 2.5, "8k", "no", {"kind": "p95", "target": "45ms"},
    ]  # fmt: skip
    with pytest.raises(DesignError, match="values"):
        values_of("{a: 1")


@pytest.mark.parametrize(
    ("path", "value", "reach"),
    [
        ("pools.main.replicas", 3, lambda s: s.pools["main"].replicas),
        ("horizon", "2h", lambda s: s.horizon / 2400),
        ("routes.chat.output_tokens", {"fixed": 3}, lambda s: s.routes["chat"].output_tokens.fixed),
    ],
)
def test_an_override_sets_what_it_says(path: str, value: object, reach: object) -> None:
    assert reach(loads(SCENARIO, overrides=[override(path, value)])) == 3  # type: ignore[operator]


def test_labels_and_names() -> None:
    assert label([1, None, {"a": False}]) == "[1, null, {a: false}]"
    assert short_names(["a.x", "b.x", "c.y"]) == {"a.x": "a.x", "b.x": "b.x", "c.y": "y"}
    assert short_names(["x", "a.x"]) == {"x": "x", "a.x": "a.x"}
