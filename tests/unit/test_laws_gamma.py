"""Gamma quantiles: the table against the incomplete gamma function, at all shapes in use."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import special

from sim.laws.gamma import Gamma, gamma_quantiles

LEVELS = np.concatenate(
    (
        np.random.default_rng(32).random(4_000),
        np.geomspace(2.0**-52, 0.5, 1_000),
        1.0 - np.geomspace(2.0**-53, 0.5, 1_000),
    )
)


def exact(shape: float) -> np.ndarray:
    low, high = special.gammaincinv(shape, LEVELS), special.gammainccinv(shape, 1.0 - LEVELS)
    found: np.ndarray = np.where(LEVELS < 0.5, low, high)
    return found


@pytest.mark.parametrize(
    ("shape", "error"),
    [
        (0.01, 2e-4),
        (0.05, 2e-4),
        (0.1, 2e-5),
        (0.5, 2e-5),
        (1.0, 1e-12),
        (2.5, 2e-5),
        (10.0, 2e-5),
        (1e3, 2e-5),
        (1e6, 2e-5),
    ],
)
def test_the_table_is_exact_to_its_stated_error(shape: float, error: float) -> None:
    known = exact(shape)
    seen = known > 1e-290
    assert seen.mean() > 0.85
    assert gamma_quantiles(LEVELS, shape)[seen] == pytest.approx(known[seen], rel=error)


def test_quantiles_never_fall_and_stay_above_zero() -> None:
    u = np.sort(np.concatenate(([0.0], LEVELS)))
    for shape in (0.01, 0.7, 40.0):
        x = gamma_quantiles(u, shape)
        assert (np.diff(x) >= 0.0).all()
        assert x[0] > 0.0
        assert np.isfinite(x).all()


def test_a_scale_multiplies() -> None:
    u = np.linspace(0.0, 0.99, 50)
    assert Gamma(0.5, 6.0).quantile(u) == pytest.approx(6.0 * gamma_quantiles(u, 0.5), rel=1e-15)
