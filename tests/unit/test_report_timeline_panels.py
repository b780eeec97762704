import numpy as np
import pytest

from sim.report.canvas import figure
from sim.report.timeline_latency import Target
from sim.report.timeline_panels import Panel, changes, panels
from sim.report.timeseries import RUNNING, WAITING, Samples
from tests.unit import timeline_fixture
from tests.unit.timeline_fixture import Fleet

TTFT, TPOT = Target("ttft", "chat", 1.0), Target("tpot", "chat", 0.04)


def _samples(fleet: Fleet) -> Samples:
    return Samples("main", tuple(fleet.rows))


def _panels(samples: Samples, *targets: Target) -> dict[str, Panel]:
    return {panel.title: panel for panel in panels(samples, targets, 1.0)}


def _rows(**columns: list[float | None]) -> Samples:
    n = len(next(iter(columns.values())))
    names = {"running": RUNNING, "waiting": WAITING}
    return Samples(
        "p",
        tuple(
            {"t_s": 60.0 * i, "pool": "p", **{names.get(k, k): v[i] for k, v in columns.items()}}
            for i in range(n)
        ),
    )


def _legend(panel: Panel) -> list[str]:
    drawn = figure(lambda f: panel.draw(f.add_subplot()))
    legend = drawn.axes[0].get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def test_a_fleet_that_changes_has_every_panel() -> None:
    found = _panels(_samples(timeline_fixture.launch_day()), TTFT, TPOT)
    assert list(found) == [
        "Load",
        "Replicas",
        "Requests",
        "Time to first token",
        "Time per output token",
        "Paid nodes",
    ]
    assert _legend(found["Replicas"]) == ["ready", "starting", "draining", "failed", "wanted"]
    assert _legend(found["Load"]) == ["sent", "answered"]
    assert _legend(found["Time to first token"]) == ["above the SLO"]


def test_what_never_changes_has_no_panel() -> None:
    found = _panels(_samples(timeline_fixture.plain_minutes()))
    assert "Replicas" not in found
    assert "Paid nodes" not in found


def test_what_was_not_sampled_has_no_panel() -> None:
    assert list(_panels(_rows(running=[1.0, 2.0], waiting=[0.0, 0.0]))) == ["Requests"]
    assert list(_panels(_rows(ttft_p95_s=[None, 0.5, None]))) == ["Time to first token"]
    assert list(_panels(_rows(ttft_p95_s=[None, None]))) == []


@pytest.mark.parametrize(
    ("per_s", "unit", "shown"),
    [(5.0, "second", 5.0), (0.5, "minute", 30.0), (0.001, "hour", 3.6), (0.0, "hour", 0.0)],
)
def test_rates_are_in_a_unit_that_can_be_read(per_s: float, unit: str, shown: float) -> None:
    samples = _rows(offered_rps=[0.0, per_s, per_s], completed_rps=[0.0] * 3, failed_rps=[0.0] * 3)
    panel = _panels(samples)["Load"]
    assert panel.unit == f"attempts per {unit}"
    axes = figure(lambda f: panel.draw(f.add_subplot())).axes[0]
    sent = axes.lines[0].get_ydata()
    assert np.asarray(sent).max() == pytest.approx(shown)


def test_a_long_queue_gets_a_logarithmic_axis_with_a_zero() -> None:
    def scale(waiting: float) -> tuple[str, list[float]]:
        panel = _panels(_rows(running=[4.0, 4.0], waiting=[0.0, waiting]))["Requests"]
        axes = figure(lambda f: panel.draw(f.add_subplot())).axes[0]
        return axes.get_yscale(), axes.get_yticks().tolist()

    assert scale(40.0)[0] == "linear"
    assert scale(400.0) == ("symlog", [0.0, 10.0, 100.0])
    assert scale(40_000.0) == ("symlog", [0.0, 100.0, 10_000.0])


def test_means_are_of_all_samples_though_few_are_drawn() -> None:
    panel = _panels(_rows(running=[4.0, 4.0, 4.0, 8.0], waiting=[0.0] * 4))["Requests"]
    assert _legend(panel) == ["waiting (mean 0, most 0)", "running (mean 5.0, most 8)"]


def test_a_fleet_at_zero_all_the_time_is_drawn() -> None:
    samples = _rows(
        replicas_wanted=[0.0, 0.0], replicas_ready=[0.0, 0.0], usd_per_hour=[0.0, 0.0],
        offered_rps=[0.0, 0.0], completed_rps=[0.0, 0.0], failed_rps=[0.0, 0.0],
        running=[0.0, 0.0], waiting=[0.0, 0.0],
    )  # fmt: skip
    assert not changes(samples, "replicas_ready", "usd_per_hour")
    assert list(_panels(samples)) == ["Load", "Requests"]
    for panel in _panels(samples).values():
        figure(lambda f, p=panel: p.draw(f.add_subplot()))


def test_one_sample_is_drawn() -> None:
    fleet = timeline_fixture.launch_day()
    samples = Samples("main", tuple(fleet.rows[250:251]))
    for panel in _panels(samples, TTFT, TPOT).values():
        figure(lambda f, p=panel: p.draw(f.add_subplot()))
