"""Traces: broken samples with their exact messages, playing, repeating, and the public files."""

from __future__ import annotations

import itertools
import random
from pathlib import Path

import numpy as np
import pytest

from sim.traffic import trace_request
from sim.traffic.chunk import Chunk
from sim.traffic.trace_csv import CACHED
from sim.traffic.traces import Trace, TraceError, TraceReport
from tests.datadir import data_path

SAMPLES = Path(__file__).resolve().parent.parent / "scenarios" / "traces"
TOKENS = "allowed: a whole number from 0 to 100000000"
TIMES = "allowed: a finite number, or a date and time such as 2023-11-16 18:15:46.6805900"

BROKEN = {
    "missing_column.csv": (
        ":1: no column for the output tokens (is it 'GeneratdTokens'?); "
        "found: 'TIMESTAMP', 'ContextTokens', 'GeneratdTokens'; known names: GeneratedTokens, "
        "output_tokens, output_length, completion_tokens, …, "
        "or name one with columns: {output_tokens: …}"
    ),
    "repeated_column.csv": ":1: the column 'input_tokens' is there 2 times; allowed: once",
    "two_candidates.csv": (
        ":1: more than one column could be the time: 'timestamp', 'time'; "
        "name one with columns: {time: …}"
    ),
    "unsorted.csv": (
        ":4: the time '2023-11-16 18:15:50.9951690' is 0.004831 s before that of the row before "
        "it; allowed: rows in time order"
    ),
    "empty.csv": ": is empty; allowed: a header and at least one row",
    "header_only.csv": ": has a header and no rows; allowed: one row or more",
    "truncated.csv.gz": ":38: the gzip data ends too early; is the file a partial download?",
    "fraction_tokens.csv": f":3: ContextTokens is '396.5'; {TOKENS}",
    "negative_tokens.csv": f":3: GeneratedTokens is '-1'; {TOKENS}",
    "nan_tokens.csv": f":3: ContextTokens is 'nan'; {TOKENS}",
    "blank_tokens.csv": f":3: ContextTokens is ''; {TOKENS}",
    "huge_tokens.csv": f":3: ContextTokens is '1e309'; {TOKENS}",
    "bool_tokens.jsonl": f":1: output_length is True; {TOKENS}",
    "all_zero_tokens.csv": (": has no usable row (zero output tokens: 1, zero input tokens: 1)"),
    "two_time_units.csv": (
        ":4: the time jumps from 1700158550 to 1700158551000: two time units in one column?"
    ),
    "ms_then_seconds.csv": (
        ":4: the time jumps from 1700158550000 to 1700158551: two time units in one column?"
    ),
    "relative_then_unix.csv": (
        ":4: the time jumps from 1.2 to 1700158551: two time units in one column?"
    ),
    "litellm_two_kinds.csv": (
        ":3: the time is a number, in the rows before it is a date and time without a UTC offset"
    ),
    "litellm_null_date.csv": (
        ":3: the time jumps from '2026-05-04 10:15:04.314' to '1970-01-01 00:00:00': "
        "is a date wrong?"
    ),
    "litellm_array_mixed.json": ":102: has None in its array; allowed: JSON objects",
    "vllm_bench_summary.json": (
        ":1: has no list start_times; "
        "save the result with --save-detailed, which keeps every request"
    ),
    "vllm_bench_appended.jsonl": (
        ":2: holds 2 results (saved with --append-result); "
        "allowed: one, so keep one line in a file of its own"
    ),
    "vllm_bench_unequal.json": (
        ":1: has lists of unequal length (start_times 2, input_lens 4, output_lens 4)"
    ),
    "vllm_bench_text.json": f":1: request 2: output_lens is 'many'; {TOKENS}",
    "numbers_and_dates.csv": (
        ":3: the time is a date and time without a UTC offset, in the rows before it is a number"
    ),
    "mixed_offsets.csv": (
        ":3: the time is a date and time without a UTC offset, "
        "in the rows before it is a date and time with a UTC offset"
    ),
    "bad_time.csv": f":2: the time 'yesterday' cannot be read; {TIMES}",
    "infinite_time.csv": f":3: the time 'inf' cannot be read; {TIMES}",
    "short_row.csv": ":3: has 2 cells, the header has 3",
    "quotes.csv": """:2: is not CSV (',' expected after '"')""",
    "open_quote.csv": ":3: is not CSV (unexpected end of data)",
    "utf16.csv": ": is UTF-16 text; allowed: UTF-8 text, plain or gzip",
    "latin1.csv": ":2: byte 13 of the line is not UTF-8; allowed: UTF-8 text",
    "zipped.csv": ": is a ZIP archive; allowed: UTF-8 text, plain or gzip",
    "not_json.jsonl": ":2: is not JSON (Expecting ',' delimiter); allowed: one object a line",
    "missing_key.jsonl": ":2: has no 'output_length'; every row needs what the first row has",
    "array.jsonl": (
        ":1: is [{'timestamp': 0, 'input_length': 6758, 'output_length': 50…; "
        "allowed: one JSON object a line"
    ),
    "bad_hashes.jsonl": (":1: hash_ids is 7; allowed: a list of whole numbers or texts"),
    "deep.jsonl": (
        ":1: is not JSON (nested too deeply or a number too long); allowed: one object a line"
    ),
}
"""File → the message after its path."""

SAID_BY_PYTHON = {
    "damaged.csv.gz": ":62: the gzip data is damaged (CRC check failed",
    "litellm_array_cut.json": ":36: is not JSON (",
    "vllm_bench_cut.json": ":1: is not JSON (",
    "no_such_day.csv": ":2: the time '2023-02-30T18:15:46' does not exist (day is out of range",
}
"""Messages whose end is the standard library's, which differs between releases."""

SOUND = {
    "bom_crlf.csv",
    "burstgpt.csv",
    "burstgpt_sessions.csv",
    "gzip_without_suffix.csv",
    "litellm.csv",
    "litellm.jsonl",
    "litellm_array.json",
    "same_time.csv",
    "vllm_bench.json",
    "vllm_bench_pretty.json",
    "zero_tokens.csv",
}


def write(path: Path, rows: str, header: str = "time,input_tokens,output_tokens") -> Trace:
    path.write_text(f"{header}\n{rows}")
    return Trace(path)


def times(chunks: list[Chunk]) -> list[float]:
    return [at_s for chunk in chunks for at_s in chunk.arrived_at_s.tolist()]


def said_of(path: Path) -> str | None:
    """Return what the error says, None if the trace is sound."""
    try:
        assert Trace(path).scan().rows_used >= 1
    except TraceError as error:
        return str(error)
    return None


@pytest.mark.parametrize("name", BROKEN)
def test_broken_traces_say_what_is_wrong_and_what_is_allowed(name: str) -> None:
    for read in (lambda trace: trace.scan(), lambda trace: list(trace.chunks())):
        with pytest.raises(TraceError) as caught:
            read(Trace(SAMPLES / name))
        assert str(caught.value) == f"{SAMPLES / name}{BROKEN[name]}"


@pytest.mark.parametrize("name", SAID_BY_PYTHON)
def test_broken_traces_that_the_library_explains(name: str) -> None:
    with pytest.raises(TraceError) as caught:
        Trace(SAMPLES / name).scan()
    assert str(caught.value).startswith(f"{SAMPLES / name}{SAID_BY_PYTHON[name]}")
    assert "\n" not in str(caught.value)


def test_every_sample_is_tested() -> None:
    assert {path.name for path in SAMPLES.iterdir()} == {*BROKEN, *SAID_BY_PYTHON, *SOUND}


@pytest.mark.parametrize("name", sorted({*BROKEN, *SAID_BY_PYTHON, *SOUND}))
def test_damaged_bytes_never_end_in_anything_but_a_trace_error(tmp_path: Path, name: str) -> None:
    original = (SAMPLES / name).read_bytes()[:2000]
    draw = random.Random(name)
    path = tmp_path / name
    for _ in range(25):
        data = bytearray(original)
        for _ in range(draw.randrange(1, 5)):
            at = draw.randrange(len(data) + 1)
            piece = draw.choice([b"", b"\x00", b'"', b",", b"\n", b"9" * 400, b"\xff", b"{", b"-"])
            data[at : at + draw.randrange(3)] = piece
        path.write_bytes(data)
        said = said_of(path)
        assert said is None or (said.startswith(str(path)) and "\n" not in said)


def test_rows_with_zero_tokens_are_dropped_and_counted() -> None:
    trace = Trace(SAMPLES / "zero_tokens.csv")
    (chunk,) = trace.chunks()
    assert chunk.input_tokens.tolist() == [374, 396]
    assert chunk.output_tokens.tolist() == [44, 109]
    dropped = {"zero input tokens": 1, "zero output tokens": 2}
    assert trace.report == TraceReport(5, 2, dropped, 0.0, 4.314579)


@pytest.mark.parametrize("name", ["bom_crlf.csv", "gzip_without_suffix.csv"])
def test_harmless_oddities_are_read(name: str) -> None:
    assert Trace(SAMPLES / name).scan() == TraceReport(2, 2, {}, 0.0, 4.314579)


@pytest.mark.parametrize("name", ["litellm.csv", "litellm.jsonl", "litellm_array.json"])
@pytest.mark.parametrize("format_", ["auto", "litellm"])
def test_spend_logs_come_newest_first_and_are_sorted(name: str, format_: str) -> None:
    trace = Trace(SAMPLES / name, format_)
    (chunk,) = trace.chunks()
    assert chunk.arrived_at_s.tolist() == pytest.approx([0.0, 4.064], abs=1e-9)
    assert chunk.input_tokens.tolist() == [374, 396]
    assert chunk.output_tokens.tolist() == [44, 109]
    dropped = {CACHED: 1, "zero input tokens": 1, "zero output tokens": 1}
    assert (trace.report.rows_read, trace.report.rows_used) == (5, 2)
    assert trace.report.dropped == dropped
    assert trace.report.first_at_s == 0.0
    assert trace.zero_at_s == 1_777_889_700.25  # 2026-05-04 10:15:00.25 UTC


@pytest.mark.parametrize("name", ["vllm_bench.json", "vllm_bench_pretty.json"])
@pytest.mark.parametrize("format_", ["auto", "vllm-bench"])
def test_a_benchmark_is_played_as_it_was_sent(name: str, format_: str) -> None:
    trace = Trace(SAMPLES / name, format_)
    (chunk,) = trace.chunks()
    assert chunk.arrived_at_s.tolist() == [0.0, 2.0, 2.25]  # the last two were sent out of order
    assert chunk.input_tokens.tolist() == [374, 396, 496]
    assert chunk.output_tokens.tolist() == [44, 109, 7]
    assert trace.report == TraceReport(4, 3, {"zero output tokens": 1}, 0.0, 2.25)


def test_a_request_that_was_never_sent_does_not_move_time_zero(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text(
        '{"request_throughput": 1, "input_lens": [5, 6, 7], "output_lens": [0, 2, 3], '
        '"start_times": [0.0, 5000.0, 5001.0]}'
    )
    assert times(list(Trace(path).chunks())) == [0.0, 1.0]


def test_sorted_traces_can_be_repeated() -> None:
    chunks = Trace(SAMPLES / "vllm_bench.json").chunks(repeat=True)
    laps = times(list(itertools.islice(chunks, 2)))
    assert laps == [0.0, 2.0, 2.25, 3.375, 5.375, 5.625]


@pytest.mark.parametrize(
    ("name", "at_s", "tokens"),
    [
        ("burstgpt.csv", [0.0, 113.0], [472, 417]),
        ("burstgpt_sessions.csv", [0.0, 82.5], [906, 1779]),
    ],
)
@pytest.mark.parametrize("format_", ["auto", "burstgpt"])
def test_both_layouts_of_burstgpt(
    name: str, at_s: list[float], tokens: list[int], format_: str
) -> None:
    trace = Trace(SAMPLES / name, format_)
    (chunk,) = trace.chunks()
    assert chunk.arrived_at_s.tolist() == at_s
    assert chunk.input_tokens.tolist() == tokens
    assert trace.report.dropped == {"zero output tokens": 1}


def test_other_formats_are_not_sorted() -> None:
    with pytest.raises(
        TraceError, match=r"litellm\.csv:5: the time .*; allowed: rows in time order"
    ):
        Trace(SAMPLES / "litellm.csv", "csv").scan()


def test_only_so_many_rows_are_sorted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trace_request, "MAX_SORTED_ROWS", 1)
    path = SAMPLES / "litellm.csv"
    with pytest.raises(TraceError) as caught:
        Trace(path).scan()
    assert str(caught.value) == (
        f"{path}: has over 1 requests, the most that are put in order of time in memory; "
        "allowed: any number, sorted, as csv or jsonl"
    )


def test_what_was_right_before_an_error_is_played(tmp_path: Path) -> None:
    rows = "".join(f"{second},10,20\n" for second in range(3000)) + "2999,10,oops\n"
    chunks = write(tmp_path / "x.csv", rows).chunks()
    assert len(next(chunks)) == 1024
    with pytest.raises(TraceError, match=r"x\.csv:3002: output_tokens is 'oops'"):
        list(chunks)


def test_the_first_row_is_time_zero_even_if_it_is_dropped(tmp_path: Path) -> None:
    trace = write(tmp_path / "x.csv", "100,10,0\n103,10,5\n107,10,5\n")
    assert times(list(trace.chunks())) == [3.0, 7.0]
    assert trace.report == TraceReport(3, 2, {"zero output tokens": 1}, 3.0, 7.0)


def test_whole_floats_are_whole_numbers(tmp_path: Path) -> None:
    (chunk,) = write(tmp_path / "x.csv", "0, 374.0 ,4.4e1\n").chunks()
    assert (chunk.input_tokens.tolist(), chunk.output_tokens.tolist()) == ([374], [44])


def test_speedup_divides_times(tmp_path: Path) -> None:
    trace = write(tmp_path / "x.csv", "0,1,1\n10,1,1\n")
    assert times(list(trace.chunks(speedup=4.0))) == [0.0, 2.5]
    assert trace.report.last_at_s == 10.0


def test_repeating_goes_on_after_one_mean_gap(tmp_path: Path) -> None:
    trace = write(tmp_path / "x.csv", "5,1,1\n6,2,1\n11,3,1\n")
    laps = list(itertools.islice(trace.chunks(repeat=True), 3))
    assert times(laps) == [0.0, 1.0, 6.0, 9.0, 10.0, 15.0, 18.0, 19.0, 24.0]
    assert [chunk.input_tokens.tolist() for chunk in laps] == [[1, 2, 3]] * 3
    assert trace.report == TraceReport(3, 3, {}, 0.0, 6.0)
    faster = itertools.islice(trace.chunks(repeat=True, speedup=2.0), 2)
    assert times(list(faster)) == [0.0, 0.5, 3.0, 4.5, 5.0, 7.5]


def test_a_trace_without_a_span_cannot_be_repeated() -> None:
    path = SAMPLES / "same_time.csv"
    chunks = Trace(path).chunks(repeat=True)
    assert times([next(chunks)]) == [0.0, 0.0]
    with pytest.raises(TraceError) as caught:
        next(chunks)
    assert str(caught.value) == f"{path}: cannot be repeated: all its rows have the same time"


def test_chunks_are_bounded_and_do_not_change_what_is_played(tmp_path: Path) -> None:
    trace = write(tmp_path / "x.csv", "".join(f"{n},{n + 1},1\n" for n in range(5000)))
    whole, parts = list(trace.chunks()), list(trace.chunks(limit=100))
    assert [len(chunk) for chunk in whole] == [1024, 2048, 1928]
    assert {len(chunk) for chunk in parts} == {100}
    assert times(parts) == times(whole) == list(range(5000))


def test_hashes_become_pieces_of_512_tokens(tmp_path: Path) -> None:
    rows = (
        '{"timestamp": 0, "input_length": 1100, "output_length": 5, "hash_ids": [0, 7, 9]}\n'
        '{"timestamp": 3000, "input_length": 512, "output_length": 5, "hash_ids": ["a", "b"]}\n'
        '{"timestamp": 3000, "input_length": 2000, "output_length": 5, "hash_ids": [0]}\n'
        '{"timestamp": 3000, "input_length": 2000, "output_length": 5, "hash_ids": []}\n'
        '{"timestamp": 3000, "input_length": 2000, "output_length": 5}\n'
    )
    path = tmp_path / "x.jsonl"
    path.write_text(rows)
    (chunk,) = Trace(path).chunks()
    name = str(path)
    assert chunk.arrived_at_s.tolist() == [0.0, 3.0, 3.0, 3.0, 3.0]  # ticks stay ticks
    assert chunk.prefixes().tolist() == [
        (((name, 0, 0), 512), ((name, 0, 7), 512), ((name, 0, 9), 76)),
        (((name, 0, "a"), 512),),
        (((name, 0, 0), 512),),
        None,
        None,
    ]


def test_content_is_not_shared_between_laps_and_a_template_comes_first(tmp_path: Path) -> None:
    path = tmp_path / "x.jsonl"
    path.write_text(
        '{"timestamp": 0, "input_length": 600, "output_length": 5, "hash_ids": [0, 1]}\n'
        '{"timestamp": 1, "input_length": 100, "output_length": 5, "hash_ids": [0]}\n'
        '{"timestamp": 2, "input_length": 100, "output_length": 5}\n'
    )
    template = ((("template", "chat"), 50),)
    laps = list(itertools.islice(Trace(path).chunks(repeat=True, template=template), 2))
    assert laps[0].input_tokens.tolist() == [650, 150, 150]
    keys = [[{key for key, _ in prefix} for prefix in lap.prefixes()] for lap in laps]
    assert keys[0][0] & keys[0][1] == {
        ("template", "chat"),
        (("template", "chat"), str(path), 0, 0),
    }
    assert keys[0][0] & keys[1][0] == {("template", "chat")}
    assert laps[0].prefixes()[2] == template


@pytest.mark.data
def test_the_public_azure_trace() -> None:
    trace = Trace(data_path("traces/AzureLLMInferenceTrace_conv.csv"))
    chunks = list(trace.chunks())
    assert trace.report == TraceReport(19_366, 19_366, {}, 0.0, 3501.721937)
    assert np.concatenate([chunk.input_tokens for chunk in chunks]).mean() == pytest.approx(
        1155, abs=0.5
    )
    assert np.concatenate([chunk.output_tokens for chunk in chunks]).mean() == pytest.approx(
        211, abs=0.5
    )
    gaps = np.diff(times(chunks))
    assert gaps.std() / gaps.mean() == pytest.approx(1.09, abs=0.005)


@pytest.mark.data
def test_the_public_mooncake_trace() -> None:
    trace = Trace(data_path("traces/mooncake_conversation_trace.jsonl.gz"))
    chunks = list(trace.chunks())
    report = trace.report
    assert (report.rows_read, report.rows_used, report.dropped) == (12_031, 12_031, {})
    assert report.last_at_s == pytest.approx(3537.0, abs=0.01)
    assert np.concatenate([chunk.input_tokens for chunk in chunks]).mean() == pytest.approx(
        12_035, abs=0.5
    )
    assert len(set(times(chunks))) == 1180
