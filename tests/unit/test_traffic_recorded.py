"""Recorded lengths: the law of a file's column, and everything that can be wrong with one."""

from __future__ import annotations

import csv
import gzip
import os
from pathlib import Path

import numpy as np
import pytest

from sim.traffic.recorded import recorded_lengths
from sim.traffic.trace_text import TraceError
from tests.datadir import data_path

THIRDS = (np.arange(3) + 0.5) / 3


def written(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "lengths.csv"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_row_counts_alike(tmp_path: Path) -> None:
    law = recorded_lengths(written(tmp_path, "id,tokens\na,30\nb,10\nc,30.0\n"), "tokens")
    assert law.quantile(THIRDS).tolist() == [10.0, 30.0, 30.0]


def test_weights_count_as_they_say(tmp_path: Path) -> None:
    path = written(tmp_path, "n;share\n1;0.25\n400;2.5e-1\n7;0.5\n9;0\n")
    law = recorded_lengths(path, "n", "share")
    assert law.values.tolist() == [1.0, 7.0, 400.0]
    assert law.survival(np.array([1.0, 7.0, 399.0])).tolist() == [0.75, 0.25, 0.25]


def test_gzip_is_told_by_its_first_bytes(tmp_path: Path) -> None:
    path = tmp_path / "lengths.csv"
    path.write_bytes(gzip.compress(b"n\n5\n6\n"))
    assert recorded_lengths(path, "n").values.tolist() == [5.0, 6.0]


def test_a_file_is_read_again_only_when_it_changed(tmp_path: Path) -> None:
    path = written(tmp_path, "n,m\n5,1\n")
    first = recorded_lengths(path, "n")
    assert recorded_lengths(path, "n") is first
    assert recorded_lengths(path, "m").values.tolist() == [1.0]
    path.write_text("n,m\n8,1\n")
    os.utime(path, ns=(1, 1))
    assert recorded_lengths(path, "n").values.tolist() == [8.0]


def test_many_rows_keep_only_distinct_values(tmp_path: Path) -> None:
    path = written(tmp_path, "n\n" + "17\n18\n18\n" * 50_000)
    law = recorded_lengths(path, "n")
    assert law.values.tolist() == [17.0, 18.0]
    assert law.survival(np.array([17.0]))[0] == pytest.approx(2 / 3, rel=1e-12)


BAD_TOKENS = "; allowed: a whole number from 1 to 1000000000"
BAD_WEIGHT = "; allowed: a number from 0 to 1e+15"


@pytest.mark.parametrize(
    ("text", "weight", "message"),
    [
        ("n,w\n5,1\n0,1\n", None, "3: n is '0'" + BAD_TOKENS),
        ("n,w\n5,1\n-4,1\n", None, "3: n is '-4'" + BAD_TOKENS),
        ("n,w\n2.5,1\n", None, "2: n is '2.5'" + BAD_TOKENS),
        ("n,w\nnan,1\n", None, "2: n is 'nan'" + BAD_TOKENS),
        ("n,w\ninf,1\n", None, "2: n is 'inf'" + BAD_TOKENS),
        ("n,w\n,1\n", None, "2: n is ''" + BAD_TOKENS),
        ("n,w\nmany,1\n", None, "2: n is 'many'" + BAD_TOKENS),
        ("n,w\n1e10,1\n", None, "2: n is '1e10'" + BAD_TOKENS),
        ("n,w\n5,1\n\n5,-1\n", "w", "4: w is '-1'" + BAD_WEIGHT),
        ("n,w\n5,nan\n", "w", "2: w is 'nan'" + BAD_WEIGHT),
        ("n,w\n5,inf\n", "w", "2: w is 'inf'" + BAD_WEIGHT),
        ("n,w\n5,\n", "w", "2: w is ''" + BAD_WEIGHT),
        ("n,w\n5,0\n6,0\n", "w", " has no row whose w is above 0; allowed: one or more"),
        ("n,w\n", None, " has a header and no rows; allowed: one row or more"),
        ("", None, " is empty; allowed: a header and at least one row"),
        ("m,w\n5,1\n", None, "1: no column 'n' (column); found: 'm', 'w'"),
        ("N,w\n5,1\n", None, "1: no column 'n' (column), did you mean 'N'?; found: 'N', 'w'"),
        ("n,m\n5,1\n", "w", "1: no column 'w' (weight); found: 'n', 'm'"),
        ("n,n\n5,1\n", None, "1: the column 'n' is there 2 times; allowed: once"),
        ("n,w\n5\n", None, "2: has 1 cells, the header has 2"),
    ],
)
def test_what_is_wrong_is_said_with_its_line(
    tmp_path: Path, text: str, weight: str | None, message: str
) -> None:
    path = written(tmp_path, text)
    with pytest.raises(TraceError) as caught:
        recorded_lengths(path, "n", weight)
    assert str(caught.value) == f"{path}:{message}"


def test_binary_and_missing_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "lengths.csv"
    with pytest.raises(TraceError, match="cannot be read"):
        recorded_lengths(path, "n")
    with pytest.raises(TraceError, match="cannot be read"):
        recorded_lengths(tmp_path, "n")
    path.write_bytes(b"PAR1....")
    with pytest.raises(TraceError, match="is a Parquet file"):
        recorded_lengths(path, "n")
    path.write_bytes(gzip.compress(b"n\n" + b"5\n" * 9_000)[:40])
    with pytest.raises(TraceError, match="ends too early"):
        recorded_lengths(path, "n")


@pytest.mark.data
def test_a_public_file_of_lengths_comes_back_as_it_is() -> None:
    path = data_path("traces/vidur_arxiv_summarization_lengths.csv.gz")
    with gzip.open(path, "rt") as file:
        known = np.array([int(row["num_decode_tokens"]) for row in csv.DictReader(file)])
    law = recorded_lengths(path, "num_decode_tokens")
    n = len(known)
    assert law.quantile((np.arange(n) + 0.5) / n).tolist() == np.sort(known).tolist()


@pytest.mark.data
def test_a_public_histogram_keeps_its_mean() -> None:
    path = data_path("traces/servegen_deepseek-r1_output_tokens_pmf.csv.gz")
    with gzip.open(path, "rt") as file:
        rows = [(float(row["value"]), float(row["prob"])) for row in csv.DictReader(file)]
    values, shares = np.array(rows).T
    law = recorded_lengths(path, "value", "prob")
    drawn = law.quantile((np.arange(1_000_000) + 0.5) / 1_000_000)
    assert drawn.mean() == pytest.approx((values * shares).sum() / shares.sum(), rel=1e-4)
