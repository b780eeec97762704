import os
import subprocess
import sys

import numpy as np
import pytest

from sim.streams import Keyed, Streams


def draws(*key: str | int, seed: int = 7, replication: int = 0, n: int = 4) -> list[float]:
    purpose, *owner = key
    drawn: list[float] = Streams(seed, replication).of(str(purpose), *owner).random(n).tolist()
    return drawn


def test_equal_keys_draw_equal_numbers() -> None:
    assert draws("arrivals", "chat") == draws("arrivals", "chat")


@pytest.mark.parametrize(
    "other",
    [
        draws("input", "chat"),  # another purpose
        draws("arrivals", "code"),  # another owner
        draws("arrivals"),  # no owner
        draws("arrivals", "chat", 0),  # one of the owner's parts
        draws("arrivals", "chat", seed=8),
        draws("arrivals", "chat", replication=1),
    ],
)
def test_any_other_key_draws_other_numbers(other: list[float]) -> None:
    assert not set(draws("arrivals", "chat")) & set(other)


def test_parts_of_a_key_keep_their_type_and_their_bounds() -> None:
    assert draws("retry", "chat", 1) != draws("retry", "chat", "1")
    assert draws("retry", "ab", "c") != draws("retry", "a", "bc")


def test_a_stream_starts_afresh_whatever_was_drawn_before() -> None:
    streams = Streams(7)
    streams.of("arrivals", "chat").random(1000)
    streams.of("input", "chat").random()
    assert streams.of("arrivals", "chat").random(4).tolist() == draws("arrivals", "chat")


def test_streams_of_neighbours_are_uncorrelated() -> None:
    """Of 10,000 pairs a correlation beyond 0.04 (four sigma) would be no accident."""
    rows = [draws("input", f"r{i}", n=10_000) for i in range(6)]
    rows += [draws("input", "r0", replication=i, n=10_000) for i in range(1, 4)]
    between = np.corrcoef(rows)[np.triu_indices(len(rows), 1)]
    assert np.abs(between).max() < 0.04


def test_another_process_with_another_hash_seed_draws_the_same() -> None:
    code = """
from sim.streams import Keyed, Streams
print(Streams(7).of("arrivals", "chat").random(4).tolist())
"""
    env = {**os.environ, "PYTHONHASHSEED": "12345", "PYTHONPATH": os.pathsep.join(sys.path)}
    told = subprocess.run(
        [sys.executable, "-c", code], env=env, check=True, capture_output=True, text=True
    )
    assert told.stdout.strip() == str(draws("arrivals", "chat"))


def test_snapshot_of_a_stream() -> None:
    """A snapshot, not a law: another value here changes every result that was ever reported."""
    raw = Streams(7).of("arrivals", "chat").bit_generator.random_raw(2)
    assert raw.tolist() == [9615199492451727432, 15273896330903488553]


# -- draws by number ------------------------------------------------------------------------------


def keyed(*key: str | int, seed: int = 7) -> Keyed:
    purpose, *owner = key
    return Streams(seed).keyed(str(purpose), *owner)


def test_a_number_has_its_draw_whenever_it_is_asked_for() -> None:
    one, other = keyed("clients", "chat"), keyed("clients", "chat")
    first = [one.uniform(n, 1) for n in range(50)]
    assert [other.uniform(n, 1) for n in reversed(range(50))] == first[::-1]


def test_any_other_number_purpose_owner_or_seed_has_another() -> None:
    drawn = [
        keyed("clients", "chat").uniform(*numbers)
        for numbers in ((1,), (2,), (1, 0), (1, 1), (0, 1), (1, 1, 0), (-1,))
    ]
    drawn += [
        of.uniform(1)
        for of in (
            keyed("clients", "code"),
            keyed("faults", "chat"),
            keyed("clients", "chat", seed=8),
        )
    ]
    assert len(set(drawn)) == len(drawn)


def test_draws_are_uniform_along_every_number() -> None:
    """20,000 along the first, the second and both: Kolmogorov-Smirnov below its 0.1 % bound."""
    of, n = keyed("nodes", "main"), 20_000
    rows = [
        [of.uniform(i, 3) for i in range(n)],
        [of.uniform(5, i) for i in range(n)],
        [of.uniform(i, i) for i in range(n)],
        [of.uniform(i % 141, i // 141) for i in range(n)],
    ]
    for row in rows:
        ordered = np.sort(row)
        assert 0.0 <= ordered[0] <= ordered[-1] < 1.0
        distance = np.abs(ordered - (np.arange(n) + 0.5) / n).max() + 0.5 / n
        assert distance < 1.95 / np.sqrt(n)
    between = np.corrcoef([*rows[:3], rows[0][1:] + rows[0][:1]])
    assert np.abs(between[np.triu_indices(4, 1)]).max() < 4 / np.sqrt(n)


def test_snapshot_of_a_draw_by_number() -> None:
    """A snapshot, not a law: another value here changes every failure that was ever reported."""
    assert keyed("faults", "main").uniform(3, 1) == 0.27725632185587634
