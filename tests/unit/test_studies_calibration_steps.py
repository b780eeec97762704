import gzip
from pathlib import Path

import numpy as np
import pytest

from sim.catalog.kernel import KernelTable, kernel_seconds
from sim.scenario.timing import ExplicitTiming
from sim.scenario.yaml12 import parse
from sim.studies.calibration_aiconfigurator import engine, models_in, step_rows
from sim.studies.calibration_runs import CalibrationError
from sim.studies.calibration_step_rows import read_steps
from sim.studies.calibration_steps import StepRow, fit_steps, knots_of, timing_block
from sim.traffic.trace_text import TraceError

TRUE = KernelTable(
    knots_tokens=(1, 8, 32, 64, 128, 256, 256.5, 512, 1024),
    knots_s=(0.006, 0.006, 0.0065, 0.007, 0.008, 0.009, 0.011, 0.015, 0.03),
    per_sequence_s=3e-6,
    per_context_token_s=5e-8,
    per_attention_pair_s=8e-10,
    per_prefill_context_token_s=2e-7,
    prefill_fixed_s=4e-4,
)


def rows() -> list[StepRow]:
    """Steps of all kinds, timed by the formula itself."""
    rng = np.random.default_rng(5)
    found = []
    for _ in range(400):
        seqs = int(rng.choice([0, rng.integers(1, 257)], p=[0.2, 0.8]))
        context = int(rng.integers(1, 4000))
        chunks = int(rng.integers(0 if seqs else 1, 3))
        new, done = int(rng.integers(1, 300)), int(rng.integers(0, 3000))
        seconds = kernel_seconds(TRUE, [(new, done)] * chunks, [context] * seqs)
        found.append(StepRow(seconds, chunks, chunks * new, chunks * done, seqs, seqs * context))
    return found


def test_the_numbers_behind_exact_times_are_found() -> None:
    found = fit_steps(rows())
    assert found.rows == 400
    assert set(found.errors) == {"decode", "prefill", "mixed"}
    assert all(errors.max_pct < 0.5 for errors in found.errors.values())
    for name in (
        "per_sequence_s",
        "per_context_token_s",
        "per_attention_pair_s",
        "per_prefill_context_token_s",
    ):
        assert getattr(found.timing, name) == pytest.approx(getattr(TRUE, name), rel=0.02), name
    heights = [TRUE.shared_s(tokens) for tokens in found.timing.knots_tokens]
    assert found.timing.knots_s[1:] == pytest.approx(heights[1:], rel=0.02)


def test_a_wild_row_does_not_carry_the_rest_away() -> None:
    wild = [StepRow(9.0, decode_seqs=8, decode_context_tokens=800), *rows()]
    found = fit_steps(wild).timing
    assert found.per_context_token_s == pytest.approx(TRUE.per_context_token_s, rel=0.05)


def test_errors_are_of_rows_that_the_fit_did_not_see() -> None:
    noisy = []
    rng = np.random.default_rng(1)
    for row in rows():
        factor = 1 + 0.1 * rng.choice([-1, 1])
        noisy.append(StepRow(row.latency_s * factor, *list(vars(row).values())[1:]))
    errors = fit_steps(noisy).errors
    assert sum(one.rows for one in errors.values()) == 80
    assert all(8 < one.mape_pct < 13 for one in errors.values())


def test_what_no_row_shows_is_nothing() -> None:
    decode = [
        StepRow(0.006 + 1e-4 * b, decode_seqs=b, decode_context_tokens=0) for b in range(1, 40)
    ]
    found = fit_steps(decode).timing
    assert found.prefill_fixed_s == found.per_attention_pair_s == 0.0
    assert set(fit_steps(decode).errors) == {"decode"}
    with pytest.raises(CalibrationError, match="9 step times are too few"):
        fit_steps(decode[:9])


def test_knots_go_as_far_as_the_rows() -> None:
    def step(tokens: int) -> StepRow:
        return StepRow(1.0, decode_seqs=tokens)

    assert knots_of([step(1), step(20), step(300)]) == (1.0, 32, 512)
    assert knots_of([step(1), step(12), step(24)]) == (1.0, 8, 32)
    assert knots_of([step(1), step(300), step(400)]) == (1.0, 256.5, 512)
    assert knots_of([step(1), step(40_000)]) == (1.0, 40_000)


def test_the_block_reads_as_the_same_timing() -> None:
    timing = fit_steps(rows()).timing
    read = ExplicitTiming.model_validate(parse(timing_block(timing)).data["timing"])
    assert read.knots_s == pytest.approx(timing.knots_s, abs=1e-6)
    assert read.per_context_token_s == pytest.approx(timing.per_context_token_s, rel=1e-4)


HEAD = (
    "model,latency_ms,prefill_seqs,prefill_new_tokens,prefill_context_tokens,"
    "decode_seqs,decode_context_tokens\n"
)


def read(tmp_path: Path, body: str, **where: str) -> list[StepRow]:
    file = tmp_path / "s.csv.gz"
    file.write_bytes(gzip.compress((HEAD + body).encode()))
    return read_steps(file, where)


def test_rows_of_a_table(tmp_path: Path) -> None:
    (one,) = read(tmp_path, "a,5,1,100,50,2,300\nb,6,0,0,0,1,1\n", model="a")
    assert one == StepRow(0.005, 1, 100, 50, 2, 300)
    assert (one.tokens, one.pairs, one.kind) == (102, 100 * (50 + 50), "mixed")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("a,5,0,0,0,1,1\nb,5,0,0,0,1,1\n", "s.csv.gz:3: is of another kind than the rows before"),
        ("a,0,0,0,0,1,1\n", "s.csv.gz:2: latency_ms is '0'; needed: above 0"),
        ("a,5,0,0,0,x,1\n", "s.csv.gz:2: decode_seqs is 'x'; needed: a number, 0 or more"),
        ("a,5,0,0,0,0,0\n", "s.csv.gz:2: has no tokens"),
        ("", "s.csv.gz: has no row"),
    ],
)
def test_tables_that_cannot_be_read(tmp_path: Path, body: str, message: str) -> None:
    with pytest.raises(TraceError) as caught:
        read(tmp_path, body)
    assert message in str(caught.value)


def test_columns_that_are_missing(tmp_path: Path) -> None:
    file = tmp_path / "s.csv"
    file.write_text("latency_s\n1\n")
    with pytest.raises(TraceError, match="has no column prefill_seqs; there is latency_s"):
        read_steps(file, {})


class Formula:
    """An engine whose times follow `TRUE`, asked as aiconfigurator is; milliseconds."""

    def predict_decode_latency(self, bs: int, isl: int, osl: int = 2) -> float:
        return 1e3 * kernel_seconds(TRUE, [], [isl + osl // 2 - 1] * bs)

    def predict_prefill_latency(self, bs: int, isl: int, prefix: int = 0) -> float:
        return 1e3 * kernel_seconds(TRUE, [(isl - prefix, prefix)] * bs)

    def mixed_step_latency(self, ctx_tokens: int, gen_tokens: int, isl: int, osl: int) -> float:
        context = isl + osl // 2 - 1
        return 1e3 * kernel_seconds(TRUE, [(isl, 0)] * (ctx_tokens // isl), [context] * gen_tokens)


def test_rows_of_a_package_are_what_it_was_asked() -> None:
    found = fit_steps(step_rows(Formula()))
    assert all(errors.mape_pct < 0.5 for errors in found.errors.values())
    assert found.timing.per_context_token_s == pytest.approx(5e-8, rel=0.02)
    assert found.timing.per_attention_pair_s == pytest.approx(8e-10, rel=0.02)


def test_without_the_package_it_is_said_what_to_install() -> None:
    try:
        import aiconfigurator_core  # noqa: F401
    except ImportError:
        with pytest.raises(CalibrationError, match="needs the package aiconfigurator-core"):
            engine("meta-llama/Meta-Llama-3.1-8B", "h100-sxm")
    else:
        near = "nearest: meta-llama/Meta-Llama-3.1-8B"
        with pytest.raises(CalibrationError, match=near):
            engine("meta-llama/Llama-3.1-8B", "h100-sxm")
        handle = engine("meta-llama/Meta-Llama-3.1-8B", "h100-sxm")
        assert handle.predict_decode_latency(8, 1024, 2) == pytest.approx(6.5957, rel=0.05)


def test_models_are_those_whose_shapes_come_along(tmp_path: Path) -> None:
    folder = tmp_path / "model_configs"
    folder.mkdir()
    for name in ("org--a-7b_config.json", "org--a-7b_hf_quant_config.json", "x--b--c_config.json"):
        (folder / name).write_text("{}")
    assert models_in(tmp_path) == ["org/a-7b", "x/b--c"]
