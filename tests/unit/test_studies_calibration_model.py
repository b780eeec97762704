import math

import numpy as np
import pytest

from sim.scenario.pool import Pool
from sim.studies.calibration_model import OWN_ERROR, STEP_ERROR, Model
from sim.studies.calibration_parameters import parameters_of
from sim.studies.calibration_runs import BenchmarkRun, Load, Serving

POOL = Pool.model_validate(
    {
        "timing": {"knots_tokens": [1, 8192], "knots_s": [1.0, 1.0]},
        "kv_tokens": 100_000,
        "node": {"usd_per_hour": 1.0},
    }
)
ALONE = BenchmarkRun("x", "main", Load(1, None, (10,), (5,)), Serving(tpot_s=2.0, ttft_s=4.0))


def test_only_what_was_measured_is_compared() -> None:
    model = Model([ALONE], {"main": POOL}, replications=2)
    assert model.shown == [(0, "tpot_s"), (0, "ttft_s")]
    assert model.measured == pytest.approx([math.log(2.0), math.log(4.0)])
    values = {p: p.start for p in parameters_of([POOL])}
    assert model.logs(values) == pytest.approx([0.0, 0.0], abs=1e-4)
    assert model.figures(values)[0].output_tokens_per_s == pytest.approx(1.0, rel=1e-4)


def test_nothing_is_simulated_twice() -> None:
    told: list[int] = []
    model = Model([ALONE], {"main": POOL}, replications=5, counter=told.append)
    values = {p: p.start for p in parameters_of([POOL])}
    model.logs(values)
    model.logs(values)
    model.figures(values)
    assert model.simulations == 1  # nothing is drawn: one replication stands for all
    assert told == [1]


def test_a_lone_request_answers_to_step_times_in_proportion() -> None:
    model = Model([ALONE], {"main": POOL}, replications=2)
    trust = model.trust({p: p.start for p in parameters_of([POOL])})
    assert trust == pytest.approx(
        [math.hypot(OWN_ERROR["tpot_s"], STEP_ERROR), math.hypot(OWN_ERROR["ttft_s"], STEP_ERROR)],
        rel=1e-3,
    )


def test_slopes_by_hand() -> None:
    """Steps take a second: 0.01 s more per step are 1 % of TPOT and of TTFT."""
    model = Model([ALONE], {"main": POOL}, replications=2)
    parameters = parameters_of([POOL])
    values = {p: p.start for p in parameters}
    (step,) = [p for p in parameters if p.name == "per_step_s"]
    (first,) = [p for p in parameters if p.name == "first_token_s"]
    found = model.slopes(values, [step, first])
    assert found[:, 0] / step.vague == pytest.approx([1.0, 1.0], rel=1e-2)
    assert found[:, 1] / first.vague == pytest.approx([0.0, 1.0], rel=1e-2, abs=1e-6)


def test_chance_counts_where_arrivals_are_drawn() -> None:
    run = BenchmarkRun("x", "main", Load(20, 0.7, (10,), (5,)), Serving(ttft_s=1.0))
    values = {p: p.start for p in parameters_of([POOL])}
    spread = np.array(
        [Model([run], {"main": POOL}, seed=s, replications=1).logs(values)[0] for s in range(3)]
    )
    assert spread.std() > 0
    assert Model([run], {"main": POOL}, replications=3).trust(values)[0] > OWN_ERROR["ttft_s"]
