"""Calibration fit: the parameters under which the simulator comes nearest; knows no clock.

Least squares on logarithms of figures, each over the error to be expected of it, with a loss that
a single odd figure cannot pull far. What the data do not show is not fitted: it keeps its start.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from sim.studies.calibration_model import Model
from sim.studies.calibration_parameters import Parameter

EVALUATIONS = 12
"""Most sets of parameters tried along the way of one fit, derivatives not counted."""

FIT_TOLERANCE = 1e-2
"""Relative gain of the sum of squares below which a fit has ended."""

TWINS = 0.8
"""Correlation from which two parameters are said to look alike to the data."""


@dataclass(frozen=True)
class Estimate:
    """What became of one parameter: fitted, or kept at its start for the reason that is given.

    `standard_error` counts both what the fit left over and what was expected, the larger one.
    """

    parameter: Parameter
    value: float
    standard_error: float | None = None
    kept: str | None = None


@dataclass(frozen=True)
class Fit:
    """Estimates in the order of the parameters, and how well they do.

    `misfit`: root mean square of (simulated - measured) / expected error; about 1 is as good as
    can be asked.
    """

    estimates: tuple[Estimate, ...]
    misfit: float

    @property
    def values(self) -> dict[Parameter, float]:
        """Value of each parameter."""
        return {one.parameter: one.value for one in self.estimates}


def fit(model: Model, parameters: Sequence[Parameter]) -> Fit:
    """Fit *parameters* to the runs of *model*.

    First all that the derivatives at the start show to be visible, then again without what turns
    out not to be, until every parameter that is left is known better than vaguely.
    """
    values = {one: one.start for one in parameters}
    kept: dict[Parameter, str] = {}
    slopes, trust = model.slopes(values, parameters), model.trust(values)
    free = _visible(list(parameters), slopes / trust[:, None], kept)
    while True:
        values, slopes, trust, misfit = _descend(model, values, free)
        left = _visible(list(free), slopes / trust[:, None], kept)
        if left == free:
            break
        for one in free:
            if one not in left:
                values[one] = one.start
        free = left
    errors = max(1.0, misfit) * _errors(slopes / trust[:, None])
    found = dict(zip(free, errors, strict=True))
    return Fit(
        tuple(
            Estimate(
                one, values[one], found[one] * one.vague if one in found else None, kept.get(one)
            )
            for one in parameters
        ),
        misfit,
    )


def _descend(
    model: Model, values: dict[Parameter, float], free: Sequence[Parameter]
) -> tuple[dict[Parameter, float], np.ndarray, np.ndarray, float]:
    """Least squares over *free* from *values* on: new values, derivatives, trust, misfit."""
    trust = model.trust(values)
    for _ in range(2 if free else 0):  # the second time with the trust that holds there
        values = _least_squares(model, values, free, trust)
        trust = model.trust(values)
    off = (model.logs(values) - model.measured) / trust
    spare = max(1, len(off) - len(free))
    misfit = float(np.sqrt(np.square(off).sum() / spare))
    return values, model.slopes(values, free), trust, misfit


def _least_squares(
    model: Model, values: dict[Parameter, float], free: Sequence[Parameter], trust: np.ndarray
) -> dict[Parameter, float]:
    """*values* with *free* where the residuals, each over its *trust*, are least."""
    from scipy.optimize import least_squares

    units = np.array([one.vague for one in free])
    low = np.array([one.low for one in free]) / units
    high = np.array([one.high for one in free]) / units
    start = np.array([values[one] for one in free]) / units

    def at(x: np.ndarray) -> dict[Parameter, float]:
        moved = {one: float(v) for one, v in zip(free, x * units, strict=True)}
        return {**values, **moved}

    def residuals(x: np.ndarray) -> np.ndarray:
        off: np.ndarray = (model.logs(at(x)) - model.measured) / trust
        return off

    def slopes(x: np.ndarray) -> np.ndarray:
        found: np.ndarray = model.slopes(at(x), free) / trust[:, None]
        return found

    found = least_squares(
        residuals,
        np.clip(start, low + 1e-6, high - 1e-6),  # inside the bounds, as scipy wants it
        jac=slopes,
        bounds=(low, high),
        loss="soft_l1",
        f_scale=2.0,
        ftol=FIT_TOLERANCE,
        xtol=FIT_TOLERANCE,
        max_nfev=EVALUATIONS,
    )
    return at(found.x)


def _visible(
    free: list[Parameter], slopes: np.ndarray, kept: dict[Parameter, str]
) -> list[Parameter]:
    """Those of *free* that these derivatives tell; the reasons of the others go into *kept*.

    The least known is given up first, since the rest may be clear once it is.
    """
    while free:
        errors = _errors(slopes)
        worst = int(np.argmax(errors))
        if errors[worst] <= 1.0:
            break
        kept[free[worst]] = _reason(free, slopes, worst)
        slopes = np.delete(slopes, worst, axis=1)
        free = [one for i, one in enumerate(free) if i != worst]
    return free


def _errors(slopes: np.ndarray) -> np.ndarray:
    """Standard errors in units of `vague`: sqrt of the diagonal of (J'J)^-1, huge if unseen."""
    figures, parameters = slopes.shape
    if not parameters:
        return np.zeros(0)
    square = np.vstack([slopes, np.zeros((max(0, parameters - figures), parameters))])
    _, sizes, axes = np.linalg.svd(square, full_matrices=False)
    floor = 1e-12 * max(1.0, float(sizes[0]))
    return np.asarray(np.sqrt(np.square(axes / np.maximum(sizes, floor)[:, None]).sum(axis=0)))


def _reason(free: Sequence[Parameter], slopes: np.ndarray, index: int) -> str:
    """Why the data do not tell parameter *index* of *free*: unseen, or like some other."""
    sizes = np.linalg.norm(slopes, axis=0)
    if sizes[index] < 1.0:
        return "these runs hardly depend on it"
    others = [i for i in range(len(free)) if i != index and sizes[i] > 0]
    alike = {
        i: abs(float(slopes[:, i] @ slopes[:, index])) / (sizes[i] * sizes[index]) for i in others
    }
    nearest = max(alike, key=lambda i: alike[i], default=None)
    if nearest is None or alike[nearest] < TWINS:
        return "these runs tell it only together with the others"
    return f"these runs cannot tell it from {free[nearest].title}"
