import math

import pytest

from sim.scenario.pool import Pool
from sim.studies.calibrate import calibrate, held_out
from sim.studies.calibration_parameters import applied, parameters_of
from sim.studies.calibration_replay import replay
from sim.studies.calibration_runs import BenchmarkRun, CalibrationError, Load, Serving

POOL = Pool.model_validate(
    {"model": "llama-3.1-8b", "gpu": "h100-nvl", "node": {"usd_per_hour": 1.0}}
)
TRUTH = {
    "per_step_s": 0.0008,
    "per_sequence_s": 60e-6,
    "per_prefill_step_s": 0.012,
    "first_token_s": 0.030,
    "compute_factor": 2.2,
}


def runs(rates: list[float], pool: str = "main", requests: int = 60) -> list[BenchmarkRun]:
    """Runs of an engine with the numbers of `TRUTH`, on arrivals that the fit does not know."""
    engine = applied(POOL, {p: TRUTH[p.name] for p in parameters_of([POOL])})
    found = []
    for rps in rates:
        load = Load(requests, rps, (512,), (250,))
        clean = replay(BenchmarkRun("", pool, load, Serving()), engine, seed=99)
        noise = 1.01 if len(found) % 2 else 0.99
        serving = Serving(
            (clean.output_tokens_per_s or 0) * noise,
            (clean.tpot_s or 0) * noise,
            (clean.ttft_s or 0) / noise,
        )
        found.append(BenchmarkRun(f"{rps:g}", pool, load, serving))
    return found


def test_known_numbers_are_found_again() -> None:
    found = calibrate(
        {"main": POOL},
        runs([1.0, 5.0, 10.0, 25.0, 200.0], requests=200),
        hold_out="none",
        replications=2,
    )
    fitted = {one.parameter.name: one for one in found.fit.estimates if not one.kept}
    assert fitted.keys() == TRUTH.keys()
    for name, one in fitted.items():
        assert one.standard_error is not None
        assert abs(one.value - TRUTH[name]) < 3 * one.standard_error, name
        assert abs(one.value - TRUTH[name]) < 0.5 * abs(one.parameter.start - TRUTH[name]), name
    assert found.fit.misfit < 1.5
    for figure in ("output_tokens_per_s", "tpot_s"):
        before, after = found.error(figure, "before"), found.error(figure, "after")
        assert before is not None
        assert after is not None
        assert after < 0.3 * before
        assert found.error(figure, "unseen") is None


def test_runs_held_out_are_predicted_by_a_fit_that_did_not_see_them() -> None:
    others = [name for name in TRUTH if name != "compute_factor"]
    truth = {p: TRUTH[p.name] for p in parameters_of([POOL]) if p.name in others}
    engine = {"main": applied(POOL, truth)}
    found = calibrate(engine, runs([1.0, 30.0, 60.0, 200.0]), fixed=others, replications=2)
    assert [c.unseen is not None for c in found.compared] == [False, True, False, True]
    for fit in (found.fit, found.without):
        assert fit is not None
        (one,) = fit.estimates
        assert abs(one.value - TRUTH["compute_factor"]) < 3 * (one.standard_error or 0)
    assert found.fit != found.without
    before, unseen = found.error("tpot_s", "before"), found.error("tpot_s", "unseen")
    assert before is not None
    assert unseen is not None
    assert unseen < 0.5 * before


def test_one_run_cannot_tell_five_numbers() -> None:
    found = calibrate({"main": POOL}, runs([200.0], requests=30), replications=2)
    kept = {one.parameter.name: one for one in found.fit.estimates if one.kept}
    assert len(kept) >= 2
    assert all(one.value == one.parameter.start for one in kept.values())
    assert found.without is None
    assert math.isclose(found.compared[0].run.load.rps or 0, 200.0)


def some(pool: str, *rates: float) -> list[BenchmarkRun]:
    return [BenchmarkRun("", pool, Load(1, r, (1,), (1,)), Serving(1.0)) for r in rates]


def test_what_is_held_out() -> None:
    three, four = some("a", 1, 2, 3), some("b", 1, 2, 3, 4)
    assert held_out(three + four, "every-other") == (four[1], four[3])
    assert held_out(three + four, "none") == ()
    assert held_out(three + four, "pool:a") == tuple(three)
    assert held_out(three, "1,3") == (three[0], three[2])


@pytest.mark.parametrize(
    ("rule", "message"),
    [
        ("half", "hold-out 'half' is not understood; allowed: every-other, none, rates such as"),
        ("1,7", "hold-out '1,7': no run has the rate 7; there is 1, 2, 3"),
        ("pool:b", "hold-out 'pool:b': no run is of pool 'b'; there is a"),
        ("1,2,3", "hold-out '1,2,3' leaves no run to fit"),
    ],
)
def test_rules_that_cannot_be(rule: str, message: str) -> None:
    with pytest.raises(CalibrationError) as caught:
        calibrate({"a": POOL}, some("a", 1, 2, 3), hold_out=rule)
    assert str(caught.value).startswith(message)


def test_results_without_figures() -> None:
    empty = [BenchmarkRun("", "a", Load(1, 1.0, (1,), (1,)), Serving())]
    with pytest.raises(CalibrationError, match="no throughput, TPOT or TTFT"):
        calibrate({"a": POOL}, empty)
