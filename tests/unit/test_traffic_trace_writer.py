"""Trace writer: exact lines, and requests that read back as they were."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from sim.traffic.batch import Batch
from sim.traffic.trace_writer import SUFFIXES, lines_of, until
from sim.traffic.traces import Trace

TEMPLATE = ((("template", "chat"), 600),)


def batch(*at_s: float, tokens: int = 1_500) -> Batch:
    n = len(at_s)
    return Batch(
        list(at_s), [0] * n, list(range(n)), [tokens] * n, [7] * n, [TEMPLATE] * n, [None] * n
    )


def test_lines_of_azure() -> None:
    lines = lines_of("azure", "wednesday")
    assert lines.header + lines.of(batch(0.0, 59.99999999, 86_400.5)) == (
        "TIMESTAMP,ContextTokens,GeneratedTokens\n"
        "2024-01-03 00:00:00.0000000,1500,7\n"
        "2024-01-03 00:01:00.0000000,1500,7\n"
        "2024-01-04 00:00:00.5000000,1500,7\n"
    )


def test_lines_of_mooncake() -> None:
    lines = lines_of("mooncake")
    first, second = lines.of(batch(0.0014, 3.0)).splitlines()
    shared = first.partition("[")[2].partition(",")[0]
    assert lines.header == ""
    assert first == (
        '{"timestamp": 1, "input_length": 1500, "output_length": 7, '
        f'"hash_ids": [{shared}, 0, 1]}}'
    )
    assert second == (
        '{"timestamp": 3000, "input_length": 1500, "output_length": 7, '
        f'"hash_ids": [{shared}, 2, 3]}}'
    )


def many() -> Iterator[Batch]:
    rng = np.random.default_rng(5)
    at_s = np.cumsum(rng.exponential(0.002, 5_000)) + 7.25
    for part in np.array_split(np.arange(5_000), 7):
        n = len(part)
        yield Batch(
            at_s[part].tolist(),
            [0] * n,
            part.tolist(),
            rng.integers(1, 9_000, n).tolist(),
            rng.integers(1, 900, n).tolist(),
            [None] * n,
            [None] * n,
        )


@pytest.mark.parametrize(("suffix", "exact_s"), [(".csv", 1e-7), (".jsonl", 1e-3)])
def test_what_is_written_reads_back(tmp_path: Path, suffix: str, exact_s: float) -> None:
    path = tmp_path / f"x{suffix}"
    lines = lines_of(SUFFIXES[suffix])
    path.write_text(lines.header + "".join(lines.of(one) for one in many()))
    read = list(Trace(path).requests())
    at_s = [at for one in many() for at in one.arrived_at_s]
    assert [r.input_tokens for r in read] == [n for one in many() for n in one.input_tokens]
    assert [r.output_tokens for r in read] == [n for one in many() for n in one.output_tokens]
    # The first request of a trace is time 0; both ends are rounded by half a unit at most.
    assert [r.at_s for r in read] == pytest.approx([at - at_s[0] for at in at_s], abs=exact_s)


def test_lines_do_not_depend_on_the_cut_into_batches() -> None:
    for format_ in SUFFIXES.values():
        one, two = lines_of(format_), lines_of(format_)
        assert one.of(batch(1.0, 2.0, 3.0)) == two.of(batch(1.0)) + two.of(batch(2.0, 3.0))


def test_until_ends_at_the_first_that_is_late_and_reads_no_further() -> None:
    def source() -> Iterator[Batch]:
        yield batch(1.0, 2.0)
        yield batch(3.0, 4.0, 5.0)
        raise AssertionError("read on")

    assert [one.arrived_at_s for one in until(source(), 4.0)] == [[1.0, 2.0], [3.0]]
    assert [len(one) for one in until(iter([batch(1.0), batch(2.0)]), 9.0)] == [1, 1]
    assert list(until(source(), 1.0)) == []
