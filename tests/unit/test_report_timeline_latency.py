from typing import TYPE_CHECKING, Any

import numpy as np
import pytest

from sim.report.canvas import figure
from sim.report.timeline_latency import LATENCIES, Target, draw_latency
from sim.report.timeseries import WAITING, Samples

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TTFT, TPOT = LATENCIES


def _samples(values: list[float | None], **more: float) -> Samples:
    """Samples a minute apart; each after the first has the value and what goes with it."""
    rows: list[dict[str, Any]] = [{"t_s": 0.0}]
    for number, value in enumerate(values, 1):
        answered = {"completed_rps": 0.0 if value is None else 1.0}
        rows.append(
            {"t_s": 60.0 * number, "ttft_p95_s": value, "tpot_p95_s": value, **answered, **more}
        )
    return Samples("p", tuple(rows))


def _drawn(samples: Samples, *targets: Target, latency: Any = TTFT) -> "Axes":
    def draw(drawn: Any) -> None:
        drawn.set_layout_engine("none")
        draw_latency(drawn.add_axes((0.1, 0.1, 0.8, 0.8)), samples, latency, targets)

    return figure(draw, 8.0, 1.4).axes[0]


def _legend(axes: "Axes") -> list[str]:
    legend = axes.get_legend()
    return [] if legend is None else [text.get_text() for text in legend.get_texts()]


def _words(axes: "Axes") -> list[str]:
    return [text.get_text() for text in axes.texts]


def _targets(*seconds: float) -> list[Target]:
    return [Target("ttft", f"r{number}", at) for number, at in enumerate(seconds)]


@pytest.mark.parametrize(("offered", "waiting"), [(1.0, 0.0), (0.0, 5.0)])
def test_a_time_without_answers_is_told_from_one_without_requests(
    offered: float, waiting: float
) -> None:
    values: list[float | None] = [0.5, None, 0.5]
    quiet = _samples(values, offered_rps=0.0, **{WAITING: 0.0})
    assert _legend(_drawn(quiet)) == []
    stuck = _samples(values, offered_rps=offered, **{WAITING: waiting})
    assert _legend(_drawn(stuck)) == ["nothing was answered"]


def test_above_the_slo_is_marked_and_at_it_is_not() -> None:
    target = Target("ttft", "chat", 0.5)
    assert _legend(_drawn(_samples([0.5, 0.5]), target)) == []
    assert _legend(_drawn(_samples([0.5, 0.6]), target)) == ["above the SLO"]
    assert _legend(_drawn(_samples([0.5, 0.6]), *_targets(0.5, 3.0))) == ["above the least SLO"]


def test_times_per_token_are_in_milliseconds() -> None:
    axes = _drawn(_samples([0.03, 0.03]), Target("tpot", "chat", 0.04), latency=TPOT)
    assert np.asarray(axes.lines[0].get_ydata()).tolist() == [30.0, 30.0]
    assert _words(axes) == ["SLO 40 ms"]


def test_targets_are_those_of_the_metric() -> None:
    assert _words(_drawn(_samples([0.5, 0.5]), Target("tpot", "chat", 0.04))) == []


def test_one_target_is_the_slo_and_several_are_told_apart() -> None:
    assert _words(_drawn(_samples([0.1, 0.1]), *_targets(1.0, 1.0))) == ["SLO 1 s"]
    assert _words(_drawn(_samples([0.1, 0.1]), *_targets(9.0, 1.0))) == ["r1: 1 s", "r0: 9 s"]


def test_targets_that_are_close_together_are_told_together() -> None:
    near = _drawn(_samples([0.1, 0.1]), *_targets(1.0, 1.01, 1.02))
    assert _words(near) == ["r0: 1 s, r1: 1.01 s, r2: 1.02 s"]
    many = _drawn(_samples([0.1, 0.1]), *_targets(1.0, 1.01, 1.02, 1.03))
    assert _words(many) == ["4 SLOs: 1 to 1.03 s"]
    shared = _drawn(_samples([0.1, 0.1]), *_targets(1.0, 1.0, 1.0, 1.0, 9.0))
    assert _words(shared) == ["r0, r1 and 2 more: 1 s", "r4: 9 s"]


def test_values_far_apart_get_a_logarithmic_axis() -> None:
    assert _drawn(_samples([0.5, 9.0])).get_yscale() == "linear"
    assert _drawn(_samples([0.5, 11.0])).get_yscale() == "log"
    assert _drawn(_samples([0.5, 0.5]), *_targets(30.0)).get_yscale() == "log"


def test_a_single_sample_and_zeros_are_drawn() -> None:
    assert _drawn(Samples("p", ({"t_s": 0.0},))).get_yscale() == "linear"
    assert _drawn(_samples([0.0, 0.0])).get_yscale() == "linear"
