import numpy as np

from sim.ledger.records import HOSTED_REPLICA
from sim.ledger.tiers import TierMeter
from sim.ledger.tokens import OUTCOMES
from sim.ledger.usage import HostedCounts, TierCounts
from tests.unit.attempts import DONE, columns, meter, usage

REJECTED = OUTCOMES.index("rejected")


def test_requests_are_counted_in_the_tier_of_their_own_prompt() -> None:
    """100 tokens are not above 100; of four requests three were answered, one by the API."""
    found = usage(
        DONE,
        DONE | {"input_tokens": 101, "cached_input": 60},
        DONE | {"input_tokens": 500, "replica": HOSTED_REPLICA},
        {"input_tokens": 900, "outcome": REJECTED},
        api_edges_tokens=(100, 400),
    )
    assert (
        found.tiers
        == found.by_tier
        == (
            TierCounts(HostedCounts(1, 100, 0, 5), HostedCounts(1, 100, 0, 5), HostedCounts()),
            TierCounts(HostedCounts(1, 101, 60, 5), HostedCounts(1, 101, 60, 5), HostedCounts()),
            TierCounts(
                HostedCounts(2, 1400, 0, 10), HostedCounts(1, 500, 0, 5), HostedCounts(1, 500, 0, 5)
            ),
        )
    )


def test_tiers_sum_to_what_there_is_without_them() -> None:
    generator = np.random.default_rng(5)
    rows = [
        DONE | {"input_tokens": int(n), "cached_input": int(n) // 3, "outcome": int(o)}
        for n, o in zip(generator.integers(1, 900, 200), generator.integers(0, 2, 200), strict=True)
    ]
    (whole,) = usage(*rows).by_tier
    parts = usage(*rows, api_edges_tokens=(10, 300, 301)).tiers
    assert len(parts) == 4
    for kind in ("arrived", "answered", "hosted"):
        for name in ("requests", "input", "cached_input", "output"):
            total = sum(getattr(getattr(part, kind), name) for part in parts)
            assert total == getattr(getattr(whole, kind), name)


def test_chunk_by_chunk_is_the_same_as_at_once() -> None:
    rows = [DONE | {"input_tokens": n} for n in (5, 50, 500)]
    at_once = meter(*rows, api_edges_tokens=(20,)).route_usage(0)
    bit_by_bit = meter(rows[0], api_edges_tokens=(20,))
    bit_by_bit.read(columns(*rows[1:]))
    assert bit_by_bit.route_usage(0).tiers == at_once.tiers


def test_nobody_is_billed_for_health_checks_and_no_edges_count_nothing() -> None:
    assert usage(DONE, useful=False, api_edges_tokens=(20,)).tiers[1] == TierCounts()
    assert usage(DONE).tiers == ()
    assert usage(DONE, useful=False).by_tier[0].answered == HostedCounts()
    tiers = TierMeter([(), (7,)])
    tiers.read(columns(DONE | {"route": 0}, DONE | {"route": 1}), np.array([True, True]))
    assert tiers.of([0]) == ()
    assert tiers.of([1])[1].answered.requests == 1
