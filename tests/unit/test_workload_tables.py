"""Tables without requests: told by their headers, read with their units, refused with a line."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from sim.traffic.trace_text import TraceError
from sim.workload.parts import parts
from sim.workload.rate_sheet import is_rate_sheet, rates_of
from sim.workload.requests import Requests
from sim.workload.sheet import Sheet, header_of, open_sheet
from sim.workload.start import Start, start_of
from sim.workload.tables import Rates, Weights


def written(folder: Path, text: str, name: str = "table.csv") -> Path:
    path = folder / name
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def rates(path: Path) -> list[Rates]:
    found = parts(path)
    assert all(isinstance(one, Rates) for one in found)
    return [one for one in found if isinstance(one, Rates)]


def test_counts_in_windows_become_rates_and_gaps_are_kept(tmp_path: Path) -> None:
    (found,) = rates(written(tmp_path, "t_s,requests\n0,60\n600,120\n1800,30\n"))
    assert found.window_s == 600.0
    assert found.per_s[[0, 1, 3]].tolist() == [0.1, 0.2, 0.05]
    assert np.isnan(found.per_s[2])
    assert found.notes == ("1 windows are missing",)
    assert found.span_s == 2400.0
    assert found.rate_per_s == pytest.approx(0.35 / 3)
    assert found.start == Start(0.0, None, "file")


def test_hours_of_services_are_one_part_each(tmp_path: Path) -> None:
    text = "service,hour_utc,multiplier,rate_per_s\n" + "".join(
        f"{name},2024-05-{day}T{hour:02d}:00Z,9,{rate + hour}\n"
        for name, day, rate in (("code", 10, 1), ("conv", 12, 50))
        for hour in range(3)
    )
    code, conv = rates(written(tmp_path, text, "table.csv.gz"))
    assert (code.service, code.name) == ("code", "table.csv.gz [code]")
    assert code.per_s.tolist() == [1.0, 2.0, 3.0]
    assert conv.per_s.tolist() == [50.0, 51.0, 52.0]
    assert code.start == Start(0.0, 4, "UTC")
    assert conv.start == Start(0.0, 6, "UTC")
    assert code.window_s == 3600.0


def test_bare_hours_are_hours_and_keep_their_clock(tmp_path: Path) -> None:
    (found,) = rates(written(tmp_path, "hour_local,sessions\n0,3600\n1,7200\n"))
    assert found.per_s.tolist() == [1.0, 2.0]
    assert found.start == Start(0.0, None, "local")


def test_a_client_of_servegen_needs_no_header(tmp_path: Path) -> None:
    text = "0,8.34,1.36,Gamma,0.54,0.21\n600,10.79,0.88,Weibull,1.3,0.07\n1200,0,,,,\n"
    (found,) = rates(written(tmp_path, text))
    assert found.per_s.tolist() == [8.34, 10.79, 0.0]


def test_weights_are_scaled_and_nothing_is_left_out(tmp_path: Path) -> None:
    (found,) = parts(written(tmp_path, "value,prob\n7,0.3\n0,0.5\n3,0.1\n", "x_output_pmf.csv"))
    assert isinstance(found, Weights)
    assert found.field == "output"
    assert found.tokens.tolist() == [3, 7]
    assert found.probability == pytest.approx([0.25, 0.75])
    assert "55.56% of the weight is on 0 tokens" in found.notes[0]


def test_lengths_without_times_are_requests(tmp_path: Path) -> None:
    text = "num_prefill_tokens,num_decode_tokens,pd_ratio\n5,2,2.5\n0,3,0\n8,4,2\n"
    (found,) = parts(written(tmp_path, text))
    assert isinstance(found, Requests)
    assert found.arrived_at_s is None
    assert found.rate_per_s is None
    assert (found.input_tokens.tolist(), found.output_tokens.tolist()) == ([5, 8], [2, 4])
    assert found.notes[0] == "of 3 rows, 1 without tokens were left out"


def test_a_trace_stays_a_trace(tmp_path: Path) -> None:
    table = written(tmp_path, "time,input_tokens,output_tokens,count\n0,5,2,1\n2,6,3,1\n")
    (found,) = parts(table)
    assert isinstance(found, Requests)
    assert found.span_s == 2.0
    lines = '{"timestamp": 0, "input_length": 5, "output_length": 2}\n'
    (one,) = parts(written(tmp_path, lines, "x.jsonl"))
    assert isinstance(one, Requests)
    named = written(tmp_path, "t_s,requests,answer\n0,5,2\n2,6,3\n", "own.csv")
    columns = {"time": "t_s", "input_tokens": "requests", "output_tokens": "answer"}
    (own,) = parts(named, columns=columns)
    assert isinstance(own, Requests)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("t_s,requests\n0,5\n600,-1\n", ":3: requests is '-1'; allowed: a number of at least 0"),
        ("t_s,requests\n0,5\n600,x\n", ":3: requests is 'x'"),
        ("t_s,requests\n0,5\n", "needs two rows or more of a service, times rising"),
        ("t_s,requests\n0,5\n0,6\n", "needs two rows or more of a service, times rising"),
        ("t_s,requests\n0,1\n2,1\n3,1\n4.5,1\n", "rows that are not whole windows of 1 s"),
        ("t_s,requests\n0,1\n1,1\n99999999,1\n", "spans over 10000000 windows"),
        ("t_s,requests\n", "has a header and no rows"),
        ("hour_utc,rps\n2024-05-10T00:00Z,1\nx,2\n", ":3: hour_utc is 'x'; allowed: a date"),
        ("value,prob\n0,1\n", "has no token count above 0 with a weight above 0"),
        ("input_tokens\n5\n", ":1: has no column for the output tokens; allowed: requests"),
        ("input_tokens,output_tokens\n5,0\n", "has no row with both input and output tokens"),
        ("", "is empty"),
    ],
)
def test_what_is_wrong_is_said_with_the_line(tmp_path: Path, text: str, message: str) -> None:
    path = written(tmp_path, text)
    with pytest.raises(TraceError) as caught:
        parts(path)
    assert message in str(caught.value)
    assert str(path) in str(caught.value)


def test_a_sheet_finds_columns_whatever_their_case(tmp_path: Path) -> None:
    path = written(tmp_path, "T-S; Requests\n\n1;2\n")
    assert header_of(path).rows == ()
    sheet = open_sheet(path)
    assert sheet.find("rps", "requests") == "Requests"
    assert sheet.find("rps") is None
    assert is_rate_sheet(sheet)
    assert not is_rate_sheet(Sheet(path, ("t_s", "requests", "input_tokens")))
    assert sheet.numbers("Requests").tolist() == [2.0]
    with pytest.raises(TraceError, match="two rows"):
        rates_of(sheet)


def test_a_start_moves_on_through_the_week() -> None:
    friday = start_of(1_715_299_200.0)  # 2024-05-10T00:00Z
    assert (friday.weekday_name, friday.clock, friday.second_of_day) == ("friday", "UTC", 0.0)
    assert friday.after(86_400 * 3 + 3600.0) == Start(3600.0, 0, "UTC")
    assert Start(80_000.0, None, "file").after(10_000.0) == Start(3600.0, None, "file")
