from typing import Any
from xml.etree import ElementTree

from sim.report.load_figure import RUNNING, WAITING, levels, load_figure


def _rows(hours: int, pools: tuple[str, ...] = ("main",)) -> list[dict[str, Any]]:
    return [
        {"t_s": i * 3600.0, "pool": pool, RUNNING: float(i % 5), WAITING: float(i % 2)}
        for i in range(hours)
        for pool in pools
    ]


def _texts(rows: list[dict[str, Any]]) -> list[str]:
    svg = load_figure(rows)
    assert svg is not None
    found = (e for e in ElementTree.fromstring(svg).iter() if e.tag.endswith("}text"))
    return ["".join(e.itertext()) for e in found]


def test_levels_are_told_apart_by_pool() -> None:
    main, small = levels(_rows(3, ("main", "small")))
    assert (main.pool, small.pool) == ("main", "small")
    assert main.hours == [0.0, 1.0, 2.0]
    assert main.running == [0.0, 1.0, 2.0]
    assert main.waiting == [0.0, 1.0, 0.0]


def test_a_panel_per_pool_with_means_and_maxima() -> None:
    texts = _texts(_rows(10, ("main", "small")))
    assert {"main", "small", "requests", "hours since the start"} <= set(texts)
    assert "running (mean 2.0, most 4)" in texts
    assert "waiting (mean 0.50, most 1)" in texts


def test_long_windows_are_in_days() -> None:
    assert "days since the start" in _texts(_rows(24 * 7))


def test_one_sample_and_an_empty_fleet_are_drawn() -> None:
    sample = {"t_s": 0.0, "pool": "p", RUNNING: 0.0, WAITING: 0.0}
    assert "seconds since the start" in _texts([sample])


def test_no_samples_no_figure() -> None:
    assert load_figure([]) is None
