"""Calibration from aiconfigurator: step times of its kernel tables, as rows; knows no clock.

NVIDIA's aiconfigurator (Apache-2.0) adds up measured kernels of a model on a GPU. It is an optional
package that brings its own data; nothing is fetched from any network. Its times are GPU time alone:
the host is not in them.
"""

from __future__ import annotations

import difflib
import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

from sim.catalog.gpus import gpus
from sim.studies.calibration_runs import CalibrationError
from sim.studies.calibration_steps import StepRow

PACKAGE = "aiconfigurator-core"

DECODE_SEQS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)
DECODE_CONTEXTS = (128, 512, 1024, 2048, 4096, 8192, 16384, 32768)
PREFILL_TOKENS = (
    8,
    16,
    32,
    64,
    128,
    192,
    256,
    384,
    512,
    768,
    1024,
    1536,
    2048,
    3072,
    4096,
    8192,
    16384,
)
PREFILL_CONTEXTS = (0, 1024, 4096, 16384)
MIXED_PROMPTS = (128, 256, 512, 1024, 2048, 4096)
MIXED_SEQS = (1, 4, 16, 32, 64, 128, 256)
MOST_TOKENS = 400_000
"""Tokens of KV cache in a step beyond which nobody asks."""


class Engine(Protocol):
    """What is used of aiconfigurator's `EngineHandle`; all times in milliseconds."""

    def predict_decode_latency(self, bs: int, isl: int, osl: int = 2) -> float:
        """Time of a step of *bs* sequences that hold *isl* tokens each."""
        ...

    def predict_prefill_latency(self, bs: int, isl: int, prefix: int = 0) -> float:
        """Time of a step of *bs* prompts of *isl* tokens, *prefix* of them computed before."""
        ...

    def mixed_step_latency(self, ctx_tokens: int, gen_tokens: int, isl: int, osl: int) -> float:
        """Time of a step of *ctx_tokens* of prompts of *isl*, and *gen_tokens* that decode."""
        ...


def engine(model: str, gpu: str, tensor_parallel: int = 1, backend: str = "vllm") -> Engine:
    """Compile *model* (its name on Hugging Face) on *gpu*, a card of the catalog or of the package.

    Raises CalibrationError where the package is not there, or does not know the model, the card or
    the combination.
    """
    try:
        import aiconfigurator_core
        from aiconfigurator_core.sdk.engine import EngineHandle
    except ImportError:
        raise CalibrationError(
            f"--from aiconfigurator needs the package {PACKAGE}: "
            "pip install 'tokenfleet[aiconfigurator]' (Linux, x86-64)"
        ) from None
    root = Path(aiconfigurator_core.__file__).parent
    _check_known("model", model, models_in(root))  # it would be looked for on the network
    tables = {card.name: card.table for card in gpus()}
    system = tables.get(gpu, gpu)
    _check_known("GPU", system, sorted(p.stem for p in (root / "systems" / "data").iterdir()))
    try:
        with _quiet():
            handle: Engine = EngineHandle.compile(model, system, backend, tp_size=tensor_parallel)
            handle.predict_decode_latency(1, 128, 2)
    except Exception as error:
        reason = str(error).strip().split("\n")[0][:300] or type(error).__name__
        raise CalibrationError(
            f"aiconfigurator has no times of {model} on {tensor_parallel} x {system}: {reason}"
        ) from None
    return handle


def models_in(root: Path) -> list[str]:
    """Names of the models whose shapes come with the package at *root*."""
    suffix = "_config.json"
    names = (p.name.removesuffix(suffix) for p in (root / "model_configs").glob(f"*{suffix}"))
    return sorted(n.replace("--", "/", 1) for n in names if not n.endswith("_hf_quant"))


def _check_known(noun: str, name: str, known: list[str]) -> None:
    if name in known:
        return
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.4)
    hint = f"; nearest: {', '.join(near)}" if near else ""
    raise CalibrationError(f"aiconfigurator has no {noun} {name!r}{hint} ({len(known)} are known)")


@contextmanager
def _quiet() -> Iterator[None]:
    """Without the package's remarks on which tables it reads."""
    before = logging.root.manager.disable
    logging.disable(logging.WARNING)
    try:
        yield
    finally:
        logging.disable(before)


def step_rows(of: Engine) -> list[StepRow]:
    """Step times of *of* on a grid of decode, prefill and mixed steps."""
    return [*_decode(of), *_prefill(of), *_mixed(of)]


def _decode(of: Engine) -> Iterator[StepRow]:
    for seqs in DECODE_SEQS:
        for context in DECODE_CONTEXTS:
            if seqs * context <= MOST_TOKENS:
                ms = of.predict_decode_latency(seqs, context, 2)
                yield StepRow(ms / 1e3, decode_seqs=seqs, decode_context_tokens=seqs * context)


def _prefill(of: Engine) -> Iterator[StepRow]:
    for new in PREFILL_TOKENS:
        for done in PREFILL_CONTEXTS:
            for seqs in (1, 2, 4):
                if seqs * new <= 16_384:
                    ms = of.predict_prefill_latency(seqs, new + done, done)
                    yield StepRow(ms / 1e3, seqs, seqs * new, seqs * done)


def _mixed(of: Engine) -> Iterator[StepRow]:
    for prompt in MIXED_PROMPTS:
        for seqs in MIXED_SEQS:
            for context in (prompt, 4 * prompt):
                if seqs * context <= MOST_TOKENS:
                    # The package's decoding sequences hold isl + osl / 2 tokens, 1 too many at 2.
                    osl = 2 * (context - prompt) + 2
                    ms = of.mixed_step_latency(prompt, seqs, prompt, osl)
                    yield StepRow(ms / 1e3, 1, prompt, 0, seqs, seqs * context)
