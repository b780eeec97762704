import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from sim.serving.run import TICK_S, Run


def run(begin_s: float = 0.0, first_s: float = 1.0, growth_s: float = 0.0, count: int = 1) -> Run:
    found = Run()
    found.lead_begin_s = found.begin_s = begin_s
    found.first_s, found.growth_s, found.count = first_s, growth_s, count
    found.end_s = found.boundary_s(count)
    return found


def boundaries(of: Run, count: int) -> list[float]:
    """Step by step: step j lasts first + growth j."""
    at_s = [of.begin_s]
    for step in range(count):
        at_s.append(at_s[-1] + of.first_s + of.growth_s * step)
    return at_s


begins = st.floats(-1e5, 1e6)
firsts = st.floats(1e-3, 2.0)
growths = st.one_of(st.just(0.0), st.floats(1e-9, 1e-3))


def test_steps_grow_by_hand() -> None:
    """From 10: steps of 2, 2.5, 3 and 3.5 s."""
    of = run(10.0, 2.0, 0.5, 4)
    assert [of.boundary_s(step) for step in range(5)] == [10.0, 12.0, 14.5, 17.5, 21.0]
    assert of.last_begin_s() == 17.5


@settings(deadline=None)
@given(begins, firsts, growths, st.integers(0, 2000))
def test_the_closed_form_is_the_loop(
    begin_s: float, first_s: float, growth_s: float, count: int
) -> None:
    of = run(begin_s, first_s, growth_s, count)
    looped = boundaries(of, count)[-1]
    assert of.boundary_s(count) == pytest.approx(looped, rel=1e-9, abs=1e-9)


def test_the_last_step_of_an_empty_run_is_its_lead() -> None:
    of = run(10.0, count=0)
    of.lead_begin_s = 7.0
    assert of.last_begin_s() == 7.0
    of.count = 1
    assert of.last_begin_s() == 10.0


@pytest.mark.parametrize(
    ("at_s", "step"),
    [
        (-5.0, 0), (10.0, 0),  # not after the begin
        (10.5, 1), (12.0, 1), (12.1, 2), (14.5, 2), (14.6, 3), (21.0, 4), (21.1, 5),
        (12.0 + 0.9e-6, 1), (12.0 + 1.1e-6, 2),  # a tick is granted, no more
    ],
)  # fmt: skip
def test_the_boundary_after_by_hand(at_s: float, step: int) -> None:
    assert run(10.0, 2.0, 0.5, 4).boundary_after(at_s) == step


@settings(deadline=None)
@given(begins, firsts, growths, st.integers(0, 300), st.floats(-0.1, 1.0))
def test_the_boundary_after_is_the_first_one_that_is_not_before(
    begin_s: float, first_s: float, growth_s: float, step: int, within: float
) -> None:
    of = run(begin_s, first_s, growth_s)
    at_s = of.boundary_s(step) + within * (of.boundary_s(step + 1) - of.boundary_s(step))
    reached = [of.boundary_s(k) + TICK_S - at_s for k in range(step + 3)]
    assume(min(map(abs, reached)) > 1e-8)  # rounding may decide who is a tick late, nothing else
    assert of.boundary_after(at_s) == next(k for k, by_s in enumerate(reached) if by_s > 0)


@settings(deadline=None)
@given(begins, firsts, growths, st.integers(0, 10_000), st.sampled_from([-0.9, 0.0, 0.9]))
def test_the_boundary_after_itself_give_or_take_less_than_a_tick(
    begin_s: float, first_s: float, growth_s: float, step: int, ticks: float
) -> None:
    of = run(begin_s, first_s, growth_s)
    assert of.boundary_after(of.boundary_s(step) + ticks * TICK_S) == step


def test_a_cut_only_makes_it_shorter() -> None:
    of = run(10.0, 2.0, 0.5, 4)
    assert not of.cut(4)
    assert not of.cut(9)
    assert (of.count, of.end_s) == (4, 21.0)
    assert of.cut(2)
    assert (of.count, of.end_s) == (2, 14.5)
    assert of.cut(0)
    assert (of.count, of.end_s) == (0, 10.0)
