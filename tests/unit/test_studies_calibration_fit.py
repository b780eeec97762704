"""The fit, on a model whose figures are given by a formula: exact answers are known."""

from collections.abc import Mapping, Sequence

import numpy as np
import pytest

from sim.studies.calibration_fit import fit
from sim.studies.calibration_parameters import Parameter

A, B, C = (Parameter(name, "host", 1.0, 0.0, 50.0, 1.0) for name in "abc")


class Linear:
    """Logarithms of figures that are linear in the parameters: design @ values."""

    def __init__(self, design: Sequence[Sequence[float]], truth: Sequence[float]) -> None:
        self.parameters = [A, B, C][: len(truth)]
        self.design = np.array(design, dtype=float)
        self.measured = self.design @ np.array(truth)

    def logs(self, values: Mapping[Parameter, float]) -> np.ndarray:
        return np.asarray(self.design @ np.array([values[p] for p in self.parameters]))

    def trust(self, _: object) -> np.ndarray:
        return np.full(len(self.design), 0.5)

    def slopes(self, _: object, free: Sequence[Parameter]) -> np.ndarray:
        return self.design[:, [self.parameters.index(p) for p in free]]


def fitted(design: Sequence[Sequence[float]], truth: Sequence[float]) -> dict[str, object]:
    model = Linear(design, truth)
    found = fit(model, model.parameters)  # type: ignore[arg-type]
    return {one.parameter.name: one for one in found.estimates} | {"misfit": found.misfit}


def test_a_linear_model_is_solved_with_its_standard_errors() -> None:
    found = fitted([[2, 0], [0, 4], [2, 0]], [3.0, 5.0])
    a, b = found["a"], found["b"]
    assert (a.value, b.value) == pytest.approx((3.0, 5.0), rel=1e-2)  # type: ignore[attr-defined]
    # Two figures of slope 2, each known to 0.5: 0.5 / (2 sqrt 2); one of slope 4: 0.5 / 4.
    assert a.standard_error == pytest.approx(0.5 / (2 * 2**0.5))  # type: ignore[attr-defined]
    assert b.standard_error == pytest.approx(0.125)  # type: ignore[attr-defined]
    assert found["misfit"] == pytest.approx(0.0, abs=0.1)


def test_what_nothing_depends_on_is_kept() -> None:
    found = fitted([[2, 0], [2, 0]], [3.0, 5.0])
    assert found["b"].value == 1.0  # type: ignore[attr-defined]
    assert found["b"].kept == "these runs hardly depend on it"  # type: ignore[attr-defined]
    assert found["b"].standard_error is None  # type: ignore[attr-defined]
    assert found["a"].value == pytest.approx(3.0, rel=1e-2)  # type: ignore[attr-defined]


def test_of_two_that_look_alike_one_is_kept_and_named() -> None:
    found = fitted([[2, 1.9], [4, 3.8], [1, 0.95]], [1.0, 3.0])
    kept = [one for one in (found["a"], found["b"]) if one.kept]  # type: ignore[attr-defined]
    (one,) = kept
    other = {"a": "b", "b": "a"}[one.parameter.name]  # type: ignore[attr-defined]
    assert one.kept == f"these runs cannot tell it from {other}"  # type: ignore[attr-defined]
    assert one.value == 1.0  # type: ignore[attr-defined]


def test_fewer_figures_than_parameters() -> None:
    found = fitted([[2, 1, 1]], [2.0, 1.0, 1.0])
    kept = [name for name in "abc" if found[name].kept]  # type: ignore[attr-defined]
    assert len(kept) == 2


def test_no_parameter_visible_is_an_answer_too() -> None:
    found = fitted([[0.0], [0.0]], [2.0])
    assert found["a"].kept  # type: ignore[attr-defined]


def test_a_bound_is_kept() -> None:
    found = fitted([[2]] * 8, [-1.0])
    assert found["a"].value == pytest.approx(0.0, abs=1e-3)  # type: ignore[attr-defined]
    assert found["misfit"] > 2  # type: ignore[operator]
