import builtins
import csv
import gzip
import io
from typing import Any

import numpy as np
import pytest

from sim.report.attempts import COLUMNS, Chunk, file_name, write_attempts


def _chunk(n: int = 2) -> dict[str, Any]:
    chunk: dict[str, Any] = {
        k: np.arange(n, dtype=np.int64) for k, t in COLUMNS.items() if t is int
    }
    chunk |= {k: np.linspace(0.1, 0.2, n) for k, t in COLUMNS.items() if t is float}
    chunk |= {
        "route": np.array(["chat"] * n),
        "outcome": np.array(["rejected"] + ["completed"] * (n - 1)),
        "pool": np.array(["main"] * n),
    }
    del chunk["usd"]
    chunk["first_token_at_s"][0] = np.nan
    return chunk


def _usd(chunk: Chunk) -> np.ndarray:
    return chunk["input_tokens"] * 0.5


def _written(name: str, chunks: list[Chunk]) -> bytes:
    out = io.BytesIO()
    assert write_attempts(name, out, iter(chunks), _usd) == sum(len(c["route"]) for c in chunks)
    return out.getvalue()


def test_csv_has_the_contract_s_columns_and_empty_cells_for_what_never_was() -> None:
    text = gzip.decompress(_written("requests.csv.gz", [_chunk(), _chunk(1)])).decode()
    rows = list(csv.DictReader(io.StringIO(text)))
    assert list(rows[0]) == list(COLUMNS)
    assert len(rows) == 3
    assert rows[0]["first_token_at_s"] == ""
    assert rows[1]["first_token_at_s"] == "0.2"
    assert rows[1]["usd"] == "0.5"
    assert rows[1]["attempt"] == "1"


def test_csv_is_the_same_each_time() -> None:
    assert _written("requests.csv.gz", [_chunk()]) == _written("requests.csv.gz", [_chunk()])


def test_csv_defuses_formulas() -> None:
    chunk = _chunk(1)
    chunk["route"] = np.array(["=cmd()"])
    assert b"'=cmd()" in gzip.decompress(_written("requests.csv.gz", [chunk]))


def test_parquet_has_the_same_columns_types_and_nulls() -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    table = pq.read_table(io.BytesIO(_written("requests.parquet", [_chunk(), _chunk(3)])))
    assert table.column_names == list(COLUMNS)
    assert table.num_rows == 5
    assert table["first_token_at_s"].to_pylist()[0] is None
    assert str(table.schema.field("input_tokens").type) == "int64"
    assert table["outcome"].to_pylist()[:2] == ["rejected", "completed"]


@pytest.mark.parametrize("name", ["requests.parquet", "requests.csv.gz"])
def test_no_attempts_give_a_file_with_columns_alone(name: str) -> None:
    pytest.importorskip("pyarrow")
    content = _written(name, [])
    if name.endswith("gz"):
        assert gzip.decompress(content).decode() == ",".join(COLUMNS) + "\n"
    else:
        import pyarrow.parquet as pq

        assert pq.read_table(io.BytesIO(content)).column_names == list(COLUMNS)


def test_integers_that_may_be_missing() -> None:
    pq = pytest.importorskip("pyarrow.parquet")
    chunk = _chunk(2)
    chunk["replica"] = np.array([np.nan, 3.0])
    table = pq.read_table(io.BytesIO(_written("requests.parquet", [chunk])))
    assert table["replica"].to_pylist() == [None, 3]
    assert b",,0.1" in gzip.decompress(_written("requests.csv.gz", [chunk]))


def test_without_pyarrow_it_is_csv(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert file_name() == "requests.csv.gz"
    monkeypatch.setattr("importlib.util.find_spec", lambda name: builtins.object())
    assert file_name() == "requests.parquet"
