import csv
import io

import numpy as np

from sim.report.timeseries import RUNNING, Samples, by_pool, timeseries_csv
from tests.unit.timeline_fixture import quiet_week


def test_all_columns_under_their_own_names_and_none_is_empty() -> None:
    rows = quiet_week().rows
    text = timeseries_csv(rows)
    read = list(csv.DictReader(io.StringIO(text)))
    assert list(read[0]) == list(rows[0])
    assert {"t_s", "pool", "replicas_ready", RUNNING, "ttft_p95_s"} <= set(read[0])
    assert len(read) == len(rows) == 500
    assert (rows[0]["ttft_p95_s"], read[0]["ttft_p95_s"]) == (None, "")
    busy = next(i for i, row in enumerate(rows) if row["ttft_p95_s"] is not None)
    assert float(read[busy]["ttft_p95_s"]) == rows[busy]["ttft_p95_s"]


def test_a_pool_s_name_is_no_formula() -> None:
    assert timeseries_csv([{"t_s": 0.0, "pool": "=1+1"}]).splitlines()[1] == "0.0,'=1+1"


def test_no_rows_have_no_columns() -> None:
    assert timeseries_csv([]).strip() == ""
    assert by_pool([]) == []


def test_rows_are_told_apart_by_pool() -> None:
    rows = [{"t_s": t * 60.0, "pool": pool} for t in range(3) for pool in ("main", "small")]
    main, small = by_pool(rows)
    assert (main.pool, small.pool) == ("main", "small")
    assert main.hours.tolist() == [0.0, 1 / 60, 2 / 60]


def test_what_is_unknown_is_nan_and_has_no_part_in_levels() -> None:
    samples = Samples("p", ({"a": None, "b": 2.0}, {"a": 4.0, "b": 3.0}, {"a": 1.0}))
    assert np.isnan(samples.column("a")[0])
    assert np.isnan(samples.column("b")[2])
    assert np.isnan(samples.column("absent")).all()
    assert samples.level("a") == (1.0, 2.5, 4.0)
    assert samples.level("absent") is None
