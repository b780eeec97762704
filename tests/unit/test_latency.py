import numpy as np
import pytest

from sim.ledger.latency import figures, latencies
from sim.ledger.usage import Figures


def test_latencies_by_hand() -> None:
    """Clocks from the arrival of the request; one token has no time per token after the first."""
    columns = {
        "arrived_at_s": np.array([5.0, 0.0]),
        "first_token_at_s": np.array([6.0, 2.0]),
        "finished_at_s": np.array([10.0, 2.0]),
        "output_tokens": np.array([5, 1]),
    }
    found = latencies(columns)
    assert found[0].tolist() == [1.0, 1.0, 5.0]
    assert found[1, [0, 2]].tolist() == [2.0, 2.0]
    assert np.isnan(found[1, 1])


@pytest.mark.parametrize(("quantile", "needed"), [("p50", 20), ("p95", 200), ("p99", 1000)])
def test_a_quantile_needs_ten_samples_beyond_it(quantile: str, needed: int) -> None:
    assert getattr(figures(np.ones(needed)), quantile) == 1.0
    assert getattr(figures(np.ones(needed - 1)), quantile) is None


def test_figures_by_hand() -> None:
    """Of 0 … 1000 the quantile q is 1000 q; what is not a number is not there."""
    samples = np.append(np.arange(1001.0), [np.nan])[::-1]
    assert figures(samples) == Figures(500.0, 500.0, 950.0, 990.0, n=1001)
    assert figures(np.array([np.nan])) == Figures()
